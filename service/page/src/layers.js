// Which maps a result can show, in groups.
import { h, number, swatch } from "./dom.js";
import { QUALITY, colourOf } from "./paint.js";

const SHARE = { low: 0, high: 1 };

/** Groups of maps: {title, maps: [panels as maps.js takes them]}. */
export function groupsOf({ answers, names, picture }) {
  const href = (answer, name) => answer.file(name)?.href;
  const beside = picture ? [{ title: "False colour", picture }] : [];
  const by = ({ method }) => (method === null ? "" : ` by ${method}`);
  const groups = answers.map((answer) => ({
    title: `Abundances${by(answer)}`,
    maps: [...beside, ...dominant(href(answer, "abundances.tif"), names), ...shares(href(answer, "abundances.tif"), names)],
  }));
  if (answers.length > 1) groups.unshift(...names.map((name, band) => ({
    title: `${name} by every method`,
    maps: [...beside, ...answers.map((answer) => ({ ...share(href(answer, "abundances.tif"), name, band), title: answer.method }))],
  })));
  for (const answer of answers) {
    const uncertainty = href(answer, "uncertainty.tif");
    if (uncertainty) groups.push({ title: `Uncertainty${by(answer)}`, maps: [...beside, ...names.map((name, band) => ({ ...measured(uncertainty, name, band, "inferno"), colour: colourOf(band) }))] });
    const fit = [["Brightness", "brightness.tif", "grey"], ["Residual", "residual.tif", "inferno"]]
      .filter(([, name]) => href(answer, name)).map(([title, name, palette]) => measured(href(answer, name), title, 0, palette));
    const quality = href(answer, "quality.tif");
    if (quality) fit.push({ title: "Quality", href: quality, style: { kind: "bits" }, keys: keys(QUALITY.map(([, text, colour]) => [text, colour])) });
    if (fit.length) groups.push({ title: `Fit and quality${by(answer)}`, maps: [...beside, ...fit] });
  }
  return groups.filter((group) => group.maps.some((one) => one.href));
}

const dominant = (href, names) => (href ? [{ title: "Dominant material", href, style: { kind: "dominant" }, keys: keys(names.map((name, band) => [name, colourOf(band)])) }] : []);

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

const keys = (rows) => h("p", { class: "legend keys" }, rows.map(([text, colour]) => h("span", null, swatch(colour), text)));
