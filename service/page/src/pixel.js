// The pixel under the cursor, and those that were pinned: abundances with their uncertainty, and spectra.
import { WIDE, h, number } from "./dom.js";
import { QUALITY, colourOf } from "./paint.js";

const NINETY = 1.645;

/** onPin: told of a pixel that was named by its row and column; onClear: of the index of a pin to remove. */
export function pixelPanel({ found, names, rows, columns, onPin, onClear }) {
  const now = h("div", { class: "now" });
  const pinned = h("div", { class: "pinned" });
  const spectrum = h("div", { class: "spectrum" });
  const row = h("input", { type: "number", min: 0, max: rows - 1, id: "row", required: true });
  const column = h("input", { type: "number", min: 0, max: columns - 1, id: "column", required: true });
  const byNumber = h("form", { class: "row", onsubmit: (event) => {
    event.preventDefault();
    onPin({ row: Number(row.value), column: Number(column.value) });
  } }, h("label", { for: "row" }, "Row"), row, h("label", { for: "column" }, "Column"), column, h("button", null, "Pin"));
  const element = h("aside", { class: "pixel", "aria-label": "Pixel" }, now, spectrum, byNumber, pinned);
  let shown = null;
  let pins = [];

  function show(pixel) {
    shown = pixel;
    if (!pixel && pins.length) {
      now.replaceChildren(h("h3", null, `Pin ${pins.length}`), ...about(pins.at(-1), names.all()));
    } else {
      now.replaceChildren(...(pixel ? [h("h3", null, `Row ${pixel.row}, column ${pixel.column}`), ...about(pixel, names.all())] : [h("h3", null, "Pixel"), h("p", null, `Point at a map to see what a pixel is made of${found.comparison ? `, by ${found.comparison.answers[0].method}` : ""}.`)]));
    }
    drawSpectrum();
  }

  async function drawSpectrum() {
    const pixels = [...(shown ? [[shown, "pixel"]] : []), ...pins.map((pin, index) => [pin, `pin ${index + 1}`])];
    const curves = pixels.flatMap(([pixel, label], index) => curvesOf(found, pixel, label, index));
    if (!curves.length) {
      spectrum.replaceChildren();
      return;
    }
    const { spectraPlot } = await import("./plot.js");
    const dropped = found.input.dropped_bands.map((band) => band.index);
    spectrum.replaceChildren(spectraPlot({ wavelengths: found.endmembers.wavelengths_nm, curves, dropped, label: "Spectra of pixels and their reconstructions" }));
  }

  function pin(pixels) {
    pins = pixels;
    pinned.replaceChildren(...(pins.length ? [pinTable(pins, names.all(), onClear)] : []));
    show(shown);
  }

  show(null);
  return {
    element, show, pin,
    rename: () => pin(pins),
    fail: (error) => now.replaceChildren(h("p", { class: "problem" }, error.message)),
  };
}

/** What is known of a pixel: bars of its abundances, and the rest in words. */
function about(pixel, names) {
  if (!pixel.abundances || Number.isNaN(pixel.abundances[0])) return [h("p", null, "Masked: no data here, or left out.")];
  const bars = names.map((name, index) => bar(name, index, pixel.abundances[index], pixel.uncertainty?.[index]));
  const notes = QUALITY.filter(([bit]) => pixel.quality & (1 << bit)).map(([, text]) => text);
  const facts = [["brightness", pixel.brightness], ["residual", pixel.residual]].filter(([, value]) => value !== undefined).map(([name, value]) => `${name} ${number(value)}`);
  return [h("ul", { class: "bars" }, bars), h("p", { class: "notes" }, [...facts, ...notes].join(", "))];
}

function bar(name, index, share, deviation) {
  const fill = h("i", { class: "fill" });
  fill.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  fill.style.background = colourOf(index);
  const whisker = deviation === undefined ? null : h("i", { class: "whisker" });
  if (whisker) {
    const [low, high] = [share - NINETY * deviation, share + NINETY * deviation].map((value) => Math.max(0, Math.min(1, value)));
    whisker.style.left = `${100 * low}%`;
    whisker.style.width = `${100 * (high - low)}%`;
  }
  const text = deviation === undefined ? share.toFixed(3) : `${share.toFixed(3)} ± ${deviation.toFixed(3)}`;
  return h("li", null, h("span", { class: "name" }, name), h("span", { class: "value" }, text), h("span", { class: "track" }, fill, whisker));
}

/** The measured spectrum, where the image is kept, and its reconstruction. */
function curvesOf(found, pixel, label, index) {
  if (!pixel.abundances || Number.isNaN(pixel.abundances[0])) return [];
  const spectra = found.endmembers.values;
  const rebuilt = spectra[0].map((_, band) => (spectra[0][band] === null ? null
    : pixel.brightness * spectra.reduce((sum, values, k) => sum + pixel.abundances[k] * values[band], 0)));
  const colour = colourOf(index);
  const curves = [{ label: `${label}, rebuilt`, colour, values: rebuilt, dashed: Boolean(pixel.image) }];
  if (pixel.image) curves.unshift({ label, colour, values: pixel.image });
  return curves;
}

function pinTable(pins, names, onClear) {
  const share = (pin, index) => (pin.abundances && !Number.isNaN(pin.abundances[index]) ? pin.abundances[index].toFixed(3) : "–");
  const line = (pin, index) => h("tr", null, h("th", { scope: "row" }, h("span", { class: "pin" }, String(index + 1)), ` ${pin.row}, ${pin.column}`),
    names.map((_, k) => h("td", null, share(pin, k))), h("td", null, h("button", { class: "quiet", "aria-label": `Remove pin ${index + 1}`, onclick: () => onClear(index) }, "×")));
  return h("div", WIDE, h("table", { class: "pins" }, h("caption", null, "Pinned pixels (row, column)"),
    h("thead", null, h("tr", null, h("th", { scope: "col" }, "Pin"), names.map((name) => h("th", { scope: "col" }, name)), h("th", { scope: "col" }, h("span", { class: "unseen" }, "Remove")))),
    h("tbody", null, pins.map(line))));
}
