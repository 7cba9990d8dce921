// What can be asked for: the fields of POST /unmix.
import { field, h } from "./dom.js";

const READING = [
  ["variable", "Array", "Which array of a file with several."],
  ["axes", "Axes", "In their order: rows,columns,bands."],
  ["rows", "Rows", "Those to take: 0:100 for the first hundred."],
  ["columns", "Columns", "Those to take: 0:100 for the first hundred."],
  ["wavelengths", "Wavelengths (nm)", "One for each band, with commas between them."],
  ["bad_bands", "Bands to leave out", "By wavelength, 1350-1430nm, or counted from 0, 0-3,104-110."],
  ["nodata", "No data", "The number that stands for it."],
  ["scale", "Scale", "What the numbers are multiplied by: 0.0001."],
];

/** methods: the answer of GET /methods. onReading: called when the scene has to be read anew. */
export function options(methods, models, modelId, onReading) {
  const count = h("input", { type: "number", min: 2, max: 32, name: "n_endmembers", placeholder: "found for you", inputmode: "numeric" });
  const sources = h("input", { type: "number", min: 1, max: 32, name: "n_sources", inputmode: "numeric" });
  const model = h("select", { name: "model", onchange: () => follow() }, h("option", { value: "" }, "train a new one"),
    models.map((one) => h("option", { value: one.id, selected: one.id === modelId }, modelName(one))));
  const method = methodChoice(methods, () => follow());
  const mask = h("input", { type: "file", name: "mask", onchange: onReading });
  const library = h("input", { type: "file", name: "library", multiple: true });
  const given = h("input", { type: "file", name: "endmembers", multiple: true });
  const label = h("input", { type: "text", name: "label", maxlength: 200 });
  const seconds = h("input", { type: "number", name: "max_training_seconds", min: 0.01, step: "any" });
  const seed = h("input", { type: "number", name: "seed", min: 0, placeholder: "0" });
  const kind = h("select", { name: "kind", onchange: onReading }, h("option", { value: "" }, "whatever it looks like"),
    h("option", { value: "image" }, "an image"), h("option", { value: "mixtures" }, "a mixture matrix"));
  const told = [kind, ...READING.map(([name]) => h("input", { type: "text", name, onchange: onReading })), mask];
  const reading = [field("Read as", kind), ...READING.map(([, title, hint], at) => field(title, told[at + 1], hint)), field("Mask", mask, "Which pixels are used: a raster of the image's size, or GeoJSON.")];
  const abundances = shares();
  const ofImages = [
    field("Endmembers", count, "How many materials; empty, the number is estimated."),
    abundances,
    field("Spectral library", library, "Names the endmembers: CSV, or .sli with its .hdr."),
    field("Known endmembers", given, "Kept as they are; the rest is found."),
  ];
  const ofMixtures = [
    field("Sources", sources, "How many were mixed; with a mixing library, as many as it has."),
    field("Not negative", yesOrNo("nonnegative", "unless a mixture is"), "Sources and mixing matrix are at least 0."),
    field("Sparse", yesOrNo("sparse", "told from the sources"), "Most samples hold few sources."),
    field("Mixing library", h("input", { type: "file", name: "mixing_library" }), "Example mixing matrices: matrices × channels × sources."),
  ];
  for (const one of ofMixtures) one.hidden = true;
  const pure = h("input", { type: "checkbox", checked: true });
  const purity = h("fieldset", { class: "field" }, h("legend", null, "Pure pixels"), h("label", { class: "choice" }, pure,
    h("span", null, "Every material has pixels of it alone", h("small", null, "Or nearly. If not, endmembers are looked for beyond the pixels."))));
  const details = h("details", null, h("summary", null, "How the file is read, and more"),
    h("div", { class: "fields" }, reading, field("Training at most (s)", seconds), field("Seed", seed)));
  const element = h("form", { class: "options", onsubmit: (event) => event.preventDefault() },
    h("h2", null, "What to do with it"),
    h("div", { class: "fields" }, field("Model", model, "A stored model needs no training."), ofImages, purity, ofMixtures, field("Label", label, "To find the job by.")),
    method.element,
    details);
  let isImage = true;
  const follow = () => {
    const trains = model.value === "";
    method.element.hidden = !trains;
    for (const one of ofImages) one.hidden = !isImage;
    for (const one of ofMixtures) one.hidden = isImage;
    ofImages[0].hidden ||= !trains;
    purity.hidden = !isImage || !trains || !method.mayLackPurePixels();
  };
  follow();
  return {
    element,
    isOpen: () => details.open,
    /** Lead to the field of the reading that a text of the service names; whether it names one. */
    lead(text) {
      const named = told.find((input) => text.includes(`\`${input.name}\``));
      if (named) details.open = true;
      return named ?? null;
    },
    show(input) {
      isImage = input.kind === "image";
      method.only(input.kind);
      follow();
    },
    reading: () => filled(told),
    request() {
      const trains = model.value === "";
      const form = filled([...told, label, seconds, seed, model]);
      const inputs = (fields) => fields.flatMap((one) => [...one.querySelectorAll("input, select")]).filter((input) => input.type !== "radio");
      add(form, inputs((isImage ? ofImages : ofMixtures).filter((one) => !one.hidden)));
      if (trains) form.append("method", method.value());
      if (isImage) form.append("abundances_of", abundances.querySelector("input:checked").value);
      if (!purity.hidden && !pure.checked) form.append("pure_pixels", "false");
      return form;
    },
  };
}

