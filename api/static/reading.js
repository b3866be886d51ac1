// The sheet that shows a document, scrolled to a quotation in it.

import * as client from "./client.js";
import { byId, element } from "./dom.js";
import { nameOf, unitOffsets } from "./text.js";
import { languageName, say } from "./words.js";

const SHOWN = 30000; // code points before and after the quotation; the rest comes when it is asked for
const sheet = byId("reading");
const text = byId("reading-text");
let loading = null;

/** Open the document of a place and show its span; `onDone` is called when the person closes it. */
export async function read({ document: id, start, end }) {
  loading?.abort();
  loading = new AbortController();
  const { signal } = loading;
  prepare();
  try {
    const found = await client.documentOf(id, signal);
    if (!signal.aborted) show(found, span(start, end, found.characters));
  } catch (error) {
    if (!signal.aborted) complain(error);
  }
}

/** Close the sheet, if it is open. */
export function stopReading() {
  loading?.abort();
  if (sheet.open) sheet.close();
}

/** The span as numbers inside the text; null where the place names none. */
function span(start, end, characters) {
  if (start === "" || end === "") return null;
  const [from, to] = [Number(start), Number(end)];
  return 0 <= from && from < to && to <= characters ? { start: from, end: to } : null;
}

function prepare() {
  byId("reading-name").textContent = "";
  byId("reading-facts").textContent = say("loading");
  byId("reading-back").hidden = true;
  for (const action of ["reading-only", "reading-delete"]) byId(action).hidden = true;
  text.replaceChildren();
  if (!sheet.open) sheet.showModal();
}

function complain(error) {
  byId("reading-facts").textContent = "";
  const reason = error.status === 404 ? say("document_gone") : error.message;
  text.replaceChildren(element("p", { class: "note", role: "alert" }, reason));
}

function show(found, quoted) {
  const { name, folder } = nameOf(found.source);
  byId("reading-name").textContent = found.title || name;
  byId("reading-facts").textContent = facts(found, found.title ? found.source : folder).join(" · ");
  for (const action of ["reading-only", "reading-delete"]) byId(action).hidden = false;
  sheet.dataset.id = found.id;
  sheet.dataset.source = found.source;
  text.lang = found.language === "und" ? "" : found.language;
  const from = Math.max((quoted?.start ?? 0) - SHOWN, 0);
  const to = Math.min((quoted?.end ?? 0) + SHOWN, found.characters);
  fill(found, quoted, from, to);
  toQuotation(quoted ? "instant" : null);
  byId("reading-name").focus({ preventScroll: true });
}

function facts(found, where) {
  const pages = found.pages.length ? say("pages", { count: found.pages.length }) : "";
  return [where, languageName(found.language), pages].filter(Boolean);
}

/** The part [from, to) of the text, with buttons for what comes before and after it. */
function fill(found, quoted, from, to) {
  const parts = blocks(found, quoted, from, to);
  if (from > 0) parts.unshift(moreButton("earlier", () => widen(found, quoted, Math.max(from - SHOWN, 0), to)));
  if (to < found.characters) {
    parts.push(moreButton("later", () => widen(found, quoted, from, Math.min(to + SHOWN, found.characters))));
  }
  text.replaceChildren(...parts);
}

/** Show more, with what is seen staying where it is. */
function widen(found, quoted, from, to) {
  const anchor = text.querySelector(".page");
  const [height, top] = [text.scrollHeight, text.scrollTop];
  const grewAbove = from < Number(anchor.dataset.start);
  fill(found, quoted, from, to);
  text.scrollTop = grewAbove ? top + text.scrollHeight - height : top;
  text.focus({ preventScroll: true });
}

const moreButton = (word, onclick) => element("button", { type: "button", class: "quiet", onclick }, say(word));

/** The text page by page, as elements; the quoted span is marked, also where it runs over a page's end. */
function blocks(found, quoted, from, to) {
  const starts = found.pages.filter((start) => from < start && start < to);
  const borders = [from, ...starts, to];
  const cuts = [...new Set([...borders, ...(quoted ? [quoted.start, quoted.end] : [])])].sort((a, b) => a - b);
  const units = new Map(unitOffsets(found.text, cuts).map((unit, i) => [cuts[i], unit]));
  const piece = (start, end) => found.text.slice(units.get(start), units.get(end));
  return borders.slice(0, -1).flatMap((start, i) => {
    const end = borders[i + 1];
    const inside = quoted && quoted.start < end && quoted.end > start;
    const [low, high] = inside ? [Math.max(quoted.start, start), Math.min(quoted.end, end)] : [end, end];
    const marked = inside ? element("mark", {}, piece(low, high)) : null;
    const block = element("div", { class: "page", "data-start": start }, piece(start, low), marked, piece(high, end));
    const page = found.pages.filter((each) => each <= start).length;
    return page ? [element("p", { class: "page-number" }, say("page_heading", { page })), block] : [block];
  });
}

function toQuotation(behavior) {
  const mark = text.querySelector("mark");
  if (mark && behavior) mark.scrollIntoView({ block: "center", behavior });
  else text.scrollTop = 0;
}

byId("reading-back").addEventListener("click", () => toQuotation("smooth"));
text.addEventListener("scroll", () => {
  const mark = text.querySelector("mark");
  if (!mark) return;
  const [seen, place] = [text.getBoundingClientRect(), mark.getBoundingClientRect()];
  byId("reading-back").hidden = place.bottom > seen.top && place.top < seen.bottom;
});
