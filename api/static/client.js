// The calls of the service that the page makes, all of them to where the page came from.

import { say } from "./words.js";

const KEPT = "fundstelle-key"; // in the tab's own storage, which ends with it

/** Why a call failed: a sentence for people, the status (0: no reply), and when it may be tried again. */
export class CallError extends Error {
  constructor(message, status = 0, retryAfter = null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

let askForKey = async () => null;

/** Have `asking(refused)` called for a key where the service wants one; it resolves to a key or null. */
export function onKeyWanted(asking) {
  let pending = null;
  askForKey = (refused) => (pending ??= asking(refused).finally(() => (pending = null)));
}

function headers(more = {}) {
  const key = sessionStorage.getItem(KEPT);
  return key ? { ...more, Authorization: `Bearer ${key}` } : more;
}

/** Ask for a key and keep it; false where none is given. */
async function takeKey(used) {
  if (sessionStorage.getItem(KEPT) !== used) return true; // another call has got one meanwhile
  const key = await askForKey(Boolean(used));
  if (key) sessionStorage.setItem(KEPT, key);
  return Boolean(key);
}

async function call(method, path, { body, accept = "application/json", signal } = {}) {
  const used = sessionStorage.getItem(KEPT);
  const more = { Accept: accept };
  if (body !== undefined) more["Content-Type"] = "application/json";
  const reply = await fetch(path, {
    method,
    signal,
    headers: headers(more),
    body: body === undefined ? undefined : JSON.stringify(body),
  }).catch(unreachable);
  if (reply.status === 401) {
    if (await takeKey(used)) return call(method, path, { body, accept, signal });
    throw new CallError(say("key_missing"), 401);
  }
  if (!reply.ok) throw failure(reply.status, await reply.text(), reply.headers.get("Retry-After"));
  return reply;
}

/** What a broken connection is; what the page itself has given up stays that. */
function unreachable(error) {
  throw error.name === "AbortError" ? error : new CallError(say("unreachable"));
}

function failure(status, text, retryAfter) {
  const seconds = Number(retryAfter) || null;
  if (status === 429 || (status === 503 && seconds)) {
    return new CallError(say("busy", { count: seconds ?? 1 }), status, seconds);
  }
  try {
    return new CallError(JSON.parse(text).detail ?? say("went_wrong"), status, seconds);
  } catch {
    return new CallError(say("went_wrong"), status, seconds);
  }
}

const json = async (...asked) => (await call(...asked)).json().catch(unreachable);

export const info = () => json("GET", "v1/info");
export const query = (request, signal) => json("POST", "v1/query", { body: request, signal });
export const documentOf = (id, signal) => json("GET", `v1/documents/${encodeURIComponent(id)}`, { signal });
export const remove = (id) => call("DELETE", `v1/documents/${encodeURIComponent(id)}`);
export const sendFeedback = (mark) => call("POST", "v1/feedback", { body: mark });
export const cancelJob = (id) => call("DELETE", `v1/jobs/${encodeURIComponent(id)}`);

/** A page of the documents: `{documents, next_cursor}`. */
export function documents(cursor) {
  return json("GET", `v1/documents?limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
}

/** Send files, telling `onSent` the share that has gone out; resolves to the job. */
export async function upload(files, onSent, signal) {
  const form = new FormData();
  for (const { file, name } of files) form.append("files", file, name);
  const used = sessionStorage.getItem(KEPT);
  const [status, text, retryAfter] = await send(form, onSent, signal);
  if (status === 401) {
    if (await takeKey(used)) return upload(files, onSent, signal);
    throw new CallError(say("key_missing"), 401);
  }
  if (status < 200 || status > 299) throw failure(status, text, retryAfter);
  return JSON.parse(text);
}

/** An XMLHttpRequest, because fetch does not tell how much has been sent. */
function send(form, onSent, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "v1/documents");
    for (const [name, value] of Object.entries(headers({ Accept: "application/json" })))
      request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && onSent(event.loaded / event.total);
    request.onload = () => resolve([request.status, request.responseText, request.getResponseHeader("Retry-After")]);
    request.onerror = () => reject(new CallError(say("unreachable")));
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

/** The states of a job as they come, until it has ended. (EventSource could not send the key.) */
export async function* jobStates(id) {
  const reply = await call("GET", `v1/jobs/${encodeURIComponent(id)}`, { accept: "text/event-stream" });
  let rest = "";
  for await (const text of texts(reply.body)) {
    const events = (rest + text.replaceAll("\r\n", "\n")).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const data = event.split("\n").filter((line) => line.startsWith("data:"));
      if (data.length) yield JSON.parse(data.map((line) => line.slice(5)).join("\n"));
    }
  }
}

async function* texts(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read().catch(unreachable);
    if (done) return;
    yield value;
  }
}
