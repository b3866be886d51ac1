// A question's way over the page: waiting, answers, no answer, errors.

import * as client from "./client.js";
import { byId, copyOf, element } from "./dom.js";
import { addressOf, documentAddress } from "./place.js";
import { cut, nameOf } from "./text.js";
import { likelihood, percent, say } from "./words.js";

let asking = null;

/** Ask the question of a place and show what comes back; `threshold` 0 shows uncertain answers too. */
export async function ask(place, threshold) {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  wait();
  try {
    const result = await client.query(request(place, threshold), signal);
    if (!signal.aborted) show(result, place, threshold);
  } catch (error) {
    if (!signal.aborted) complain(error, () => ask(place, threshold));
  }
}

/** Back to the empty page. */
export function forget() {
  asking?.abort();
  byId("answers").hidden = true;
  byId("status").textContent = "";
}

function request(place, threshold) {
  return {
    question: place.q,
    top_k: 5,
    ...(place.language && { language: place.language }),
    ...(place.source && { filters: { source: place.source } }),
    ...(threshold !== undefined && { threshold }),
  };
}

/** Show a state of the question: "waiting", "found", "none" or "error". */
function fill(state, heading, ...content) {
  byId("answers").hidden = false;
  byId("answers").dataset.state = state;
  byId("answers").setAttribute("aria-busy", String(state === "waiting"));
  byId("answers-heading").textContent = heading;
  byId("results").replaceChildren(...content);
  byId("status").textContent = heading;
}

function wait() {
  fill("waiting", say("searching"), element("div", { class: "waiting" }));
}

function complain(error, again) {
  const retry = element("button", { type: "button", onclick: again }, say("try_again"));
  fill(
    "error",
    say("went_wrong"),
    element("div", { class: "message error", role: "alert" },
      element("p", {}, error instanceof client.CallError ? error.message : say("went_wrong")),
      element("div", { class: "actions" }, retry)),
  );
  if (!(error instanceof client.CallError)) throw error;
}

function show(result, place, threshold) {
  if (!result.answers.length) return showNone(result, place);
  const best = result.answers[0].probability;
  const doubt = result.no_answer_probability > best
    ? element("p", { class: "doubt" }, say("doubt", { percent: percent(result.no_answer_probability) }))
    : null;
  const list = element("ol", { class: "list" }, result.answers.map((answer) => answerItem(answer, result)));
  const more = element("div", { class: "actions after" }, wider(place, threshold === undefined));
  fill("found", say("answers", { count: result.answers.length }), ...[doubt, list, more].filter(Boolean));
}

function showNone(result, place) {
  const [verdict, reason] = verdictOf(result.no_answer_probability);
  const nearest = placesNear(result.passages);
  fill(
    "none",
    verdict,
    element("div", { class: "message" },
      element("p", {}, `${nearest.length ? reason : say("no_passages")} ${say("no_answer_try")}`),
      nearest.length ? [element("p", {}, say("nearest")), element("ul", {}, nearest)] : null,
      element("div", { class: "actions" }, wider(place, nearest.length))),
  );
}

/** What to say where no answer is given, and why: there is none, or none is sure enough. */
function verdictOf(none) {
  const sure = { percent: percent(none) };
  return none < 0.5
    ? [say("none_sure_enough"), say("several_compete", sure)]
    : [say("no_answer"), say("no_answer_sure", sure)];
}

/** Buttons that ask the same of more: of all documents, or for less certain answers. */
function wider(place, mayBeUncertain) {
  const everywhere = () => {
    location.hash = addressOf({ q: place.q });
  };
  return [
    (place.language || place.source) && button("drop_filters", everywhere),
    mayBeUncertain && button("show_uncertain", () => ask(place, 0)),
  ].map((each) => each || null);
}

const button = (word, onclick) => element("button", { type: "button", class: "quiet", onclick }, say(word));

