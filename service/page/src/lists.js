// The lists of jobs and of stored models.
import { download, ended, get, remove } from "./api.js";
import { surely } from "./dialog.js";
import { WIDE, bytes, field, h, moment, problem } from "./dom.js";

const STATUSES = ["accepted", "running", "successful", "failed", "dismissed"];

/** What people call a job: its labels, else its files. */
export function jobName(job) {
  return job.labels.at(-1) ?? (job.inputs.file.join(", ") || job.jobID);
}

export const methodNames = (text) => text?.replaceAll(",", ", ") ?? "";

/** Columns that a narrow window leaves out. */
const EXTRA = { class: "extra" };

export async function jobsView(place, { query, signal }) {
  const { methods } = await get("methods");
  if (signal.aborted) return;
  const rows = h("tbody");
  const table = h("table", null, h("caption", { class: "unseen" }, "Jobs, the newest first"),
    h("thead", null, h("tr", null, [["Job"], ["Method", EXTRA], ["State"], ["When", EXTRA], ["Remove"]].map(([text, extra]) => h("th", { scope: "col", ...extra }, text)))), rows);
  const more = h("p", { class: "row" });
  place.append(h("h1", null, "Jobs"), filters(query, methods.map((one) => one.name)), h("div", WIDE, table), more);
  const load = async (path) => {
    const page = await get(path);
    if (signal.aborted) return;
    rows.append(...page.jobs.map((job) => jobRow(job, place)));
    if (!rows.children.length) rows.append(h("tr", null, h("td", { colspan: 5 }, query.size ? "No job is like that. " : "There are none. ", h("a", { href: "#/" }, "Start one"))));
    const next = page.links.find((link) => link.rel === "next");
    more.replaceChildren(...(next ? [h("button", { onclick: () => load(relative(next.href)) }, "More")] : []));
  };
  await load(`jobs?${new URLSearchParams([["limit", "50"], ...query])}`);
}

/** The service may be reached by another name than it knows itself by. */
const relative = (href) => href.slice(href.search(/\/(jobs|models)\?/) + 1);

/** What the list is narrowed down to; it stands in the address. */
function filters(query, methods) {
  const choice = (name, values) => h("select", { name }, ["", ...values].map((value) => h("option", { value, selected: value === (query.get(name) ?? "") }, value || "all")));
  const text = (name) => h("input", { type: "text", name, value: query.get(name) ?? "" });
  const form = h("form", { class: "fields", role: "search", "aria-label": "Jobs", onsubmit: (event) => event.preventDefault(), onchange: () => {
    const given = [...new FormData(form)].filter(([, value]) => value.trim());
    location.hash = given.length ? `#/jobs?${new URLSearchParams(given)}` : "#/jobs";
  } }, field("State", choice("status", STATUSES)), field("Method", choice("method", methods)), field("Label", text("label")), field("File", text("file")));
  return form;
}

/** A button that removes what a row shows, and the row. what: to be asked about, or null. */
function removal(text, name, path, row, place, what) {
  const onclick = async () => {
    if (what && !(await surely(what))) return;
    try {
      await remove(path);
      row.remove();
    } catch (error) {
      place.append(problem(error));
    }
  };
  return h("button", { class: "quiet", "aria-label": `${text} ${name}`, onclick }, text);
}

function jobRow(job, place) {
  const row = h("tr");
  const [text, what] = ended(job) ? ["Remove", `the job ${jobName(job)}`] : ["Stop", null];
  row.append(
    h("th", { scope: "row" }, h("a", { href: `#/jobs/${job.jobID}` }, jobName(job))),
    h("td", EXTRA, methodNames(job.inputs.method)),
    h("td", null, h("span", { class: `state ${job.status}` }, job.status), job.status === "running" ? ` ${job.progress} %` : null),
    h("td", EXTRA, moment(job.created)),
    h("td", null, removal(text, jobName(job), `jobs/${job.jobID}`, row, place, what)),
  );
  return row;
}

export async function modelsView(place, { signal }) {
  const page = await get("models?limit=200");
  if (signal.aborted) return;
  place.append(h("h1", null, "Models"), h("p", null, "Trained networks. Applied to another image of the same sensor, nothing has to be trained."));
  if (!page.models.length) {
    place.append(h("p", null, "There are none yet. A job with a method that learns leaves one behind."));
    return;
  }
  const heads = [["Model"], ["Endmembers"], ["Bands", EXTRA], ["When", EXTRA], ["Size", EXTRA], ["Use"], ["Remove"]];
  place.append(h("div", WIDE, h("table", null, h("caption", { class: "unseen" }, "Stored models, the newest first"),
    h("thead", null, h("tr", null, heads.map(([text, extra]) => h("th", { scope: "col", ...extra }, text)))),
    h("tbody", null, page.models.map((model) => modelRow(model, place))))));
}

function modelRow(model, place) {
  const { manifest } = model;
  const row = h("tr");
  const name = `model ${model.id.slice(0, 8)}`;
  row.append(
    h("th", { scope: "row" }, download(`models/${model.id}/model.onnx`, `${model.id}.onnx`, `${manifest.method} ${model.id.slice(0, 8)}`)),
    h("td", null, manifest.endmember_names.join(", ")),
    h("td", EXTRA, `${manifest.used_bands.length} of ${manifest.n_bands}`),
    h("td", EXTRA, moment(model.created)),
    h("td", EXTRA, bytes(model.size)),
    h("td", null, h("a", { class: "button quiet", href: `#/?model=${model.id}`, "aria-label": `Apply ${name} to an image` }, "Apply")),
    h("td", null, removal("Remove", name, `models/${model.id}`, row, place, `the ${name}`)),
  );
  return row;
}
