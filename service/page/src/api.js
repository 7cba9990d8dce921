// Everything that is said to the service, and its key where it wants one.
import { asked } from "./dialog.js";
import { h } from "./dom.js";

const KEY = "unmixing-key";

const ADVICE = {
  401: "Load this page again to give a key.",
  413: "Send a smaller part of the scene, or ask whoever runs the service to raise its limit.",
  415: "Scenes may be .npy, .npz, .mat, HDF5, netCDF 4, GeoTIFF, ENVI (header and binary together) or a zip of them.",
  429: "Wait a moment, then try again.",
  500: "The details stand in the log of the service.",
  503: "Wait a moment, then try again.",
  507: "Remove jobs that are not needed any more.",
};

/** An answer that is a problem (RFC 9457). */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? `the service answered with ${status}`);
    this.status = status;
    this.title = body.title ?? "Something went wrong";
    this.detail = this.message;
    this.advice = ADVICE[status];
  }
}

const UNREACHABLE = {
  title: "The service does not answer",
  detail: "It may have been stopped, or the connection is gone.",
};

export function headers() {
  const key = localStorage.getItem(KEY);
  return key ? { Authorization: `Bearer ${key}` } : {};
}

export function hasKey() {
  return localStorage.getItem(KEY) !== null;
}

/** Ask for a key; true when one was given. */
async function askForKey() {
  const input = h("input", { type: "password", id: "key", autocomplete: "off", required: true });
  const content = [
    h("p", null, "Whoever runs it gives you one. It is kept in this browser."),
    h("div", { class: "field" }, h("label", { for: "key" }, "Key"), input),
  ];
  const isGiven = (await asked({ title: "This service asks for a key", content, action: "Use this key" })) && input.value.trim() !== "";
  if (isGiven) localStorage.setItem(KEY, input.value.trim());
  return isGiven;
}

let asking = null;

/** One dialog, however many requests were refused. */
function keyGiven() {
  asking ??= askForKey().finally(() => { asking = null; });
  return asking;
}

/** fetch with the key; raises Problem for every answer that is none. */
export async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: { Accept: "application/json", ...options.headers, ...headers() } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, UNREACHABLE);
  }
  if (response.status === 401 && (await keyGiven())) return ask(path, options);
  if (!response.ok) throw new Problem(response.status, await response.json().catch(() => ({})));
  return response;
}

export const get = async (path) => (await ask(path)).json();

export const remove = (path) => ask(path, { method: "DELETE" });

/** POST a form and hear how much of it is sent. Answers with the JSON. */
export async function send(path, form, onSent = () => {}) {
  const answer = await new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("Accept", "application/json");
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && onSent(event.loaded / event.total);
    request.onload = () => resolve(request);
    request.onerror = () => reject(new Problem(0, UNREACHABLE));
    request.send(form);
  });
  if (answer.status === 401 && (await keyGiven())) return send(path, form, onSent);
  let body = {};
  try {
    body = JSON.parse(answer.responseText);
  } catch { /* no JSON: the status says enough */ }
  if (answer.status >= 400) throw new Problem(answer.status, body);
  return body;
}

const ENDED = new Set(["successful", "failed", "dismissed"]);
export const ended = (job) => ENDED.has(job.status);

/** Call onJob with the job now and whenever it changes, until it has ended or `signal` says so. */
export async function follow(id, onJob, signal) {
  while (!signal.aborted) {
    try {
      const response = await ask(`jobs/${id}/events`, { headers: { Accept: "text/event-stream" }, signal });
      for await (const job of events(response.body)) {
        onJob(job);
        if (ended(job)) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error.status && error.status < 500) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }
}

/** The data of server-sent events. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const parts = text.split("\n\n");
    text = parts.pop();
    for (const part of parts) {
      const data = part.split("\n").find((line) => line.startsWith("data: "));
      if (data) yield JSON.parse(data.slice(6));
    }
  }
}

/** A link that saves a file; with a key it has to be fetched first, for links carry no headers. */
export function download(href, name, ...children) {
  const onclick = async (event) => {
    if (!hasKey()) return;
    event.preventDefault();
    const url = URL.createObjectURL(await (await ask(href, { headers: { Accept: "*/*" } })).blob());
    h("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  };
  return h("a", { href, download: name, onclick }, ...children);
}

/** The address of a picture for an <img>, fetched first where a key has to be sent. */
export async function pictureUrl(href) {
  return hasKey() ? URL.createObjectURL(await (await ask(href, { headers: { Accept: "*/*" } })).blob()) : href;
}
