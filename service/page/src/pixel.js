// The pixel under the cursor, and those that were pinned: abundances with their uncertainty, and spectra.
import { WIDE, h, number, swatch } from "./dom.js";
import { QUALITY, colourOf } from "./paint.js";

const NINETY = 1.645;

/** onPin: told of a pixel that was named by its row and column; onClear: of the index of a pin to remove. */
export function pixelPanel({ found, answers, names, rows, columns, onPin, onClear }) {
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
      now.replaceChildren(h("h3", null, `Pin ${pins.length}`), ...about(pins.at(-1), names.all(), answers));
    } else {
      now.replaceChildren(...(pixel ? [h("h3", null, `Row ${pixel.row}, column ${pixel.column}`), ...about(pixel, names.all(), answers)] : [h("h3", null, "Pixel"), h("p", null, "Point at a map to see what a pixel is made of.")]));
    }
    drawSpectrum();
  }

  async function drawSpectrum() {
    const pixels = [...(shown ? [[shown, "pixel"]] : []), ...pins.map((pin, index) => [pin, `pin ${index + 1}`])];
    const curves = answers.length > 1
      ? pixels.slice(shown ? 0 : -1).slice(0, 1).flatMap(([pixel, label]) => comparedCurves(answers, pixel, label))
      : pixels.flatMap(([pixel, label], index) => curvesOf(answers[0], pixel, label, index));
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
    pinned.replaceChildren(...(pins.length ? [pinTable(pins, names.all(), answers[0].method, onClear)] : []));
    show(shown);
  }

  show(null);
  return {
    element, show, pin,
    rename: () => pin(pins),
    fail: (error) => now.replaceChildren(h("p", { class: "problem" }, error.message)),
  };
}

const isMasked = ({ abundances }) => !abundances || Number.isNaN(abundances[0]);

/** What is known of a pixel: bars of its abundances, by every method, and the rest in words. */
function about(pixel, names, answers) {
  const [first] = pixel.answers;
  if (isMasked(first)) return [h("p", null, "Masked: no data here, or left out.")];
  const share = (title, answer, k) => bar(title, k, answer.abundances[k], answer.uncertainty?.[k]);
  if (answers.length === 1) {
    const notes = QUALITY.filter(([bit]) => first.quality & (1 << bit)).map(([, text]) => text);
    const facts = [["brightness", first.brightness], ["residual", first.residual]].filter(([, value]) => value !== undefined).map(([name, value]) => `${name} ${number(value)}`);
    return [h("ul", { class: "bars" }, names.map((name, k) => share(name, first, k))), h("p", { class: "notes" }, [...facts, ...notes].join(", "))];
  }
  return names.flatMap((name, k) => [
    h("h4", null, swatch(colourOf(k)), name),
    h("ul", { class: "bars" }, pixel.answers.map((answer, index) => share(answers[index].method, answer, k))),
  ]);
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

/** brightness x abundances x endmembers. */
function rebuilt({ endmembers: { values } }, { abundances, brightness }) {
  return values[0].map((_, band) => (values[0][band] === null ? null
    : brightness * values.reduce((sum, spectrum, k) => sum + abundances[k] * spectrum[band], 0)));
}

/** The measured spectrum, where the image is kept, and its reconstruction. */
function curvesOf(answer, pixel, label, index) {
  if (isMasked(pixel.answers[0])) return [];
  const colour = colourOf(index);
  const curves = [{ label: `${label}, rebuilt`, colour, values: rebuilt(answer, pixel.answers[0]), dashed: Boolean(pixel.image) }];
  if (pixel.image) curves.unshift({ label, colour, values: pixel.image });
  return curves;
}

/** The measured spectrum of one pixel, and its reconstruction by every method. */
function comparedCurves(answers, pixel, label) {
  if (isMasked(pixel.answers[0])) return [];
  const curves = answers.map((answer, index) => ({ label: `${label}, ${answer.method}`, colour: colourOf(index), values: rebuilt(answer, pixel.answers[index]), dashed: true }));
  return pixel.image ? [{ label, colour: null, values: pixel.image }, ...curves] : curves;
}

/** method: whose abundances they are, null where there is only one. */
function pinTable(pins, names, method, onClear) {
  const share = ({ answers: [answer] }, index) => (isMasked(answer) ? "–" : answer.abundances[index].toFixed(3));
  const line = (pin, index) => h("tr", null, h("th", { scope: "row" }, h("span", { class: "pin" }, String(index + 1)), ` ${pin.row}, ${pin.column} `,
      h("button", { class: "quiet", "aria-label": `Remove pin ${index + 1}`, onclick: () => onClear(index) }, "×")),
    names.map((_, k) => h("td", null, share(pin, k))));
  return h("div", WIDE, h("table", { class: "pins" }, h("caption", null, `Pinned pixels (row, column)${method === null ? "" : `, by ${method}`}`),
    h("thead", null, h("tr", null, h("th", { scope: "col" }, "Pin"), names.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", null, pins.map(line))));
}
