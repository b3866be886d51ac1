// The page: what people do leads to a new place behind the "#", and every place is shown from there.

import { ask, forget } from "./answers.js";
import * as client from "./client.js";
import { isEmpty, loadCollection, mayWrite, onCollection, removeDocument, sizeInWords, summary } from "./collection.js";
import { byId, element } from "./dom.js";
import { addressOf, placeOf, withoutDocument } from "./place.js";
import { read, stopReading } from "./reading.js";
import { acceptFiles } from "./uploading.js";
import { say, translate } from "./words.js";

const question = byId("question");
let asked = null; // what the answers on the page belong to

function go(address) {
  if (address === location.hash) follow();
  else location.hash = address;
}

/** Show the place where the page is. */
function follow() {
  const place = placeOf();
  const wanted = JSON.stringify([place.q, place.language, place.source]);
  if (place.q && wanted !== asked) {
    fillForm(place);
    ask(place);
  } else if (!place.q && asked) {
    forget();
    fillForm(place);
  }
  asked = place.q ? wanted : null;
  document.body.dataset.stage = place.q ? "answers" : "start";
  byId("start").hidden = Boolean(place.q);
  document.title = place.q ? `${place.q} · Fundstelle` : "Fundstelle";
  if (place.document) read(place);
  else stopReading();
}

function fillForm({ q, language, source }) {
  question.value = q;
  byId("language").value = language;
  byId("source").value = source;
  grow();
}

/** As high as what is written in it. */
function grow() {
  question.style.height = "auto";
  question.style.height = `${question.scrollHeight}px`;
}

function submit(event) {
  event?.preventDefault();
  const q = question.value.trim();
  if (!q) return question.focus();
  asked = null; // asking the same again asks again
  go(addressOf({ q, language: byId("language").value, source: byId("source").value.trim() }));
}

byId("ask").addEventListener("submit", submit);
question.addEventListener("input", grow);
question.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
});
for (const filter of [byId("language"), byId("source")]) {
  filter.addEventListener("change", () => question.value.trim() && submit());
}

// Sheets

for (const button of document.querySelectorAll("[data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}
for (const sheet of document.querySelectorAll("dialog.sheet")) {
  sheet.addEventListener("click", (event) => event.target === sheet && besides(sheet, event) && sheet.close());
}

/** Whether a click was on what is behind a sheet. */
function besides(sheet, event) {
  const { left, right } = sheet.getBoundingClientRect();
  return event.clientX < left || event.clientX > right;
}

byId("reading").addEventListener("close", () => placeOf().document && go(withoutDocument()));
byId("reading-only").addEventListener("click", () => {
  byId("source").value = byId("reading").dataset.source;
  byId("language").value = "";
  byId("collection").close();
  go(addressOf({ q: question.value.trim(), source: byId("source").value }));
  question.focus();
});
byId("reading-delete").addEventListener("click", async () => {
  const { id } = byId("reading").dataset;
  if (!(await removeDocument(id, byId("reading-name").textContent))) return;
  asked = null;
  go(withoutDocument());
  question.focus();
});
byId("open-collection").addEventListener("click", () => openCollection());

function openCollection() {
  if (!byId("collection").open) byId("collection").showModal();
  byId("collection-heading").focus();
}

// The collection

onCollection(() => {
  byId("collection-size").textContent = isEmpty() ? "" : sizeInWords();
  byId("reading-delete").toggleAttribute("data-forbidden", !mayWrite());
  byId("start").replaceChildren(...(isEmpty() ? invitation() : [summary()]));
});

function invitation() {
  const choose = element("button", { type: "button", onclick: () => byId("files").click() }, say("choose"));
  return [
    element("div", { class: "message" },
      element("h2", {}, say("empty")),
      mayWrite() && element("p", {}, say("empty_help")),
      mayWrite() && element("div", { class: "actions" }, choose)),
  ];
}

async function load() {
  try {
    await loadCollection();
    byId("language").value = placeOf().language;
  } catch (error) {
    const again = element("button", { type: "button", onclick: load }, say("try_again"));
    byId("start").replaceChildren(
      element("div", { class: "message error", role: "alert" },
        element("p", {}, error.message), element("div", { class: "actions" }, again)),
    );
    if (!(error instanceof client.CallError)) throw error;
  }
}

// The key

client.onKeyWanted((refused) => {
  const dialog = byId("key");
  byId("key-value").value = "";
  byId("key-error").textContent = refused ? say("key_wrong") : "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
});
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  byId("key").close(byId("key-value").value.trim());
});

translate(document);
acceptFiles({ onStart: openCollection, onDone: load });
addEventListener("hashchange", follow);
follow();
await load();
if (!placeOf().document) question.focus();
