// Maps side by side that zoom and move in step (OpenLayers); positions are pixels of the image.
import OlMap from "ol/Map.js";
import Overlay from "ol/Overlay.js";
import View from "ol/View.js";
import { defaults } from "ol/interaction/defaults.js";
import ImageLayer from "ol/layer/Image.js";
import TileLayer from "ol/layer/Tile.js";
import Projection from "ol/proj/Projection.js";
import ImageTile from "ol/source/ImageTile.js";
import Static from "ol/source/ImageStatic.js";
import TileGrid from "ol/tilegrid/TileGrid.js";
import { h, swatch } from "./dom.js";
import { openFile, tileCanvas } from "./tiles.js";

// Screen pixels of a pixel at most, and of the whole image at least.
const LARGEST_ZOOM = 40;
const SMALLEST_SIDE = 48;
// Of a map's place, width over height.
const [NARROWEST, WIDEST] = [0.6, 2.5];

/** rows, columns: of the image. onHover, onPick: told of a pixel {row, column}; onHover of null when none is meant. */
export function mapGrid({ rows, columns, onHover, onPick }) {
  const extent = [0, 0, columns, rows];
  const projection = new Projection({ code: "pixels", units: "pixels", extent });
  const view = new View({ projection, extent, center: [columns / 2, rows / 2], resolution: 1,
    minResolution: 1 / LARGEST_ZOOM, maxResolution: Math.max(rows, columns) / SMALLEST_SIDE,
    constrainOnlyCenter: true, enableRotation: false });
  const element = h("div", { class: "maps" });
  element.style.setProperty("--aspect", Math.min(WIDEST, Math.max(NARROWEST, columns / rows)));
  let panels = [];
  let pins = [];
  let isFitted = false;

  const pixelAt = ([x, y]) => {
    const pixel = { row: Math.floor(rows - y), column: Math.floor(x) };
    return pixel.row >= 0 && pixel.row < rows && pixel.column >= 0 && pixel.column < columns ? pixel : null;
  };
  const middle = ({ row, column }) => [column + 0.5, rows - row - 0.5];

  const fit = (map) => view.fit(extent, { size: map.getSize(), padding: [4, 4, 4, 4] });

  /** title with its colour, legend beside it, keys below; and what it shows: {href, style} of a file, or {picture}. */
  function panel({ title, colour, legend, keys, href, style, picture }) {
    const target = h("div", { class: "map", tabindex: 0, role: "application",
      "aria-label": `Map: ${title}. Arrow keys move it, plus and minus zoom, Enter pins the pixel in its middle.` });
    const cross = new Overlay({ element: h("div", { class: "cross" }), positioning: "center-center", stopEvent: false });
    const layer = picture ? pictureLayer(picture, extent, projection) : tileLayer(href, style, extent, projection);
    const map = new OlMap({ controls: [], view, layers: [layer], overlays: [cross], interactions: defaults({ onFocusOnly: true, altShiftDragRotate: false, pinchRotate: false }) });
    map.on("pointermove", (event) => event.dragging || onHover(pixelAt(event.coordinate)));
    map.on("click", (event) => onPick(pixelAt(event.coordinate)));
    target.addEventListener("pointerleave", () => onHover(null));
    target.addEventListener("keydown", (event) => event.key === "Enter" && onPick(pixelAt(view.getCenter())));
    seen.observe(target);
    const shown = h("figure", { class: "panel" }, h("figcaption", null, h("span", { class: "title" }, colour ? swatch(colour) : null, title), legend), target, keys);
    return { target, map, cross, shown, overlays: [] };
  }

  // A map costs memory: it is drawn once it comes into sight.
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      const found = panels.find((one) => one.target === target);
      if (!isIntersecting || !found || found.map.getTarget()) continue;
      found.map.setTarget(target);
      if (!isFitted) {
        fit(found.map);
        isFitted = true;
      }
      placePins(found);
    }
  }, { rootMargin: "200px" });

  function placePins(one) {
    for (const overlay of one.overlays) one.map.removeOverlay(overlay);
    one.overlays = pins.map((pin, index) => new Overlay({ element: h("div", { class: "pin" }, String(index + 1)), positioning: "bottom-center", position: middle(pin), stopEvent: false }));
    for (const overlay of one.overlays) one.map.addOverlay(overlay);
  }

  return {
    element,
    view,
    /** Show other maps; the view stays where it is. */
    show(described) {
      this.clear();
      panels = described.map(panel);
      element.replaceChildren(...panels.map((one) => one.shown));
    },
    clear() {
      for (const one of panels) {
        seen.unobserve(one.target);
        one.map.setTarget(null);
        one.map.dispose();
      }
      panels = [];
    },
    point(pixel) {
      for (const one of panels) one.cross.setPosition(pixel ? middle(pixel) : undefined);
    },
    pin(pixels) {
      pins = pixels;
      panels.forEach(placePins);
    },
    zoom: (by) => view.animate({ zoom: view.getZoom() + by, duration: 150 }),
    whole: () => panels.length && fit(panels.find((one) => one.map.getTarget())?.map ?? panels[0].map),
  };
}

function pictureLayer(url, imageExtent, projection) {
  return new ImageLayer({ source: new Static({ url, imageExtent, projection, interpolate: false }) });
}

/** The layer is filled once the file's sizes are known. */
function tileLayer(href, style, extent, projection) {
  const layer = new TileLayer({ extent });
  openFile(href).then((file) => {
    const [full] = file.levels;
    const steps = file.levels.map((level) => Math.round(full.width / level.width));
    const resolutions = [...steps].reverse();
    const tileGrid = new TileGrid({ extent, origin: [extent[0], extent[3]], resolutions, tileSize: file.tileSize });
    const shown = style instanceof Function ? style(file) : style;
    const loader = (z, x, y) => tileCanvas(href, file.tileSize, steps.length - 1 - z, x, y, shown);
    layer.setSource(new ImageTile({ loader, tileGrid, projection, interpolate: false, transition: 0, tileSize: file.tileSize, wrapX: false }));
  });
  return layer;
}
