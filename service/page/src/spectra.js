// The spectra of the endmembers, their names, and what a library says of them.
import { variability } from "./answers.js";
import { WIDE, h, number, swatch } from "./dom.js";
import { colourOf } from "./paint.js";

/** onRename: called after a name has changed. */
export function spectraSection({ found, answers, assets, names, onRename }) {
  const ranges = variability(answers[0], assets, found.input, names.all().length).catch(() => null);
  const place = h("div");
  const draw = async () => {
    const { spectraPlot } = await import("./plot.js");
    const known = await ranges;
    shaded.hidden = !known?.some(Boolean);
    const dropped = found.input.dropped_bands.map((band) => band.index);
    const curves = answers.flatMap((answer, which) => answer.endmembers.values.map((values, index) => ({
      label: which ? `${names.all()[index]}, ${answer.method}` : names.all()[index],
      colour: colourOf(index), values, dashed: which > 0, width: which ? 1.2 : 2.2, range: which ? null : known?.[index],
    })));
    place.replaceChildren(spectraPlot({ wavelengths: found.endmembers.wavelengths_nm, curves, dropped, label: "Spectra of the endmembers" }));
  };
  const shaded = h("p", { hidden: true }, "Shaded: where nine in ten of the pixels lie that are made of it by at least 90 %, each over its brightness.");
  draw();
  const unit = found.abundances_of === "shape" ? "of norm 1" : "in the units of the image";
  return h("section", { class: "spectra" }, h("h2", null, "Endmember spectra"),
    h("p", null, `Each ${unit}; grey: bands that are left out.${answers.length > 1 ? " Dashed: the other methods." : ""}`),
    shaded, place,
    h("div", WIDE, table(found, names, () => {
      draw();
      onRename();
    })));
}

function table(found, names, onChange) {
  const { metrics } = found;
  const matches = metrics.library_matches;
  const heads = ["Name (yours to change)", "In pixels", ...(matches ? ["Most like, in the library"] : []), ...(found.endmembers.given.some(Boolean) ? ["Given"] : [])];
  const line = (name, index) => {
    const suggested = matches && h("datalist", { id: `like-${index}` }, matches[index].map((match) => h("option", { value: match.name })));
    const input = h("input", { type: "text", value: name, maxlength: 80, list: suggested?.id, "aria-label": `Name of endmember ${index + 1}`, onchange: () => {
      names.change(index, input.value);
      input.value = names.all()[index];
      onChange();
    } });
    const presence = metrics.endmember_presence?.[index];
    return h("tr", null, h("th", { scope: "row" }, h("span", { class: "named" }, swatch(colourOf(index)), input, suggested)),
      h("td", null, presence === undefined ? "–" : `${number(100 * presence)} %`),
      matches ? h("td", null, matches[index].map((match) => `${match.name} (${number(match.angle_radians, 2)} rad)`).join(", ")) : null,
      found.endmembers.given.some(Boolean) ? h("td", null, found.endmembers.given[index] ? "yes" : "no") : null);
  };
  return h("table", null, h("caption", { class: "unseen" }, "Endmembers"),
    h("thead", null, h("tr", null, heads.map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", null, names.all().map(line)));
}
