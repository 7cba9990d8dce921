// Spectra as curves (uPlot).
import UPlot from "uplot";
import { h } from "./dom.js";

const HEIGHT = 300;

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const element of document.querySelectorAll(".plot")) element.dispatchEvent(new Event("redraw"));
});

const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * wavelengths: per band, or null, when bands are counted. curves: {label, colour, values, dashed, band: [low, high]}.
 * dropped: indices of bands that are left out, greyed.
 */
export function spectraPlot({ wavelengths, curves, dropped = [], label = "" }) {
  const element = h("div", { class: "plot", role: "img", "aria-label": label });
  let plot = null;
  const draw = () => {
    plot?.destroy();
    const width = Math.max(element.clientWidth, 240);
    plot = new UPlot(settings(width, wavelengths, curves, dropped), data(wavelengths, curves), element);
  };
  const sized = new ResizeObserver(() => {
    if (!element.isConnected) return;
    if (plot) plot.setSize({ width: Math.max(element.clientWidth, 240), height: HEIGHT });
    else draw();
  });
  sized.observe(element);
  element.addEventListener("redraw", draw);
  return element;
}

const order = (wavelengths, count) => {
  const bands = Array.from({ length: count }, (_, band) => band);
  return wavelengths ? bands.sort((a, b) => wavelengths[a] - wavelengths[b]) : bands;
};

function data(wavelengths, curves) {
  const bands = order(wavelengths, curves[0]?.values.length ?? 0);
  const clean = (value) => (value === null || Number.isNaN(value) ? null : value);
  return [bands.map((band) => wavelengths?.[band] ?? band), ...curves.map((curve) => bands.map((band) => clean(curve.values[band])))];
}

function settings(width, wavelengths, curves, dropped) {
  const axis = { stroke: ink("--soft"), grid: { stroke: ink("--line"), width: 1 }, ticks: { stroke: ink("--line"), width: 1 }, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif" };
  const places = data(wavelengths, curves)[0];
  return {
    width,
    height: HEIGHT,
    scales: { x: { time: false } },
    axes: [{ ...axis, label: wavelengths ? "Wavelength (nm)" : "Band", labelSize: 20 }, { ...axis, size: 60 }],
    legend: { live: true },
    cursor: { drag: { x: true, y: false } },
    series: [
      { label: wavelengths ? "nm" : "band", value: (_, value) => (value === null ? "–" : String(Math.round(value))) },
      ...curves.map((curve) => ({
        label: curve.label, stroke: curve.colour, width: curve.width ?? 2, dash: curve.dashed ? [6, 4] : undefined,
        points: { show: false }, value: (_, value) => (value === null ? "–" : Number(value.toPrecision(3)).toString()),
      })),
    ],
    hooks: { drawClear: [(plot) => grey(plot, dropped.map((band) => wavelengths?.[band] ?? band), places)] },
  };
}

/** Grey where bands are left out. */
function grey(plot, dropped, places) {
  const step = places.length > 1 ? (places.at(-1) - places[0]) / (places.length - 1) : 1;
  plot.ctx.save();
  plot.ctx.fillStyle = ink("--missing");
  plot.ctx.globalAlpha = 0.45;
  for (const place of dropped) {
    const [left, right] = [place - step / 2, place + step / 2].map((x) => plot.valToPos(x, "x", true));
    const from = Math.max(left, plot.bbox.left);
    const to = Math.min(right, plot.bbox.left + plot.bbox.width);
    if (to > from) plot.ctx.fillRect(from, plot.bbox.top, to - from, plot.bbox.height);
  }
  plot.ctx.restore();
}
