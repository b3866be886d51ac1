// The collection: what it holds, by name, and the deleting of it.

import * as client from "./client.js";
import { byId, copyOf, element } from "./dom.js";
import { documentAddress } from "./place.js";
import { nameOf } from "./text.js";
import { languageName, say } from "./words.js";

const MOST = 5000; // documents that are loaded to be looked through by name
const state = { known: [], cursor: null, languages: {}, scopes: [], limits: {}, turn: 0 };
const byName = new Intl.Collator(undefined, { ignorePunctuation: true, numeric: true });
let onChanged = () => {};
let loadingMore = null;

export const mayWrite = () => state.scopes.includes("write");
export const limits = () => state.limits;
export const isEmpty = () => Object.keys(state.languages).length === 0;

/** Have `changed` called whenever the collection was loaded anew. */
export function onCollection(changed) {
  onChanged = changed;
}

/** Load what the collection holds, and show it, unless it has been loaded again meanwhile. */
export async function loadCollection() {
  const turn = (state.turn += 1);
  const [facts, page] = await Promise.all([client.info(), client.documents()]);
  if (turn !== state.turn) return;
  Object.assign(state, { languages: facts.passages, scopes: facts.scopes, limits: facts.limits });
  Object.assign(state, { known: page.documents, cursor: page.next_cursor });
  byId("files").accept = facts.suffixes.join(",");
  list();
  filters();
  onChanged();
  if (byId("find").value) await orTell(loadAll());
}

/** Load the next page of documents; who asks meanwhile waits for the same one. */
function loadMore() {
  return (loadingMore ??= nextPage().finally(() => (loadingMore = null)));
}

async function nextPage() {
  const { turn, cursor } = state;
  const page = await client.documents(cursor);
  if (turn !== state.turn) return;
  state.known.push(...page.documents);
  state.cursor = page.next_cursor;
  list();
  filters();
  onChanged();
}

/** What is looked for by name is looked for in all documents, or the first thousands of them. */
async function loadAll() {
  while (state.cursor && state.known.length < MOST) await loadMore();
}

const orTell = (loading) => loading.catch((error) => tell(say("failed", { reason: error.message })));

/** How many documents there are, as far as they were counted. */
export function sizeInWords() {
  const count = state.known.length;
  return state.cursor ? say("several_documents", { count }) : say("documents_count", { count });
}

/** One sentence about the collection. */
export function summary() {
  return say("holds", { documents: sizeInWords(), count: Object.keys(state.languages).length });
}

/** What people call a document. */
const titleOf = ({ title, source }) => title || nameOf(source).name;

function list() {
  const wanted = byId("find").value.trim().toLocaleLowerCase();
  const matches = state.known.filter(({ source, title }) =>
    `${title}\n${source}`.toLocaleLowerCase().includes(wanted));
  matches.sort((one, other) => byName.compare(titleOf(one), titleOf(other)));
  byId("documents").replaceChildren(...matches.map(row));
  byId("finder").hidden = state.known.length < 8;
  byId("more").hidden = !state.cursor;
  byId("dropzone").hidden = !mayWrite();
  const nothing = state.known.length ? say("none_found") : say("empty");
  byId("collection-note").textContent = matches.length ? "" : nothing;
}

function row(found) {
  const { root, parts } = copyOf("document-template");
  const pages = found.pages.length ? say("pages", { count: found.pages.length }) : "";
  parts.link.textContent = titleOf(found);
  parts.link.href = documentAddress(found.id);
  const facts = [languageName(found.language), pages, found.source === titleOf(found) ? "" : found.source];
  parts.facts.textContent = facts.filter(Boolean).join(" · ");
  parts.remove.hidden = !mayWrite();
  parts.remove.setAttribute("aria-label", say("delete_named", { name: titleOf(found) }));
  parts.remove.addEventListener("click", () => removeDocument(found.id, titleOf(found)));
  return root;
}

function filters() {
  const codes = Object.keys(state.languages).sort((one, other) => languageName(one).localeCompare(languageName(other)));
  const [all] = byId("language").options;
  const chosen = byId("language").value;
  byId("language").replaceChildren(all, ...codes.map((code) => element("option", { value: code }, languageName(code))));
  byId("language").value = codes.includes(chosen) ? chosen : "";
  byId("sources").replaceChildren(...state.known.map(({ source }) => element("option", { value: source })));
  byId("filters").hidden = isEmpty();
}

/** Delete a document if the person says so again; resolves to whether it is gone. */
export async function removeDocument(id, name) {
  if (!(await confirmed(say("really_delete", { name })))) return false;
  try {
    await client.remove(id);
    await loadCollection();
    tell(say("deleted", { name }));
    return true;
  } catch (error) {
    tell(say("failed", { reason: error.message }));
    return false;
  }
}

/** Say something where the person looks: in the sheet of the collection, or over the page for a while. */
function tell(sentence) {
  if (byId("collection").open) {
    byId("collection-note").textContent = sentence;
    byId("collection-heading").focus();
  } else {
    byId("toast").textContent = sentence;
    setTimeout(() => (byId("toast").textContent = ""), 6000);
  }
}

let lastAnswer = Promise.resolve();

/** Whether the person says yes. One question after the other: browsers tell later that a dialog was closed. */
function confirmed(question) {
  lastAnswer = lastAnswer.then(() => ask(question));
  return lastAnswer;
}

function ask(question) {
  const dialog = byId("confirm");
  byId("confirm-text").textContent = question;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

byId("find").addEventListener("input", () => {
  list();
  orTell(loadAll());
});
byId("source").addEventListener("focus", () => orTell(loadAll()));
byId("more").addEventListener("click", () => orTell(loadMore()));
