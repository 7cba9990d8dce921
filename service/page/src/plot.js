// Spectra as curves (uPlot).
import UPlot from "uplot";
import { h } from "./dom.js";

// In the size of text that browsers begin with.
const HEIGHT = 300;
// Bands that lie further apart than so many times the usual have a hole between them.
const HOLE = 6;

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const element of document.querySelectorAll(".plot")) element.dispatchEvent(new Event("redraw"));
});

/** So many pixels, more where the text is larger. */
const scaled = (pixels) => Math.round((pixels * Number.parseFloat(getComputedStyle(document.documentElement).fontSize)) / 16);

const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * wavelengths: per band, or null, when bands are counted. curves: {label, colour (null: that of text), values, dashed,
 * width, range: {low, high} to shade}. dropped: indices of bands that are left out, greyed. axis: its name, where
 * nothing has wavelengths.
 */
export function spectraPlot({ wavelengths = null, curves, dropped = [], axis = "Band", label }) {
  const element = h("div", { class: "plot", role: "img", "aria-label": label });
  const bands = bandsOf(wavelengths, curves[0]?.values.length ?? 0);
  let plot = null;
  const draw = () => {
    plot?.destroy();
    const width = Math.max(element.clientWidth, 240);
    plot = new UPlot(settings(width, bands, curves, dropped, wavelengths ? "Wavelength (nm)" : axis), data(bands, curves), element);
  };
  const sized = new ResizeObserver(() => {
    if (!element.isConnected) return;
    if (plot) plot.setSize({ width: Math.max(element.clientWidth, 240), height: scaled(HEIGHT) });
    else draw();
  });
  sized.observe(element);
  element.addEventListener("redraw", draw);
  return element;
}

/**
 * places: of the bands on the axis. sorted: the bands in the order of their places. runs: lists of bands to draw a line
 * through, for detectors overlap and may have holes between them.
 */
function bandsOf(wavelengths, count) {
  const all = Array.from({ length: count }, (_, band) => band);
  const places = wavelengths ?? all;
  const steps = all.slice(1).map((band) => places[band] - places[band - 1]);
  const usual = steps.filter((step) => step > 0).sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 1;
  const runs = [];
  for (const band of all) {
    const step = band ? steps[band - 1] : Infinity;
    if (step > 0 && step <= HOLE * usual) runs.at(-1).push(band);
    else runs.push([band]);
  }
  return { places, usual, runs, sorted: [...all].sort((a, b) => places[a] - places[b]) };
}

const isNumber = (value) => value !== null && value !== undefined && !Number.isNaN(value);

const data = ({ places, sorted }, curves) => [sorted.map((band) => places[band]),
  ...curves.map(({ values }) => sorted.map((band) => (isNumber(values[band]) ? values[band] : null)))];

function settings(width, bands, curves, dropped, label) {
  const font = `${scaled(12)}px system-ui, sans-serif`;
  const axis = { stroke: ink("--soft"), grid: { stroke: ink("--line"), width: 1 }, ticks: { stroke: ink("--line"), width: 1 }, font, labelFont: font };
  const ranges = curves.flatMap(({ range }) => (range ? [...range.low, ...range.high].filter(isNumber) : []));
  const limits = ranges.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  return {
    width,
    height: scaled(HEIGHT),
    scales: { x: { time: false }, y: { range: (_, low, high) => UPlot.rangeNum(Math.min(low, limits[0]), Math.max(high, limits[1]), 0.05, true) } },
    axes: [{ ...axis, label, size: scaled(40), labelSize: scaled(20) }, { ...axis, size: scaled(60) }],
    legend: { live: true },
    cursor: { drag: { x: true, y: false } },
    series: [
      { label, value: (_, value) => (value === null ? "" : String(Math.round(value))) },
      ...curves.map((curve, index) => ({
        label: curve.label, stroke: curve.colour ?? ink("--ink"), width: curve.width ?? 2, dash: curve.dashed ? [6, 4] : undefined,
        points: { show: false }, value: (_, value) => (value === null ? "" : Number(value.toPrecision(3)).toString()),
        paths: (plot) => ({ stroke: line(plot, bands, curves[index].values) }),
      })),
    ],
    hooks: { drawClear: [(plot) => {
      within(plot, 0.45, () => grey(plot, bands, dropped));
      within(plot, 0.18, () => shade(plot, bands, curves));
    }] },
  };
}

/** Draw inside the axes. */
function within({ ctx, bbox }, alpha, paint) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.globalAlpha = alpha;
  paint();
  ctx.restore();
}

/** Where a band's value lies, in pixels. */
const point = (plot, place, value) => [plot.valToPos(place, "x", true), plot.valToPos(value, "y", true)];

/** From band to band, with a gap where one is left out. */
function line(plot, { places, runs }, values) {
  const path = new Path2D();
  for (const run of runs) {
    let isOpen = false;
    for (const band of run) {
      if (isNumber(values[band])) path[isOpen ? "lineTo" : "moveTo"](...point(plot, places[band], values[band]));
      isOpen = isNumber(values[band]);
    }
  }
  return path;
}

/** The ranges of the curves that have one. */
function shade(plot, { places, runs }, curves) {
  for (const { colour, range } of curves) {
    if (!range) continue;
    plot.ctx.fillStyle = colour;
    for (const run of runs.flatMap((bands) => parts(bands, range.low))) {
      const path = new Path2D();
      for (const band of run) path.lineTo(...point(plot, places[band], range.low[band]));
      for (const band of [...run].reverse()) path.lineTo(...point(plot, places[band], range.high[band]));
      plot.ctx.fill(path);
    }
  }
}

/** Bands that follow each other and have numbers. */
function parts(bands, values) {
  const found = [[]];
  for (const band of bands) {
    if (isNumber(values[band])) found.at(-1).push(band);
    else found.push([]);
  }
  return found.filter((part) => part.length > 1);
}

/** Grey where bands are left out. */
function grey(plot, { places, usual }, dropped) {
  plot.ctx.fillStyle = ink("--missing");
  for (const band of dropped) {
    const width = (places[band + 1] ?? Infinity) - places[band];
    const half = (width > 0 && width <= HOLE * usual ? width : usual) / 2;
    const [left, right] = [-half, half].map((by) => plot.valToPos(places[band] + by, "x", true));
    plot.ctx.fillRect(Math.floor(left), plot.bbox.top, Math.ceil(right) - Math.floor(left), plot.bbox.height);
  }
}
