// The methods of a comparison in a table.
import { WIDE, h, number } from "./dom.js";

const COLUMNS = [
  ["Method", (answer) => answer.method],
  ["Not explained", (answer) => `${number(100 * answer.metrics.reconstruction_relative)} %`],
  ["Angle (rad)", (answer) => number(answer.metrics.reconstruction_sam_radians)],
  ["Spectra from the first (rad)", (answer) => number(answer.sad_to_first_radians)],
  ["Abundances from the first", (answer) => number(answer.abundance_rmse_to_first)],
  ["Seconds", (answer) => number(answer.metrics.seconds.total)],
  ["Warnings", (answer) => answer.warnings.length || "none"],
];

// Columns that say nothing of the first method itself.
const FROM_FIRST = ["Spectra from the first (rad)", "Abundances from the first"];

export function comparisonTable({ answers, failures }) {
  const cells = (answer, row) => COLUMNS.map(([title, text], index) => h(index ? "td" : "th", index ? null : { scope: "row" },
    FROM_FIRST.includes(title) && row === 0 ? "–" : text(answer)));
  return h("section", { class: "comparison" }, h("h2", null, `${answers.length} methods compared`),
    h("p", null, "How far a method is from the first one says nothing about the truth."),
    h("div", WIDE, h("table", null, h("caption", { class: "unseen" }, "Methods and their figures"),
      h("thead", null, h("tr", null, COLUMNS.map(([title]) => h("th", { scope: "col" }, title)))),
      h("tbody", null, answers.map((answer, row) => h("tr", null, cells(answer, row)))))),
    Object.entries(failures).map(([method, why]) => h("p", null, h("strong", null, method), ` has no answer: ${why}`)));
}
