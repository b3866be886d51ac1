// Where the page is: question, filters and open document stand behind the "#", which browsers keep to themselves.

const NAMES = ["q", "language", "source", "document", "start", "end"];

/** `{q, language, source, document, start, end}` of an address; what is missing is "". */
export function placeOf(hash = location.hash) {
  const given = new URLSearchParams(hash.slice(1));
  return Object.fromEntries(NAMES.map((name) => [name, given.get(name) ?? ""]));
}

/** The address of a place, as in "#q=...&language=de". */
export function addressOf(place) {
  const kept = NAMES.filter((name) => place[name] !== "" && place[name] != null);
  return `#${new URLSearchParams(kept.map((name) => [name, place[name]]))}`;
}

/** The address of a document, or of a span in it, over the place where the page is. */
export function documentAddress(document, span = {}) {
  return addressOf({ ...placeOf(), document, start: span.start, end: span.end });
}

/** The address of the page without an open document. */
export function withoutDocument() {
  return addressOf({ ...placeOf(), document: "", start: "", end: "" });
}
