// What the page says, in the languages it speaks; documents and questions may be in any language.

import { english } from "./words.en.js";
import { german } from "./words.de.js";

const SPOKEN = { en: english, de: german };

/** The first of the person's languages that the page speaks. */
export const speech =
  navigator.languages.map((code) => code.split("-")[0]).find((code) => code in SPOKEN) ?? "en";

const words = SPOKEN[speech];
const plural = new Intl.PluralRules(speech);
const number = new Intl.NumberFormat(speech);
const percents = new Intl.NumberFormat(speech, { style: "percent" });
const languages = new Intl.DisplayNames([speech], { type: "language", fallback: "code" });

/** The words called `name`, with `{places}` filled; `count` chooses between forms and fills `{count}`. */
export function say(name, places = {}) {
  let chosen = words[name] ?? english[name];
  if (typeof chosen === "object") chosen = chosen[plural.select(places.count)] ?? chosen.other;
  return chosen.replace(/\{(\w+)\}/g, (_, place) => {
    const value = places[place];
    return typeof value === "number" ? number.format(value) : value;
  });
}

export const percent = (share) => percents.format(share);

/** A probability in a plain word. */
export function likelihood(probability) {
  const level = [0.85, 0.6, 0.35].findIndex((least) => probability >= least);
  return say(["very_likely", "likely", "possible"][level] ?? "unlikely");
}

/** A language's name, or its code where it has none; "und" is unknown. */
export function languageName(code) {
  if (code === "und") return say("unknown_language");
  try {
    return languages.of(code) ?? code;
  } catch {
    return code;
  }
}

/** Put the words of the person's language into the page, whose own are English. */
export function translate(root) {
  if (root === document) document.documentElement.lang = speech;
  for (const each of root.querySelectorAll("[data-word]")) each.textContent = say(each.dataset.word);
  for (const each of root.querySelectorAll("[data-word-label]"))
    each.setAttribute("aria-label", say(each.dataset.wordLabel));
  for (const each of root.querySelectorAll("[data-word-placeholder]"))
    each.setAttribute("placeholder", say(each.dataset.wordPlaceholder));
  for (const each of root.querySelectorAll("template")) translate(each.content);
}
