// The spectra of the endmembers, their names, and what a library says of them.
import { WIDE, h, number } from "./dom.js";
import { colourOf } from "./paint.js";

/** onRename: called after a name has changed. */
export function spectraSection({ found, names, onRename }) {
  const answers = found.comparison?.answers ?? [found];
  const place = h("div");
  const draw = async () => {
    const { spectraPlot } = await import("./plot.js");
    const dropped = found.input.dropped_bands.map((band) => band.index);
    const curves = answers.flatMap((answer, which) => answer.endmembers.values.map((values, index) => ({
      label: which ? `${names.all()[index]}, ${answer.method}` : names.all()[index],
      colour: colourOf(index), values, dashed: which > 0, width: which ? 1.2 : 2.2,
    })));
    place.replaceChildren(spectraPlot({ wavelengths: found.endmembers.wavelengths_nm, curves, dropped, label: "Spectra of the endmembers" }));
  };
  draw();
  const unit = found.abundances_of === "shape" ? "of norm 1" : "in the units of the image";
  return h("section", { class: "spectra" }, h("h2", null, "Endmember spectra"),
    h("p", null, `Each ${unit}; grey: bands that are left out.${answers.length > 1 ? " Dashed: the other methods." : ""}`),
    place,
    h("div", WIDE, table(found, names, () => {
      draw();
      onRename();
    })));
}

function table(found, names, onChange) {
  const { metrics } = found;
  const matches = metrics.library_matches;
  const heads = ["Name (yours to change)", "Present in", ...(matches ? ["Most like, in the library"] : []), ...(found.endmembers.given.some(Boolean) ? ["Given"] : [])];
  const line = (name, index) => {
    const swatch = h("i", { class: "swatch" });
    swatch.style.background = colourOf(index);
    const input = h("input", { type: "text", value: name, maxlength: 80, "aria-label": `Name of endmember ${index + 1}`, onchange: () => {
      names.change(index, input.value);
      input.value = names.all()[index];
      onChange();
    } });
    const presence = metrics.endmember_presence?.[index];
    return h("tr", null, h("th", { scope: "row" }, swatch, input),
      h("td", null, presence === undefined ? "–" : `${number(100 * presence)} % of the pixels`),
      matches ? h("td", null, matches[index].map((match) => `${match.name} (${number(match.angle_radians, 2)} rad)`).join(", ")) : null,
      found.endmembers.given.some(Boolean) ? h("td", null, found.endmembers.given[index] ? "yes" : "no") : null);
  };
  return h("table", null, h("caption", { class: "unseen" }, "Endmembers"),
    h("thead", null, h("tr", null, heads.map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", null, names.all().map(line)));
}
