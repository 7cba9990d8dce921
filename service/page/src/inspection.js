// What was understood of a scene.
import { facts, h, number, warnings } from "./dom.js";

/** found: the answer of POST /inspect. picture: a URL or null. name: of the files. */
export function inspection(found, picture, name) {
  const { input } = found;
  return h("section", { class: "inspection" },
    h("h2", null, name),
    picture ? h("img", { src: picture, alt: "The scene in false colour", class: "preview" }) : null,
    input.kind === "image" ? imageFacts(input) : mixtureFacts(input),
    warnings(found.warnings));
}

function imageFacts(input) {
  const [low, high] = input.wavelength_range_nm ?? [];
  return facts([
    ["Size", `${input.rows} × ${input.columns} pixels`],
    ["Bands", `${input.bands_used} of ${input.bands} used`],
    ["Wavelengths", low === undefined ? "not stated" : `${number(low, 4)} – ${number(high, 4)} nm`],
    ["Left out", droppedBands(input)],
    ["Values", `${number(input.lowest)} to ${number(input.highest)}${input.unit ? ` (${input.unit})` : ""}`],
    ["Scale", input.scale === 1 ? null : `× ${number(input.scale)}`],
    ["Masked", input.pixels_masked ? `${number(input.pixels_masked)} pixels: ${reasons(input)}` : null],
    ["Fill values", input.fill_values.map((fill) => fill.value).join(", ") || null],
    ["Array", input.variable ? `${input.variable}${input.axes ? ` (${input.axes})` : ""}` : null],
    ["Format", [input.format, input.dtype, input.interleave].filter(Boolean).join(", ")],
    ["Map", input.crs ? /"([^"]+)"/.exec(input.crs)?.[1] ?? "georeferenced" : null],
  ]);
}

const reasons = (input) => (input.masked_pixels ?? []).filter((one) => one.pixels).map((one) => `${one.reason} ${one.pixels}`).join(", ");

/** The bands that are left out, those beside each other as a range, by reason. */
export function droppedBands(input) {
  const byReason = new Map();
  for (const band of input.dropped_bands) byReason.set(band.reason, [...(byReason.get(band.reason) ?? []), band.index]);
  const texts = [...byReason].map(([reason, indices]) => `${ranges(indices)}: ${reason}`);
  return texts.length ? texts.join("; ") : null;
}

function ranges(indices) {
  const runs = [];
  for (const index of indices) {
    const last = runs.at(-1);
    if (last && index === last[1] + 1) last[1] = index;
    else runs.push([index, index]);
  }
  return `${indices.length > 1 ? "bands" : "band"} ${runs.map(([first, last]) => (first === last ? first : `${first}–${last}`)).join(", ")}`;
}

function mixtureFacts(input) {
  return facts([
    ["Kind", "a mixture matrix"],
    ["Size", `${input.samples} samples × ${input.channels} channels`],
    ["Values", `${number(input.lowest)} to ${number(input.highest)}`],
    ["Format", [input.format, input.dtype].filter(Boolean).join(", ")],
  ]);
}
