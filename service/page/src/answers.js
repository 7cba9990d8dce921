// What a result knows of its pixels: one answer, or one of every method that was compared.
import { pixelReader, wholeNpy } from "./npy.js";

const ARRAYS = ["abundances", "uncertainty", "brightness", "residual", "quality"];
const NEARLY_PURE = 0.9;
const FEWEST_PIXELS = 10;
const MOST_PIXELS = 500;
const NINE_IN_TEN = [0.05, 0.95];

/** The answers: method, endmembers, and `file(name)`, which of the assets is meant by the name of a product. */
export function answersOf(found, assets) {
  const answers = found.comparison?.answers;
  if (!answers) return [{ method: null, endmembers: found.endmembers, file: (name) => assets[name] }];
  return answers.map(({ method, endmembers }) => ({ method, endmembers, file: (name) => assets[`${method}-${name}`] }));
}

/** A function that reads what is known of a pixel: {row, column, image, answers: [{abundances, ...}]}. */
export function readerOf(answers, assets, columns) {
  const given = (names, file) => Object.fromEntries(names.map((name) => [name, file(`${name}.npy`)]).filter(([, asset]) => asset));
  const readImage = pixelReader(given(["image"], (name) => assets[name]), columns);
  const readers = answers.map(({ file }) => pixelReader(given(ARRAYS, file), columns));
  return async (pixel, signal) => {
    const [image, ...read] = await Promise.all([readImage, ...readers].map((one) => one(pixel, signal)));
    return { ...pixel, ...image, answers: read };
  };
}

let kept = {};

/** The image as it was computed on, of the result that was asked about last; null where it is not kept. */
export function imageOf(assets) {
  const href = assets["image.npy"]?.href;
  if (href && kept.href !== href) kept = { href, values: wholeNpy(href) };
  return href ? kept.values : null;
}

/**
 * Per endmember {low, high}, lists over the bands between which nine in ten of its nearly pure pixels lie, each over its
 * brightness; null for one with too few. Null where the image is not kept.
 */
export async function variability({ file }, assets, { bands }, count) {
  const image = await imageOf(assets);
  if (!image) return null;
  const [abundances, brightness] = await Promise.all(["abundances.npy", "brightness.npy"].map((name) => wholeNpy(file(name).href)));
  return Array.from({ length: count }, (_, endmember) => {
    const pure = [];
    for (let pixel = 0; pixel < brightness.length; pixel += 1) {
      if (abundances[pixel * count + endmember] >= NEARLY_PURE && brightness[pixel] > 0) pure.push(pixel);
    }
    return pure.length < FEWEST_PIXELS ? null : range(pure, image, brightness, bands);
  });
}

function range(pure, image, brightness, bands) {
  const step = Math.ceil(pure.length / MOST_PIXELS);
  const chosen = pure.filter((_, at) => at % step === 0);
  const [low, high] = [[], []];
  for (let band = 0; band < bands; band += 1) {
    const values = Float32Array.from(chosen, (pixel) => image[pixel * bands + band] / brightness[pixel]).sort();
    const [first, last] = NINE_IN_TEN.map((share) => values[Math.round(share * (values.length - 1))]);
    low.push(first);
    high.push(last);
  }
  return { low, high };
}
