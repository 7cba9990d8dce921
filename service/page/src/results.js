// The view of the results of a job.
import { download, get, pictureUrl, remove } from "./api.js";
import { bytes, duration, facts, h, number, problem, warnings } from "./dom.js";
import { droppedBands } from "./inspection.js";
import { settings } from "./job.js";
import { jobName } from "./lists.js";

export async function resultsView(place, job, signal) {
  const url = `jobs/${job.jobID}/results`;
  let found = await get(url);
  if (!found.assets) found = await get(`${url}/result`); // asked for by OGC API - Processes
  if (signal.aborted) return;
  const assets = Object.fromEntries(Object.entries(found.assets).map(([name, asset]) => [name, { ...asset, href: `${url}/${name}` }]));
  place.append(h("h1", null, jobName(job)), warnings(found.warnings));
  await pictures(place, assets);
  place.append(figures(found), downloads(assets, url), actions(job, found, place), h("section", null, h("h2", null, "What was asked for"), settings(job)));
}

async function pictures(place, assets) {
  for (const [name, asset] of Object.entries(assets)) {
    if (asset.type === "image/png") place.append(h("img", { class: "picture", src: await pictureUrl(asset.href), alt: name }));
  }
}

function figures(found) {
  const { metrics, input } = found;
  return h("section", null, h("h2", null, "Figures"), facts([
    ["Not explained", percent(metrics.reconstruction_relative)],
    ["Mean angle", metrics.reconstruction_sam_radians === undefined ? null : `${number(metrics.reconstruction_sam_radians)} rad`],
    ["Endmembers by", metrics.n_endmembers_estimated_by],
    ["Reckon with", metrics.n_endmembers_range?.join(" to ")],
    ["Left out", input.dropped_bands ? droppedBands(input) : null],
    ["Took", metrics.seconds?.total === undefined ? null : duration(metrics.seconds.total)],
  ]));
}

const percent = (share) => (share === undefined || share === null ? null : `${number(100 * share)} % of the signal`);

function downloads(assets, url) {
  const row = ([name, asset]) => h("tr", null, h("th", { scope: "row" }, download(asset.href, name, name)),
    h("td", null, asset.type.split(";")[0]), h("td", null, bytes(asset.size)));
  return h("section", { class: "downloads" }, h("h2", null, "Files"),
    h("p", null, download(`${url}.zip`, "results.zip", "All files as a zip")),
    h("div", { class: "wide" }, h("table", null, h("caption", { class: "unseen" }, "Files of the result"),
      h("thead", null, h("tr", null, ["File", "Type", "Size"].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", null, Object.entries(assets).map(row)))));
}

function actions(job, found, place) {
  const onclick = async () => {
    try {
      await remove(`jobs/${job.jobID}`);
      location.hash = "#/jobs";
    } catch (error) {
      place.append(problem(error));
    }
  };
  const id = found.model?.id;
  return h("p", { class: "row" }, id ? h("a", { class: "button main", href: `#/?model=${id}` }, "Apply this model to another image") : null,
    h("button", { class: "danger", onclick }, "Remove this job and its results"));
}
