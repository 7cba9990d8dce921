// Tiles of Cloud Optimized GeoTIFFs, read by ranges and coloured, away from the thread that draws.
import { fromUrl } from "geotiff";
import { paint } from "./paint.js";

const CACHE_BYTES = 192 * 2 ** 20;

const files = new Map();
const tiles = new Map();
let cachedBytes = 0;

/** Sizes of the file and of its overviews, the file first, and its names and statistics by band. */
async function open(href, headers) {
  if (!files.has(href)) files.set(href, read(href, headers));
  return (await files.get(href)).facts;
}

async function read(href, headers) {
  const file = await fromUrl(href, { headers });
  const images = [];
  for (let index = 0; index < (await file.getImageCount()); index += 1) images.push(await file.getImage(index));
  const [full] = images;
  const bands = [];
  for (let band = 0; band < full.getSamplesPerPixel(); band += 1) bands.push(statistics(await full.getGDALMetadata(band)));
  const levels = images.map((image) => ({ width: image.getWidth(), height: image.getHeight() }));
  return { images, facts: { levels, tileSize: full.getTileWidth(), bands, nodata: full.getGDALNoData() } };
}

function statistics(metadata) {
  const value = (name) => Number(metadata?.[`STATISTICS_${name}`] ?? NaN);
  return { name: metadata?.DESCRIPTION ?? null, low: value("MINIMUM"), high: value("MAXIMUM"), mean: value("MEAN"), deviation: value("STDDEV") };
}

/** The pixels of a tile in colour, RGBA. level: 0 for the file itself. style: see paint.js. */
async function tile(href, level, column, row, style) {
  const { images, facts } = await files.get(href);
  const numbers = await cached(`${href} ${level} ${column} ${row}`, () => numbersOf(images[level], facts.tileSize, column, row));
  return paint(numbers, facts.tileSize, facts.nodata, style);
}

async function numbersOf(image, size, column, row) {
  const [left, top] = [column * size, row * size];
  const window = [left, top, Math.min(left + size, image.getWidth()), Math.min(top + size, image.getHeight())];
  const values = await image.readRasters({ window, interleave: true });
  return { values, width: values.width, height: values.height, count: image.getSamplesPerPixel() };
}

/** All maps of an image show the same tile: it is read once, and kept while there is room. */
function cached(key, make) {
  const found = tiles.get(key);
  if (found) {
    tiles.delete(key);
    tiles.set(key, found);
    return found;
  }
  const made = make();
  tiles.set(key, made);
  made.then(({ values }) => {
    cachedBytes += values.byteLength;
    for (const [oldest, old] of tiles) {
      if (cachedBytes <= CACHE_BYTES || oldest === key) break;
      tiles.delete(oldest);
      old.then((numbers) => { cachedBytes -= numbers.values.byteLength; });
    }
  }, () => tiles.delete(key));
  return made;
}

const CALLS = { open, tile };

self.onmessage = async ({ data: { id, call, parameters } }) => {
  try {
    const result = await CALLS[call](...parameters);
    self.postMessage({ id, result }, result instanceof Uint8ClampedArray ? [result.buffer] : []);
  } catch (error) {
    self.postMessage({ id, error: error.message });
  }
};
