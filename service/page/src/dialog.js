// A question that is answered before anything else.
import { h } from "./dom.js";

/** Ask it; true when `action`, the name of a button, was chosen. content: elements between title and buttons. */
export function asked({ title, content, action, look = "main" }) {
  const element = h("dialog", { "aria-labelledby": "dialog-title" },
    h("form", { method: "dialog" },
      h("h2", { id: "dialog-title" }, title),
      content,
      h("p", { class: "row" },
        h("button", { class: look, value: "yes" }, action),
        h("button", { value: "", formnovalidate: true, autofocus: look === "danger" }, "Cancel"))));
  document.body.append(element);
  element.showModal();
  return new Promise((resolve) => {
    element.addEventListener("close", () => {
      element.remove();
      resolve(element.returnValue === "yes");
    });
  });
}

/** Whether what is removed for good is meant. */
export const surely = (what) => asked({ title: `Remove ${what}?`, content: h("p", null, "It cannot be brought back."), action: "Remove", look: "danger" });
