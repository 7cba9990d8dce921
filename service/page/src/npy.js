// Numbers of single pixels out of .npy files, by ranges: a result of any size answers at once.
import { ask } from "./api.js";

const WHOLE_BYTES = 2 * 2 ** 20;
const TYPES = { "<f4": Float32Array, "|u1": Uint8Array };

/** A file of the result; size: in bytes. Small ones are read once, of others the numbers that are asked for. */
export function npyFile(href, size) {
  let opened = null;
  const part = async (first, count, signal) => {
    const response = await ask(href, { headers: { Accept: "*/*", Range: `bytes=${first}-${first + count - 1}` }, signal });
    const content = await response.arrayBuffer();
    return response.status === 206 ? content : content.slice(first, first + count);
  };
  const open = async () => {
    const head = await part(0, Math.min(size, size <= WHOLE_BYTES ? size : 1024));
    return { ...header(head), whole: size <= WHOLE_BYTES ? head : null };
  };
  return {
    /** The shape of the array. */
    async shape() {
      opened ??= open();
      return (await opened).shape;
    },
    /** The numbers from `first` on, as a typed array. */
    async read(first, count, signal) {
      opened ??= open();
      const { start, Type, whole } = await opened;
      const [from, length] = [start + first * Type.BYTES_PER_ELEMENT, count * Type.BYTES_PER_ELEMENT];
      return new Type(whole ? whole.slice(from, from + length) : await part(from, length, signal));
    },
  };
}

/** All numbers of a file. */
export async function wholeNpy(href) {
  const content = await (await ask(href, { headers: { Accept: "*/*" } })).arrayBuffer();
  const { start, Type } = header(content);
  return new Type(content.slice(start));
}

function header(content) {
  const start = 10 + new DataView(content).getUint16(8, true);
  const text = new TextDecoder("latin1").decode(content.slice(10, start));
  const shape = /'shape': \(([^)]*)\)/.exec(text)[1].split(",").filter((size) => size.trim()).map(Number);
  return { start, shape, Type: TYPES[/'descr': '([^']+)'/.exec(text)[1]] };
}

const NAMES = ["abundances", "uncertainty", "brightness", "residual", "quality", "image"];

/** A function of row and column that reads the numbers of a pixel by name. files: {name: {href, size}} of NAMES. */
export function pixelReader(files, columns) {
  const known = NAMES.filter((name) => files[name]).map((name) => [name, npyFile(files[name].href, files[name].size)]);
  return async ({ row, column }, signal) => {
    const pixel = {};
    await Promise.all(known.map(async ([name, file]) => {
      const [, , count = 1] = await file.shape();
      const values = await file.read((row * columns + column) * count, count, signal);
      pixel[name] = count === 1 && name !== "image" && name !== "abundances" ? values[0] : [...values];
    }));
    return pixel;
  };
}
