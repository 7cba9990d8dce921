// The page: which view stands at which address.
import { h, problem, say } from "./dom.js";
import { jobView } from "./job.js";
import { jobsView, modelsView } from "./lists.js";
import { startView } from "./start.js";

const ROUTES = [
  [/^\/?$/, "New", startView],
  [/^\/jobs$/, "Jobs", jobsView],
  [/^\/jobs\/([\w-]+)$/, "Job", jobView],
  [/^\/models$/, "Models", modelsView],
];

const view = document.getElementById("view");
let leaving = new AbortController();

async function show() {
  const [path, query] = location.hash.replace(/^#/, "").split("?");
  if (!path.startsWith("/") && path !== "") return; // the link that skips to the content
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const found = ROUTES.map(([pattern, title, make]) => [pattern.exec(path), title, make]).find(([match]) => match);
  const [match, title, make] = found ?? [[], "Not found", null];
  document.title = `${title} – Hyperspectral unmixing`;
  for (const link of document.querySelectorAll('nav a[href^="#"]')) {
    const own = link.getAttribute("href").slice(1);
    const here = own === "/" ? path === "/" || path === "" : path.startsWith(own);
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const place = h("div", { class: "view" });
  view.replaceChildren(place);
  if (!make) {
    place.append(h("h1", null, "There is no such page"), h("p", null, h("a", { href: "#/" }, "Start anew")));
    return;
  }
  try {
    await make(place, { id: match[1], query: new URLSearchParams(query), signal });
  } catch (error) {
    if (!signal.aborted) place.append(problem(error, h("a", { class: "button", href: "#/jobs" }, "All jobs")));
  }
  if (!signal.aborted) say(`${title} is shown`);
}

addEventListener("hashchange", () => {
  show();
  view.focus({ preventScroll: true });
  scrollTo(0, 0);
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  view.focus();
});
show();
