// Maps side by side, and beside them the pixel that is meant.
import { readerOf } from "./answers.js";
import { h, say } from "./dom.js";
import { falseColour } from "./false_colour.js";
import { groupsOf } from "./layers.js";
import { pixelPanel } from "./pixel.js";
import { pictureOf } from "./pictures.js";

const MOST_PINS = 6;
const HOVER_MS = 60;

export function explorer({ job, found, answers, assets, names, signal }) {
  const { rows, columns } = found.input;
  const readPixel = readerOf(answers, assets, columns);
  const panel = pixelPanel({ found, answers, names, rows, columns, onPin: (pixel) => pin(pixel), onClear: (index) => unpin(index) });
  const place = h("div", { class: "map-place" }, h("p", { class: "busy" }, "The maps are coming"));
  const choice = h("select", { id: "shown" });
  const element = h("section", { class: "explorer" },
    h("div", { class: "toolbar row" }, h("h2", null, "Maps"), h("label", { for: "shown" }, "Show"), choice,
      h("button", { "aria-label": "Zoom in", onclick: () => maps?.zoom(1) }, "+"),
      h("button", { "aria-label": "Zoom out", onclick: () => maps?.zoom(-1) }, "−"),
      h("button", { onclick: () => maps?.whole() }, "Whole image"),
      h("span", { class: "bands" }),
      h("small", null, "Click pins a pixel; on a map that was clicked the wheel zooms.")),
    h("div", { class: "split" }, place, panel.element));
  let maps = null;
  let picture = pictureOf(job.jobID);
  let pins = [];
  let hovering = null;

  async function hover(pixel) {
    maps.point(pixel);
    hovering?.abort();
    hovering = new AbortController();
    const { signal: stopped } = hovering;
    if (!pixel) {
      panel.show(null);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, HOVER_MS));
    if (stopped.aborted) return;
    try {
      panel.show(await readPixel(pixel, stopped));
    } catch (error) {
      if (!stopped.aborted) panel.fail(error);
    }
  }

  async function pin(pixel) {
    if (!pixel || pins.some((one) => one.row === pixel.row && one.column === pixel.column)) return;
    if (pins.length === MOST_PINS) {
      say(`There are ${MOST_PINS} pins already; remove one first`);
      return;
    }
    try {
      pins = [...pins, await readPixel(pixel, signal)];
    } catch (error) {
      panel.fail(error);
      return;
    }
    showPins();
    say(`Pixel in row ${pixel.row}, column ${pixel.column} is pinned`);
  }

  function unpin(index) {
    pins = pins.filter((_, at) => at !== index);
    showPins();
  }

  function showPins() {
    maps?.pin(pins); // else once they are there
    panel.pin(pins);
  }

  function fill() {
    const groups = groupsOf({ answers, names: names.all(), picture });
    const kept = choice.value;
    choice.replaceChildren(...groups.map((group, index) => h("option", { value: String(index), selected: String(index) === kept }, group.title)));
    const show = () => maps.show(groups[Number(choice.value)]?.maps ?? []);
    choice.onchange = show;
    show();
    maps.pin(pins);
  }

  (async () => {
    const { mapGrid } = await import("./maps.js");
    if (signal.aborted) return;
    maps = mapGrid({ rows, columns, onHover: hover, onPick: pin });
    signal.addEventListener("abort", () => maps.clear());
    place.replaceChildren(maps.element);
    const bands = await falseColour({ assets, found, onPicture: (url) => { picture = url; fill(); } });
    if (signal.aborted) return;
    if (bands) element.querySelector(".bands").replaceChildren(bands);
    else fill();
  })().catch((error) => place.replaceChildren(h("p", { class: "problem" }, `The maps cannot be shown: ${error.message}`)));

  return {
    element,
    rename() {
      if (maps) fill(); // else once they are there
      panel.rename();
    },
  };
}
