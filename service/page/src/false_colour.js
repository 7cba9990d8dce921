// The image in three of its bands, which can be chosen where the image is kept.
import { imageOf } from "./answers.js";
import { h } from "./dom.js";

const WANTED_NM = [860, 650, 550];

/** Three choices of bands, or null where there is no image; onPicture is told of every picture's URL. */
export async function falseColour({ assets, found, onPicture }) {
  const values = await imageOf(assets);
  if (!values) return null;
  const { rows, columns, bands } = found.input;
  const wavelengths = found.endmembers.wavelengths_nm;
  const dropped = new Set(found.input.dropped_bands.map((band) => band.index));
  const used = Array.from({ length: bands }, (_, band) => band).filter((band) => !dropped.has(band));
  const chosen = firstBands(used, wavelengths);
  const draw = () => onPicture(picture(values, rows, columns, bands, chosen));
  const text = (band) => (wavelengths ? `${Math.round(wavelengths[band])} nm` : `band ${band}`);
  const choices = ["Red", "Green", "Blue"].map((colour, channel) => {
    const select = h("select", { "aria-label": `Band shown as ${colour.toLowerCase()}`, onchange: () => { chosen[channel] = Number(select.value); draw(); } },
      used.map((band) => h("option", { value: String(band), selected: band === chosen[channel] }, text(band))));
    return select;
  });
  draw();
  return h("span", { class: "row" }, "False colour", choices);
}

function firstBands(used, wavelengths) {
  if (!wavelengths) return [5, 3, 1].map((sixth) => used[Math.floor((used.length * sixth) / 6)]);
  const range = used.map((band) => wavelengths[band]);
  const [low, high] = [Math.min(...range), Math.max(...range)];
  const covered = low <= WANTED_NM[2] + 50 && high >= WANTED_NM[0] - 50;
  const wanted = covered ? WANTED_NM : [0.85, 0.5, 0.15].map((share) => low + share * (high - low));
  return wanted.map((nm) => used.reduce((best, band) => (Math.abs(wavelengths[band] - nm) < Math.abs(wavelengths[best] - nm) ? band : best)));
}

/** Each channel from its 2nd to its 98th percentile. */
function picture(values, rows, columns, bands, chosen) {
  const canvas = h("canvas", { width: columns, height: rows });
  const image = new ImageData(columns, rows);
  chosen.forEach((band, channel) => {
    const channelValues = Float32Array.from({ length: rows * columns }, (_, pixel) => values[pixel * bands + band]);
    const sorted = channelValues.filter((value) => !Number.isNaN(value)).sort();
    const [low, high] = [0.02, 0.98].map((share) => sorted[Math.floor(share * (sorted.length - 1))]);
    channelValues.forEach((value, pixel) => {
      image.data[4 * pixel + channel] = Number.isNaN(value) ? 232 : (255 * (value - low)) / (high - low || 1);
      image.data[4 * pixel + 3] = 255;
    });
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas.toDataURL();
}
