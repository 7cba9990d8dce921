// The lists of jobs and of stored models.
import { download, ended, get, remove } from "./api.js";
import { WIDE, bytes, h, moment, problem } from "./dom.js";

const STATUSES = ["", "accepted", "running", "successful", "failed", "dismissed"];

/** What people call a job: its labels, else its files. */
export function jobName(job) {
  return job.labels.at(-1) ?? (job.inputs.file.join(", ") || job.jobID);
}

export async function jobsView(place, { query, signal }) {
  const status = query.get("status") ?? "";
  const choice = h("select", { onchange: () => { location.hash = choice.value ? `#/jobs?status=${choice.value}` : "#/jobs"; } },
    STATUSES.map((name) => h("option", { value: name, selected: name === status }, name || "all")));
  const rows = h("tbody");
  const table = h("table", null, h("caption", { class: "unseen" }, "Jobs, the newest first"),
    h("thead", null, h("tr", null, ["Scene", "Method", "State", "When", "Remove"].map((text) => h("th", { scope: "col" }, text)))), rows);
  const more = h("p", { class: "row" });
  place.append(h("h1", null, "Jobs"), h("p", { class: "row" }, h("label", null, "State ", choice)), h("div", WIDE, table), more);
  const load = async (path) => {
    const page = await get(path);
    if (signal.aborted) return;
    rows.append(...page.jobs.map((job) => jobRow(job, place)));
    if (!rows.children.length) rows.append(h("tr", null, h("td", { colspan: 5 }, "There are none. ", h("a", { href: "#/" }, "Start one"))));
    const next = page.links.find((link) => link.rel === "next");
    more.replaceChildren(...(next ? [h("button", { onclick: () => load(relative(next.href)) }, "More")] : []));
  };
  await load(`jobs?limit=50${status ? `&status=${status}` : ""}`);
}

/** The service may be reached by another name than it knows itself by. */
const relative = (href) => href.slice(href.search(/\/(jobs|models)\?/) + 1);

function jobRow(job, place) {
  const row = h("tr");
  const onclick = async () => {
    try {
      await remove(`jobs/${job.jobID}`);
      row.remove();
    } catch (error) {
      place.append(problem(error));
    }
  };
  const what = ended(job) ? "Remove" : "Stop";
  row.append(
    h("th", { scope: "row" }, h("a", { href: `#/jobs/${job.jobID}` }, jobName(job))),
    h("td", null, job.inputs.method ?? ""),
    h("td", null, h("span", { class: `state ${job.status}` }, job.status), job.status === "running" ? ` ${job.progress} %` : null),
    h("td", null, moment(job.created)),
    h("td", null, h("button", { class: "quiet", "aria-label": `${what} ${jobName(job)}`, onclick }, what)),
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
  const heads = ["Model", "Endmembers", "Bands", "When", "Size", "Use", "Remove"];
  place.append(h("div", WIDE, h("table", null, h("caption", { class: "unseen" }, "Stored models, the newest first"),
    h("thead", null, h("tr", null, heads.map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", null, page.models.map((model) => modelRow(model, place))))));
}

function modelRow(model, place) {
  const { manifest } = model;
  const row = h("tr");
  const onclick = async () => {
    try {
      await remove(`models/${model.id}`);
      row.remove();
    } catch (error) {
      place.append(problem(error));
    }
  };
  row.append(
    h("th", { scope: "row" }, download(`models/${model.id}/model.onnx`, `${model.id}.onnx`, `${manifest.method} ${model.id.slice(0, 8)}`)),
    h("td", null, manifest.endmember_names.join(", ")),
    h("td", null, `${manifest.used_bands.length} of ${manifest.n_bands}`),
    h("td", null, moment(model.created)),
    h("td", null, bytes(model.size)),
    h("td", null, h("a", { class: "button", href: `#/?model=${model.id}`, "aria-label": `Apply model ${model.id.slice(0, 8)} to an image` }, "Apply")),
    h("td", null, h("button", { class: "quiet", "aria-label": `Remove model ${model.id.slice(0, 8)}`, onclick }, "Remove")),
  );
  return row;
}
