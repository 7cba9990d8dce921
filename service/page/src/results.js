// The view of the results of a job.
import { download, get, pictureUrl, remove } from "./api.js";
import { answersOf } from "./answers.js";
import { comparisonTable } from "./comparison.js";
import { surely } from "./dialog.js";
import { WIDE, bytes, duration, facts, h, number, problem, warnings } from "./dom.js";
import { explorer } from "./explorer.js";
import { droppedBands } from "./inspection.js";
import { settings } from "./job.js";
import { jobName, methodNames } from "./lists.js";
import { colourOf } from "./paint.js";
import { spectraSection } from "./spectra.js";

const MOST_FILES = 16;

export async function resultsView(place, job, signal) {
  const url = `jobs/${job.jobID}/results`;
  let found = await get(url);
  if (!found.assets) found = await get(`${url}/result`); // asked for by OGC API - Processes
  if (signal.aborted) return;
  const assets = Object.fromEntries(Object.entries(found.assets).map(([name, asset]) => [name, { ...asset, href: `${url}/${name}` }]));
  place.append(head(job, found, place), warnings(found.warnings) ?? "");
  if (found.input.kind === "image") {
    const names = namesOf(job.jobID, found.endmembers.names);
    if (found.comparison) place.append(comparisonTable(found.comparison));
    const answers = answersOf(found, assets);
    const explored = explorer({ job, found, answers, assets, names, signal });
    place.append(explored.element, spectraSection({ found, answers, assets, names, onRename: explored.rename }));
  } else {
    place.append(await mixingSection(found));
    await pictures(place, assets);
  }
  place.append(figures(found), downloads(assets, url), h("section", null, h("h2", null, "What was asked for"), settings(job)));
}

function head(job, found, place) {
  const onclick = async () => {
    if (!(await surely("this job and its results"))) return;
    try {
      await remove(`jobs/${job.jobID}`);
      location.hash = "#/jobs";
    } catch (error) {
      place.append(problem(error));
    }
  };
  const id = found.model?.id;
  const names = found.endmembers?.names ?? found.mixing_matrix.names;
  const what = found.endmembers ? `${names.length} materials, shares of ${found.abundances_of}` : `${names.length} sources`;
  return h("div", { class: "head" },
    h("div", null, h("h1", null, jobName(job)), h("p", { class: "lead" }, `${what}, by ${methodNames(job.inputs.method)}`)),
    h("p", { class: "row" },
      id ? h("a", { class: "button main", href: `#/?model=${id}` }, "Apply this model to another image") : null,
      h("button", { class: "danger", onclick }, "Remove this job")));
}

/** Names of endmembers as they were changed here; they are kept in this browser. */
function namesOf(jobId, given) {
  const key = `unmixing-names-${jobId}`;
  const changed = JSON.parse(localStorage.getItem(key) ?? "null");
  const names = changed?.length === given.length ? changed : [...given];
  return {
    all: () => [...names],
    change(index, name) {
      names[index] = name.trim() || given[index];
      localStorage.setItem(key, JSON.stringify(names));
    },
  };
}

/** How each source shows in the channels. */
async function mixingSection({ mixing_matrix: { names, values } }) {
  const { spectraPlot } = await import("./plot.js");
  const curves = values.map((column, index) => ({ label: names[index], colour: colourOf(index), values: column }));
  return h("section", { class: "spectra" }, h("h2", null, "Mixing matrix"), h("p", null, "How each source shows in the channels, with norm 1."),
    spectraPlot({ curves, axis: "Channel", label: "Columns of the mixing matrix" }));
}

async function pictures(place, assets) {
  for (const [name, asset] of Object.entries(assets)) {
    if (asset.type === "image/png") place.append(h("img", { class: "picture", src: await pictureUrl(asset.href), alt: `The result as a picture (${name})` }));
  }
}

function figures(found) {
  const { metrics, input } = found;
  return h("section", null, h("h2", null, "Figures"), facts([
    ["Not explained", percent(metrics.reconstruction_relative ?? given(metrics.reconstruction_nmse, Math.sqrt))],
    ["Mean angle to the reconstruction", given(metrics.reconstruction_sam_radians, (value) => `${number(value)} rad`)],
    ["Endmembers to reckon with (n_endmembers_range)", metrics.n_endmembers_range?.join(" to ")],
    ["Why that number", metrics.n_endmembers_reason],
    ["Error on synthetic truth, over the library's", given(metrics.ratio_to_constant_answer, number)],
    ["Truth within its 90 % interval", given(metrics.uncertainty_coverage, (value) => `${number(100 * value)} % of the time`)],
    ["Bands left out", input.dropped_bands ? droppedBands(input) : null],
    ["Masked", input.pixels_masked ? `${number(input.pixels_masked)} pixels` : null],
    ["Took", given(metrics.seconds?.total, duration)],
    ["Memory", given(found.provenance.peak_memory_bytes, bytes)],
  ]));
}

const given = (value, text) => (value === undefined || value === null ? null : text(value));
const percent = (share) => given(share, (value) => `${number(100 * value)} % of the signal`);

function downloads(assets, url) {
  const row = ([name, asset]) => h("tr", null, h("th", { scope: "row" }, download(asset.href, name, name)),
    h("td", null, asset.type.split(";")[0]), h("td", null, bytes(asset.size)));
  const all = Object.entries(assets);
  return h("section", { class: "downloads" }, h("h2", null, "Files"),
    h("p", null, download(`${url}.zip`, "results.zip", "All files as a zip")),
    h("details", { open: all.length <= MOST_FILES }, h("summary", null, `${all.length} files`), h("div", WIDE, h("table", null, h("caption", { class: "unseen" }, "Files of the result"),
      h("thead", null, h("tr", null, ["File", "Type", "Size"].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", null, all.map(row))))));
}
