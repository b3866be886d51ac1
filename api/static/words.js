// What the page says, in the languages it speaks; documents and questions may be in any language.

import { arabic } from "./words.ar.js";
import { english } from "./words.en.js";
import { french } from "./words.fr.js";
import { german } from "./words.de.js";
import { spanish } from "./words.es.js";

export const SPOKEN = { ar: arabic, de: german, en: english, es: spanish, fr: french };
const RIGHT_TO_LEFT = ["ar"];

const baseOf = (locale) => locale.split("-")[0];

/** The first of the person's languages that the page speaks, with its country: "de-CH". */
const locale = navigator.languages.find((each) => baseOf(each) in SPOKEN) ?? "en";

const words = SPOKEN[baseOf(locale)];
const plural = new Intl.PluralRules(locale);
const number = new Intl.NumberFormat(locale);
const percents = new Intl.NumberFormat(locale, { style: "percent" });
const languages = new Intl.DisplayNames([locale], { type: "language", fallback: "code" });

/** The words called `name`, with `{places}` filled; `count` chooses between forms and fills `{count}`. */
export function say(name, places = {}) {
  let chosen = words[name];
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
  if (root === document) {
    document.documentElement.lang = baseOf(locale);
    document.documentElement.dir = RIGHT_TO_LEFT.includes(baseOf(locale)) ? "rtl" : "ltr";
  }
  for (const each of root.querySelectorAll("[data-word]")) each.textContent = say(each.dataset.word);
  for (const each of root.querySelectorAll("[data-word-label]"))
    each.setAttribute("aria-label", say(each.dataset.wordLabel));
  for (const each of root.querySelectorAll("[data-word-placeholder]"))
    each.setAttribute("placeholder", say(each.dataset.wordPlaceholder));
  for (const each of root.querySelectorAll("template")) translate(each.content);
}
