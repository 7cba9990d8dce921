// From numbers to colours.

const VIRIDIS = ["440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30", "fde725"];
const INFERNO = ["000004", "210c4a", "57106e", "8a226a", "bc3754", "e45a31", "f98e09", "f9cb35", "fcffa4"];
const GREY = ["101010", "f4f4f4"];

export const PALETTES = { viridis: VIRIDIS, inferno: INFERNO, grey: GREY };

/** Of endmembers, in their order: the first of unmixing/io/products/palette.py, whose later ones cannot be seen on a dark page. */
export const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c564b", "#6a51a3"];

/** What each bit of quality means, and its colour. */
export const QUALITY = [
  [0, "masked", "#8a94a6"],
  [1, "negative fit", "#d55e00"],
  [2, "residual above the 99th percentile", "#cc79a7"],
  [3, "dark", "#0072b2"],
];
const GOOD = "#e8efe8";

export const colourOf = (index) => COLOURS[index % COLOURS.length];

const rgb = (hex) => [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));

function table(stops) {
  const colours = stops.map((stop) => rgb(`#${stop}`));
  const levels = new Uint8Array(256 * 3);
  for (let level = 0; level < 256; level += 1) {
    const place = (level / 255) * (colours.length - 1);
    const first = Math.min(Math.floor(place), colours.length - 2);
    for (let channel = 0; channel < 3; channel += 1) {
      levels[3 * level + channel] = colours[first][channel] + (place - first) * (colours[first + 1][channel] - colours[first][channel]);
    }
  }
  return levels;
}

const TABLES = Object.fromEntries(Object.entries(PALETTES).map(([name, stops]) => [name, table(stops)]));

/**
 * RGBA of a tile of size x size pixels; what lies outside, or has no data, stays clear.
 * style: {kind: "ramp", band, low, high, palette}, {kind: "dominant"} or {kind: "bits"}.
 */
export function paint({ values, width, height, count }, size, nodata, style) {
  const colours = new Uint8ClampedArray(size * size * 4);
  const colour = PAINTERS[style.kind](values, count, nodata, style);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const found = colour((row * width + column) * count);
      if (!found) continue;
      const at = (row * size + column) * 4;
      colours[at] = found[0];
      colours[at + 1] = found[1];
      colours[at + 2] = found[2];
      colours[at + 3] = 255;
    }
  }
  return colours;
}

const PAINTERS = {
  ramp(values, count, nodata, { band, low, high, palette }) {
    const levels = TABLES[palette];
    const factor = 255 / (high - low || 1);
    const out = [0, 0, 0];
    return (at) => {
      const value = values[at + band];
      if (value === nodata || Number.isNaN(value)) return null;
      const level = 3 * Math.max(0, Math.min(255, Math.round((value - low) * factor)));
      out[0] = levels[level];
      out[1] = levels[level + 1];
      out[2] = levels[level + 2];
      return out;
    };
  },
  dominant(values, count, nodata) {
    const colours = COLOURS.map(rgb);
    return (at) => {
      let best = 0;
      for (let band = 1; band < count; band += 1) if (values[at + band] > values[at + best]) best = band;
      return values[at + best] === nodata || Number.isNaN(values[at + best]) ? null : colours[best % colours.length];
    };
  },
  bits(values) {
    const meanings = QUALITY.map(([bit, , colour]) => [1 << bit, rgb(colour)]);
    const good = rgb(GOOD);
    return (at) => meanings.find(([mask]) => values[at] & mask)?.[1] ?? good;
  },
};
