// The view of one job: its progress, then its results.
import { ended, follow, get, remove } from "./api.js";
import { duration, facts, h, moment, problem, say, warnings } from "./dom.js";
import { jobName, methodNames } from "./lists.js";

export async function jobView(place, { id, signal }) {
  const job = await get(`jobs/${id}`);
  if (signal.aborted) return;
  if (ended(job)) {
    await outcome(place, job, signal);
    return;
  }
  const shown = progress(job);
  place.append(shown.element);
  let last = job;
  follow(id, (seen) => {
    last = seen;
    shown.update(seen);
  }, signal).then(async () => {
    if (signal.aborted) return;
    say(`The job is ${last.status}`);
    place.replaceChildren();
    await outcome(place, last, signal);
  }).catch((error) => signal.aborted || place.append(problem(error)));
}

async function outcome(place, job, signal) {
  if (job.status === "successful") {
    const { resultsView } = await import("./results.js");
    await resultsView(place, job, signal);
    return;
  }
  const again = h("a", { class: "button main", href: "#/" }, "Start another");
  if (job.status === "failed") {
    place.append(h("h1", null, jobName(job)), problem(job.error, again), settings(job));
    return;
  }
  place.append(h("h1", null, jobName(job)), h("p", null, "This job was stopped; nothing of it is kept."), h("p", { class: "row" }, again), settings(job));
}

export function settings(job) {
  const { inputs } = job;
  return facts([
    ["Files", inputs.file.join(", ")],
    ["Method", inputs.model ? `the stored model ${inputs.model.slice(0, 8)}` : methodNames(inputs.method)],
    ["Endmembers", inputs.n_endmembers ?? null],
    ["Abundances of", inputs.abundances_of ?? null],
    ["Pure pixels", inputs.pure_pixels === false ? "not for every material" : null],
    ["Library", inputs.library?.join(", ")],
    ["Asked for", moment(job.created)],
  ]);
}

/** Stage, bar, time left, the curve of the training, and a button that stops it. */
function progress(job) {
  const bar = h("progress", { max: 100, "aria-label": "Progress" });
  const stage = h("p", { class: "stage" });
  const left = h("p", { class: "left" });
  const curve = trainingCurve();
  const wrong = h("div");
  const onclick = async (event) => {
    event.target.disabled = true;
    try {
      await remove(`jobs/${job.jobID}`);
    } catch (error) {
      event.target.disabled = false;
      wrong.replaceChildren(problem(error));
    }
  };
  const element = h("section", { class: "progress" }, h("h1", null, jobName(job)), bar, stage, left, curve.element,
    h("p", { class: "row" }, h("button", { class: "danger", onclick }, "Stop this job")), wrong, warnings(job.warnings), settings(job));
  const update = (seen) => {
    bar.value = seen.progress;
    bar.textContent = `${seen.progress} %`;
    stage.textContent = `${seen.progress} % – ${seen.message}`;
    left.textContent = timeLeft(seen);
    curve.add(seen.message);
  };
  update(job);
  return { element, update };
}

/** By the share that is done and the time it took. */
function timeLeft(job) {
  if (job.status === "accepted") return "It starts as soon as a worker is free.";
  const spent = (new Date(job.updated) - new Date(job.started)) / 1000;
  if (job.progress < 5 || spent < 1) return "";
  return `about ${duration((spent * (100 - job.progress)) / job.progress)} left`;
}

const EPOCH = /epoch (\d+) of at most (\d+).*?([\d.]+(?:e[+-]?\d+)?)(?: rad)?$/;
const WIDTH = 320;
const HEIGHT = 90;

/** The figures that the training tells, epoch by epoch, on a logarithmic scale. */
function trainingCurve() {
  const points = [];
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("role", "img");
  svg.append(line);
  const caption = h("figcaption");
  const element = h("figure", { class: "curve", hidden: true }, svg, caption);
  const add = (message) => {
    const match = EPOCH.exec(message);
    if (!match) return;
    const [epoch, most, value] = match.slice(1).map(Number);
    if (!(value > 0)) return;
    points.push([epoch, Math.log(value)]);
    if (points.length < 2) return;
    const values = points.map(([, y]) => y);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const place = ([x, y]) => `${((x / most) * WIDTH).toFixed(1)},${(6 + ((high - y) / (high - low || 1)) * (HEIGHT - 12)).toFixed(1)}`;
    line.setAttribute("points", points.map(place).join(" "));
    caption.textContent = `The error of the training: ${value.toPrecision(2)} after epoch ${epoch} of at most ${most}`;
    svg.setAttribute("aria-label", caption.textContent);
    element.hidden = false;
  };
  return { element, add };
}
