// The view of a new job: a scene, what was understood of it, what to do with it.
import { ask, get, send } from "./api.js";
import { bytes, h, problem, say } from "./dom.js";
import { inspection } from "./inspection.js";
import { options } from "./options.js";
import { keepPicture } from "./pictures.js";

const EXAMPLE = new URL("example.npz", import.meta.url);
const FORMATS = ".npy,.npz,.mat,.h5,.hdf5,.he5,.nc,.tif,.tiff,.hdr,.img,.dat,.bin,.bsq,.bil,.bip,.raw,.zip,.csv";

export async function startView(place, { query, signal }) {
  const [methods, models] = await Promise.all([get("methods"), get("models?limit=200")]);
  if (signal.aborted) return;
  const state = { files: [], picture: null, turn: 0 };
  const read = h("div", { class: "read", "aria-live": "polite" });
  const asked = options(methods, models.models, query.get("model"), () => inspect());
  const start = h("button", { class: "main", onclick: () => submit() }, "Start");
  const sent = h("div");
  const ready = h("section", { hidden: true }, asked.element, h("p", { class: "row" }, start), sent);

  const chosen = (files) => {
    if (!files.length) return;
    state.files = pairOf(state.files, [...files]) ?? [...files];
    ready.hidden = true;
    sent.replaceChildren();
    inspect();
  };

  async function inspect() {
    if (!state.files.length) return;
    read.replaceChildren(h("p", { class: "busy" }, `Reading ${names(state.files)} (${bytes(total(state.files))})`));
    const form = asked.reading();
    for (const file of state.files) form.append("file", file);
    form.append("picture", "true");
    state.turn += 1;
    const { turn } = state;
    const isOver = () => signal.aborted || turn !== state.turn;
    try {
      const found = await send("inspect", form);
      if (isOver()) return;
      state.picture = found.false_colour_png ? `data:image/png;base64,${found.false_colour_png}` : null;
      read.replaceChildren(inspection(found, state.picture, names(state.files)));
      asked.show(found.input);
      ready.hidden = false;
      start.hidden = false;
      say("The scene was read");
    } catch (error) {
      if (isOver()) return;
      if (isLoneHeader(state.files)) error.advice = "Choose or drop its binary file now; it is added to the header.";
      read.replaceChildren(problem(error));
      const named = asked.lead(error.detail ?? "");
      ready.hidden = !named && !asked.isOpen();
      start.hidden = true;
      named?.focus();
    }
  }

  async function submit() {
    start.disabled = true;
    const bar = h("progress", { max: 1, value: 0, "aria-label": "Sent" });
    sent.replaceChildren(bar);
    const form = asked.request();
    for (const file of state.files) form.append("file", file);
    try {
      const job = await send("unmix", form, (share) => { bar.value = share; });
      keepPicture(job.jobID, state.picture);
      location.hash = `#/jobs/${job.jobID}`;
    } catch (error) {
      sent.replaceChildren(problem(error));
    }
    start.disabled = false;
  }

  place.append(
    h("h1", null, "What is this image made of?"),
    h("p", { class: "lead" }, "Drop a hyperspectral image. You get its materials and a map of each, by a network that is trained on that very image in seconds."),
    dropZone(chosen),
    read,
    ready,
  );
}

function dropZone(onFiles) {
  const input = h("input", { type: "file", id: "file", multiple: true, accept: FORMATS, class: "unseen", onchange: () => onFiles(input.files) });
  const example = async () => {
    const content = await (await ask(EXAMPLE, { headers: { Accept: "*/*" } })).blob();
    onFiles([new File([content], "example.npz")]);
  };
  const zone = h("div", { class: "drop" },
    h("p", null, h("strong", null, "Drop a scene here"), " or"),
    h("p", { class: "row" }, input, h("label", { for: "file", class: "button main" }, "Choose files"), h("button", { onclick: example }, "Try the example")),
    h("small", null, "NumPy, MATLAB, HDF5, netCDF, GeoTIFF, ENVI (header and binary together), or a zip"));
  const over = (is) => (event) => {
    event.preventDefault();
    zone.classList.toggle("over", is);
  };
  zone.addEventListener("dragover", over(true));
  zone.addEventListener("dragleave", over(false));
  zone.addEventListener("drop", (event) => {
    over(false)(event);
    onFiles(event.dataTransfer.files);
  });
  return zone;
}

const isHeader = (file) => /\.hdr$/i.test(file.name);
const stem = (file) => file.name.replace(/(\.(img|dat|bin|bsq|bil|bip|raw))?(\.hdr)?$/i, "");
const isLoneHeader = (files) => files.length === 1 && isHeader(files[0]);

/** A header and its binary that were chosen one after the other, else null. */
function pairOf(earlier, later) {
  const files = [...earlier, ...later];
  const isPair = earlier.length === 1 && later.length === 1 && files.filter(isHeader).length === 1 && stem(files[0]) === stem(files[1]);
  return isPair ? files : null;
}

const names = (files) => files.map((file) => file.name).join(", ");
const total = (files) => files.reduce((sum, file) => sum + file.size, 0);