const yesOrNo = (name, otherwise) => h("select", { name }, [["", otherwise], ["true", "yes"], ["false", "no"]].map(([value, text]) => h("option", { value }, text)));

export const modelName = (one) => `${one.manifest.method}: ${one.manifest.endmember_names.join(", ")} (${one.id.slice(0, 8)})`;

const filled = (inputs) => add(new FormData(), inputs);

function add(form, inputs) {
  for (const input of inputs) {
    if (input.type === "file") for (const file of input.files) form.append(input.name, file);
    else if (input.value.trim()) form.append(input.name, input.value.trim());
  }
  return form;
}

function shares() {
  const one = (value, text, hint) => h("label", { class: "choice" }, h("input", { type: "radio", name: "abundances_of", value, checked: value === "area" }),
    h("span", null, text, h("small", null, hint)));
  return h("fieldset", { class: "field" }, h("legend", null, "Abundances are shares of"),
    one("area", "area", "What part of the lit ground a material covers."),
    one("shape", "shape", "What part of the light's shape it makes, however dark it is."));
}

/** One method, or several to compare. onChange: called when others are chosen. */
function methodChoice(methods, onChange) {
  const boxes = methods.methods.map((one) => {
    const input = h("input", { type: "checkbox", name: "method", value: one.name, checked: one.name === methods.default });
    const traits = [one.learned ? "learns" : "solves directly", one.image.uncertainty ? "tells its uncertainty" : null].filter(Boolean).join(", ");
    return h("label", { class: "choice" }, input, h("span", null, h("strong", null, one.title), ` (${one.name}; ${traits})`, h("small", null, one.summary)));
  });
  const chosen = h("output");
  const names = () => boxes.map((box) => box.querySelector("input")).filter((box) => box.checked && !box.closest("label").hidden).map((box) => box.value);
  const tell = () => {
    const found = names();
    chosen.textContent = found.length > 1 ? `${found.length} methods, compared` : found[0] ?? methods.default;
  };
  const onchange = () => {
    tell();
    onChange();
  };
  const element = h("details", { class: "methods", onchange }, h("summary", null, "Method: ", chosen),
    h("p", null, "Tick several to compare them on this image."), h("div", { class: "choices" }, boxes));
  tell();
  return {
    element,
    value: () => names().join(",") || methods.default,
    mayLackPurePixels: () => methods.methods.every((one) => one.without_pure_pixels || !names().includes(one.name)),
    only(kind) {
      for (const [index, one] of methods.methods.entries()) boxes[index].hidden = kind === "mixtures" && !one.mixtures;
      tell();
    },
  };
}
