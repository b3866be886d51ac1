// Files on their way in: chosen or dropped, sent, and their job followed to its end.

import * as client from "./client.js";
import { limits } from "./collection.js";
import { byId, copyOf, element } from "./dom.js";
import { percent, say } from "./words.js";

const ENDED = new Set(["done", "failed", "cancelled"]);
const PATIENCE = 30; // tries without news, a few seconds apart, until a service counts as gone

/** Have files that are dropped anywhere or chosen sent; `onStart` before, `onDone` after each upload. */
export function acceptFiles({ onStart, onDone }) {
  const begin = async (files) => {
    onStart();
    byId("collection-note").textContent = files.length ? "" : say("no_files");
    for (const batch of batches(files)) await follow(batch, onDone);
  };
  byId("choose").addEventListener("click", () => byId("files").click());
  byId("files").addEventListener("change", (event) => {
    begin([...event.target.files].map((file) => ({ file, name: file.name })));
    event.target.value = "";
  });
  acceptDrops(begin);
}

/** Files in as many requests as the service's limits ask for; one that is too large goes by itself, to be refused. */
function batches(files) {
  const { max_upload_files: most, max_upload_request_bytes: bytes, max_upload_bytes: largest } = limits();
  const isLarge = ({ file }) => file.size > largest;
  const found = [...files.filter(isLarge).map((file) => [file]), []];
  let size = 0;
  for (const each of files.filter((file) => !isLarge(file))) {
    const last = found.at(-1);
    size += each.file.size;
    if (last.length && (last.length >= most || size > bytes)) {
      found.push([each]);
      size = each.file.size;
    } else last.push(each);
  }
  return found.filter((batch) => batch.length);
}

function acceptDrops(begin) {
  const veil = byId("veil");
  const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  let depth = 0; // dragenter and dragleave come for every element on the way
  const lift = (change) => {
    depth = Math.max(depth + change, 0);
    veil.togglePopover(depth > 0);
  };
  addEventListener("dragenter", (event) => holdsFiles(event) && lift(+1));
  addEventListener("dragleave", (event) => holdsFiles(event) && lift(-1));
  addEventListener("dragover", (event) => holdsFiles(event) && event.preventDefault());
  addEventListener("drop", async (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    lift(-depth);
    begin(await dropped(event.dataTransfer));
  });
}

/** The files of a drop: `[{file, name}]`. Those in folders are named with these, as the service takes no paths. */
async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => ({ file, name: file.name }));
  return (await Promise.all(entries.map(under))).flat();
}

async function under(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ file, name: entry.fullPath.slice(1).replaceAll("/", " › ") }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return (await Promise.all(found.map(under))).flat();
    found.push(...some.filter(({ name }) => !name.startsWith("."))); // a reader gives a hundred at a time
  }
}

async function follow(files, onDone) {
  const { root, parts } = copyOf("upload-template");
  const stop = new AbortController();
  let job = null;
  const [{ name }, ...others] = files;
  parts.name.textContent = others.length ? say("files", { name, count: others.length }) : name;
  parts.cancel.addEventListener("click", () => (job ? client.cancelJob(job.id) : stop.abort()));
  byId("uploads").prepend(root);
  try {
    job = await client.upload(files, (share) => sending(parts, share), stop.signal);
    for await (const state of untilEnded(job)) showJob(parts, (job = state));
  } catch (error) {
    const reason = error.name === "AbortError" ? say("cancelled") : say("failed", { reason: error.message });
    parts.note.textContent = reason;
  }
  parts.bar.hidden = parts.cancel.hidden = true;
  onDone();
}

/** The states of a job to its last one, also over a restart of the service: jobs survive it. */
async function* untilEnded(job) {
  let last = job;
  for (let tries = 0; tries < PATIENCE && !ENDED.has(last.state); tries += 1) {
    if (tries) await new Promise((resolve) => setTimeout(resolve, 2000));
    try {
      for await (const state of client.jobStates(job.id)) {
        yield (last = state);
        tries = 0;
      }
    } catch (error) {
      if (error.status >= 400) throw error;
    }
  }
  if (!ENDED.has(last.state)) throw new client.CallError(say("unreachable"));
}

function sending(parts, share) {
  parts.bar.value = share / 2; // sending is one half of the bar, reading the other
  parts.note.textContent = say("sending", { percent: percent(share) });
}

function showJob(parts, job) {
  if (job.files) parts.bar.value = 0.5 + job.files_done / job.files / 2;
  parts.note.textContent = noteOf(job);
  parts.failures.replaceChildren(
    ...job.failures.map(({ source, reason }) => element("li", {}, element("bdi", {}, source), `: ${reason}`)),
  );
}

function noteOf(job) {
  const { added, updated, unchanged } = job.documents;
  switch (job.state) {
    case "queued":
      return say("queued");
    case "running":
      return job.files ? say("reading", { done: job.files_done, count: job.files }) : say("reading_some");
    case "done":
      if (added + updated) return say("done", { count: added + updated });
      return say(unchanged ? "unchanged" : "none_added");
    case "cancelled":
      return say("cancelled");
    default:
      return say("failed", { reason: job.error ?? say("went_wrong") });
  }
}
