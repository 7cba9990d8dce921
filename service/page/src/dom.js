// Elements from a few words, and the small things that every view needs.

/** An element. props: attributes, `on...` listeners, `class`; null, false and undefined are left out. */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "selected") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Words of the service as elements: what stands between backticks are names of fields. */
const worded = (text) => text.split("`").map((part, at) => (at % 2 ? h("code", null, part) : part));

/** Attributes of what holds a table that may be wider than its place; the keyboard scrolls it too. */
export const WIDE = { class: "wide", tabindex: 0, role: "region", "aria-label": "Table" };

/** Tell those who cannot see it what has changed. */
export function say(text) {
  document.getElementById("said").textContent = text;
}

export function number(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (Number.isInteger(value)) return value.toLocaleString("en");
  return Number(value.toPrecision(digits)).toString();
}

export function bytes(size) {
  const units = ["bytes", "KiB", "MiB", "GiB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(size, 1)) / 10));
  return `${step ? (size / 1024 ** step).toFixed(size / 1024 ** step < 10 ? 1 : 0) : size} ${units[step]}`;
}

export function duration(seconds) {
  if (seconds < 1) return "less than a second";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

export function moment(text) {
  return h("time", { datetime: text }, new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }));
}

/** Rows of a term and what is said of it; rows whose value is null are left out. */
export function facts(rows) {
  const shown = rows.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h("dl", { class: "facts" }, shown.map(([term, value]) => h("div", null, h("dt", null, term), h("dd", null, value))));
}

export function warnings(list) {
  if (!list?.length) return null;
  const one = (warning) => h("li", null, h("strong", null, worded(warning.message)), " ", worded(warning.action));
  return h("section", { class: "warnings", "aria-label": "Warnings" }, h("h2", null, "Worth knowing"), h("ul", null, list.map(one)));
}

/** What went wrong, in the words of the service, and what to do about it. */
export function problem(error, ...actions) {
  return h(
    "section",
    { class: "problem", role: "alert" },
    h("h2", null, error.title ?? "Something went wrong"),
    h("p", null, worded(error.detail ?? error.message ?? String(error))),
    error.advice ? h("p", null, error.advice) : null,
    actions.length ? h("p", { class: "row" }, actions) : null,
  );
}

/** A small square of a colour. */
export function swatch(colour) {
  const element = h("i", { class: "swatch" });
  element.style.background = colour;
  return element;
}

export function field(label, input, hint) {
  const id = input.id || `f${Math.random().toString(36).slice(2)}`;
  input.id = id;
  if (hint) input.setAttribute("aria-describedby", `${id}-hint`);
  return h("div", { class: "field" }, h("label", { for: id }, label), input, hint ? h("small", { id: `${id}-hint` }, hint) : null);
}