/** The first passage of each of the first documents, as links. */
function placesNear(passages) {
  const first = new Map();
  for (const passage of passages) if (!first.has(passage.document_id)) first.set(passage.document_id, passage);
  return [...first.values()].slice(0, 3).map((passage) => element("li", {}, sourceLink(passage)));
}

/** A link to a span of a document, named by its file. */
function sourceLink({ document_id, source, start, end }) {
  const { name } = nameOf(source);
  const span = end === undefined ? {} : { start, end };
  return element("a", { href: documentAddress(document_id, span), title: source }, element("bdi", {}, name));
}

function answerItem(answer, result) {
  const { root, parts } = copyOf("answer-template");
  const address = documentAddress(answer.document_id, answer);
  parts.link.textContent = answer.text;
  parts.link.href = address;
  parts.bar.style.setProperty("--share", answer.probability);
  parts.word.textContent = say("probability", {
    word: likelihood(answer.probability),
    percent: percent(answer.probability),
  });
  quote(parts.quote, answer, address);
  parts.place.append(...placeOfAnswer(answer));
  others(parts, answer.support);
  judging(parts, answer, result);
  copying(parts, answer);
  parts.heading.dir = parts.quote.matches(":dir(rtl)") ? "rtl" : "ltr"; // a number has no direction of its own
  for (const part of [parts.link, parts.quote]) part.lang = answer.language === "und" ? "" : answer.language;
  return root;
}

/** A text without its empty lines. */
const close = (text) => text.replace(/\n\s*\n/g, "\n");

/** The context with the answer marked in it; a click that selects no text opens the document. */
function quote(block, answer, address) {
  const start = answer.start - answer.context_start;
  const [before, inside, after] = cut(answer.context, start, start + answer.end - answer.start);
  block.append(answer.context_start > 0 ? "… " : "", close(before), element("mark", {}, inside), close(after), " …");
  block.addEventListener("click", () => {
    if (getSelection().isCollapsed) location.hash = address;
  });
}

function placeOfAnswer(answer) {
  const { folder } = nameOf(answer.source);
  const page = answer.page ? ` · ${say("page", { page: answer.page })}` : "";
  return [element("bdi", {}, folder, sourceLink(answer)), page];
}

function others(parts, support) {
  parts.support.hidden = !support.length;
  parts.others.textContent = say("also_found", { count: support.length });
  parts.places.append(...support.map((each) => element("li", {}, sourceLink(each), ` (${percent(each.probability)})`)));
}

/** Right, wrong, and whether a wrong answer's text holds the right one: marks that train and evaluate readers. */
function judging(parts, answer, result) {
  parts.marks.setAttribute("aria-label", say("judge"));
  const mark = (chosen, verdict) => chosen.addEventListener("click", async () => {
    try {
      await client.sendFeedback(feedback(answer, result, verdict));
      for (const each of [parts.right, parts.wrong]) each.setAttribute("aria-pressed", String(each === chosen));
      parts.thanks.textContent = say(verdict === "wrong" ? "thanks_wrong" : "thanks");
      parts.elsewhere.hidden = verdict !== "wrong";
    } catch (error) {
      parts.thanks.textContent = say("not_noted", { reason: error.message });
    }
  });
  mark(parts.right, "right");
  mark(parts.wrong, "wrong");
  mark(parts.elsewhere, "wrong-span");
}

function feedback(answer, result, verdict) {
  const { document_id, start, end, text } = answer;
  return { question: result.question, document_id, start, end, text, verdict };
}

/** Copying needs a page that came safely (https, or this machine). */
function copying(parts, answer) {
  parts.copy.hidden = !navigator.clipboard;
  parts.copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(`“${answer.text}” (${citation(answer)})`);
    parts.thanks.textContent = say("copied");
  });
}

function citation({ source, page, start, end }) {
  const places = [source, page && say("page", { page }), say("characters", { start: String(start), end: String(end) })];
  return places.filter(Boolean).join(", ");
}
