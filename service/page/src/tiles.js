// The worker that reads and colours tiles, as functions.
import { headers } from "./api.js";

let worker = null;
const waiting = new Map();
let last = 0;

function call(name, ...parameters) {
  if (!worker) {
    worker = new Worker(new URL("tiles.worker.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data: { id, result, error } }) => {
      const [resolve, reject] = waiting.get(id);
      waiting.delete(id);
      if (error === undefined) resolve(result);
      else reject(new Error(error));
    };
  }
  last += 1;
  const id = last;
  return new Promise((resolve, reject) => {
    waiting.set(id, [resolve, reject]);
    worker.postMessage({ id, call: name, parameters });
  });
}

const absolute = (href) => new URL(href, document.baseURI).href;

/** What the worker tells of a file: levels, tileSize, bands. */
export const openFile = (href) => call("open", absolute(href), headers());

/** A tile as a canvas. */
export async function tileCanvas(href, tileSize, level, column, row, style) {
  const colours = await call("tile", absolute(href), level, column, row, style);
  const canvas = document.createElement("canvas");
  canvas.width = tileSize;
  canvas.height = tileSize;
  canvas.getContext("2d").putImageData(new ImageData(colours, tileSize, tileSize), 0, 0);
  return canvas;
}
