// Which maps a result can show, in groups.
import { h, number } from "./dom.js";
import { QUALITY, colourOf } from "./paint.js";

const SHARE = { low: 0, high: 1 };

/** Groups of maps: {title, maps: [panels as maps.js takes them]}. */
export function groupsOf({ found, assets, names, picture }) {
  const methods = found.comparison ? found.comparison.answers.map((answer) => answer.method) : [null];
  const file = (method, name) => assets[method === null ? name : `${method}-${name}`]?.href;
  const beside = picture ? [{ title: "False colour", picture }] : [];
  const groups = methods.map((method) => ({
    title: method === null ? "Abundances" : `Abundances by ${method}`,
    maps: [...beside, ...dominant(file(method, "abundances.tif")), ...shares(file(method, "abundances.tif"), names)],
  }));
  if (methods.length > 1) groups.unshift(...names.map((name, band) => ({
    title: `${name} by every method`,
    maps: [...beside, ...methods.map((method) => ({ ...share(file(method, "abundances.tif"), name, band), title: method }))],
  })));
  for (const method of methods) {
    const by = method === null ? "" : ` by ${method}`;
    const uncertainty = file(method, "uncertainty.tif");
    if (uncertainty) groups.push({ title: `Uncertainty${by}`, maps: [...beside, ...names.map((name, band) => measured(uncertainty, name, band, "inferno"))] });
    const fit = [["Brightness", "brightness.tif", "grey"], ["Residual", "residual.tif", "inferno"]]
      .filter(([, name]) => file(method, name)).map(([title, name, palette]) => measured(file(method, name), title, 0, palette));
    const quality = file(method, "quality.tif");
    if (quality) fit.push({ title: "Quality", href: quality, style: { kind: "bits" }, legend: qualityLegend() });
    if (fit.length) groups.push({ title: `Fit${by}`, maps: [...beside, ...fit] });
  }
  return groups.filter((group) => group.maps.some((one) => one.href));
}

const dominant = (href) => (href ? [{ title: "Dominant material", href, style: { kind: "dominant" } }] : []);

const shares = (href, names) => (href ? names.map((name, band) => share(href, name, band)) : []);

const share = (href, name, band) => ({ title: name, colour: colourOf(band), href, style: { kind: "ramp", band, ...SHARE, palette: "viridis" }, legend: ramp("viridis", SHARE) });

/** A map whose range its statistics tell: the mean and three standard deviations on either side, within the extremes. */
function measured(href, title, band, palette) {
  const legend = h("span", { class: "legend" });
  const style = (file) => {
    const { low, high, mean, deviation } = file.bands[band];
    const range = Number.isFinite(mean) ? { low: Math.max(low, mean - 3 * deviation), high: Math.min(high, mean + 3 * deviation) } : SHARE;
    legend.replaceChildren(...ramp(palette, range).childNodes);
    return { kind: "ramp", band, ...range, palette };
  };
  return { title, href, style, legend };
}

const ramp = (palette, { low, high }) => h("span", { class: "legend" }, number(low), h("i", { class: `ramp ${palette}` }), number(high));

function qualityLegend() {
  return h("span", { class: "legend keys" }, QUALITY.map(([, text, colour]) => {
    const swatch = h("i", { class: "swatch" });
    swatch.style.background = colour;
    return h("span", null, swatch, text);
  }));
}
