"""``report.html``: a result to be read and mailed, one file that needs no other and asks nobody for anything."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, tostring

from unmixing.io.products import report_tables as tables
from unmixing.io.products.palette import endmember_colour
from unmixing.io.products.report_html import cells, element, section
from unmixing.io.products.stac.items import title_of
from unmixing.methods import METHODS

REPORT, HTML = "report.html", "text/html"

PICTURES = {
    "comparison.png": "All methods: the scene, figures, and maps and spectra of each",
    "quicklook.png": "The result: the scene, a map of each endmember with its mean, and the spectra",
    "false_colour.png": "The scene in false colour",
}
"""Of a result, the first that there is stands in its report."""

STYLE = """
:root { color-scheme: light dark; --faint: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; } .lead { color: #777; margin-top: 0; }
table { border-collapse: collapse; margin: 1rem 0; } caption { text-align: left; font-weight: 600; }
th, td { text-align: left; vertical-align: top; padding: 0.2rem 1.2rem 0.2rem 0; }
tr { border-bottom: 1px solid var(--faint); } tbody th { font-weight: normal; }
td { overflow-wrap: break-word; } figure { margin: 1rem 0; overflow-x: auto; } figcaption { color: #777; }
img { max-width: 100%; background: white; } .note { color: #777; font-size: 90%; }
.warning { border-left: 4px solid #d55e00; padding-left: 1rem; } .swatch { padding-left: 1rem; margin-right: 0.5rem; }
@media print { h2, tr, figure { break-inside: avoid; } }
"""

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""For browsers: whatever a name or a file may hold, the report loads and runs nothing."""

Document = Mapping[str, Any]


def write_report(folder: Path, document: Document) -> dict[str, str]:
    """Write the report of the result in ``folder``; returns name -> media type."""
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    page = tostring(_page(folder, document, made), encoding="unicode", method="html")
    (folder / REPORT).write_text(f"<!doctype html>\n{page}\n", "utf-8")
    return {REPORT: HTML}


def _page(folder: Path, document: Document, made: str) -> Element:
    title = title_of(document)
    head = element(
        "head", element("meta", charset="utf-8"), element("title", title),
        element("meta", name="viewport", content="width=device-width"),
        element("meta", **{"http-equiv": "Content-Security-Policy", "content": POLICY}),
        element("style", STYLE),
    )  # fmt: skip
    answers = _answers(document)
    names = ", ".join(_title(answer["method"]) for answer in answers)
    body = element("body", element("h1", title), element("p", f"{names}; {made}", {"class": "lead"}))
    body.extend(
        part for part in (
            _warnings(answers), _picture(folder, document), _comparison(document),
            *_materials(folder, document, answers), *(_metrics(answer, answers) for answer in answers),
            _input(document), _settings(document), _origin(document), _citation(document, answers), _files(document),
        ) if part is not None
    )  # fmt: skip
    return element("html", head, body, lang="en")


def _answers(document: Document) -> list[dict[str, Any]]:
    """The answer of each method; of one alone the document itself."""
    comparison = document.get("comparison")
    if comparison is not None:
        return list(comparison["answers"])
    return [{**document, "method": document["provenance"]["method"]}]


def _title(method: str) -> str:
    return METHODS[method].title if method in METHODS else method


def _warnings(answers: Iterable[Document]) -> Element | None:
    said = [(answer["method"], warning) for answer in answers for warning in answer["warnings"]]
    if not said:
        return None
    return section("Why to doubt it", *(
        element("p", element("strong", f"{_title(method)}: {warning['message']}."), f" {warning['action']} ",
                element("code", warning["code"]), {"class": "warning"})
        for method, warning in said
    ))  # fmt: skip


def _picture(folder: Path, document: Document) -> Element | None:
    for name, said in PICTURES.items():
        if name in document["assets"]:
            content = b64encode((folder / name).read_bytes()).decode("ascii")
            image = element("img", src=f"data:image/png;base64,{content}", alt=said)
            return element("figure", image, element("figcaption", said))
    return None


def _materials(folder: Path, document: Document, answers: list[dict[str, Any]]) -> list[Element]:
    if document["input"]["kind"] == "mixtures":
        return []
    compared = document.get("comparison") is not None
    found = []
    for answer in answers:
        head, rows = tables.materials(folder, document["input"], answer, f"{answer['method']}-" if compared else "")
        swatches = [element("span", {"class": "swatch", "style": f"background: {endmember_colour(index)}"})
                    for index in range(len(rows))]  # fmt: skip
        body: list[list[Element | str]] = [
            [element("span", swatch, row[0]), *row[1:]] for swatch, row in zip(swatches, rows, strict=True)
        ]
        found.append(section(_of("Materials", answer, answers), cells(head, body)))
    shares = f"Abundances are shares of {document['abundances_of']}; ± is the mean standard deviation of a pixel's."
    found[-1].append(element("p", shares, {"class": "note"}))
    return found


def _of(heading: str, answer: Document, answers: list[dict[str, Any]]) -> str:
    return heading if len(answers) == 1 else f"{heading}: {_title(answer['method'])}"


def _comparison(document: Document) -> Element | None:
    comparison = document.get("comparison")
    if comparison is None:
        return None
    head, rows = tables.compared(comparison["answers"], _title)
    failed = [element("p", f"{_title(method)} has no answer: {why}") for method, why in comparison["failures"].items()]
    note = element("p", "How far a method is from the first says nothing about the truth.", {"class": "note"})
    return section("The methods beside each other", cells(head, rows), note, *failed)


def _metrics(answer: Document, answers: list[dict[str, Any]]) -> Element:
    return section(
        _of("Figures", answer, answers), cells(("figure", "value", "meaning"), tables.metrics(answer["metrics"]))
    )


def _input(document: Document) -> Element:
    table = cells(("fact", "value"), tables.read(document["input"]))
    return section("How the input was read", table)


def _settings(document: Document) -> Element:
    provenance = document["provenance"]
    said = tables.flat({"input": {name: value for name, value in (provenance.get("input") or {}).items() if value}})
    return section("Settings", cells(("setting", "value"), [*tables.flat(provenance["spec"]), *said]))


def _origin(document: Document) -> Element:
    provenance = document["provenance"]
    rows = tables.flat({"version": provenance["versions"], "seconds": provenance["seconds"]})
    rows += [("peak memory", tables.megabytes(provenance["peak_memory_bytes"]))]
    rows += [(f"SHA-256 of {name}", digest) for files in (provenance.get("inputs") or {}).values()
             for name, digest in files.items()]  # fmt: skip
    return section("How it came about", cells(("fact", "value"), rows))


def _citation(document: Document, answers: Iterable[Document]) -> Element:
    provenance, version = document["provenance"], document["provenance"]["versions"].get("project")
    software = "unmixing-service" + (f" {version}" if version else "")
    kind = document["input"]["kind"]
    what = "The mixtures were separated" if kind == "mixtures" else "The scene was unmixed"
    lines = []
    for answer in answers:
        method = answer["method"]
        paper = f" ({METHODS[method].paper})" if method in METHODS else ""
        lines.append(f"{what} by {_title(method)}{paper}, as implemented in {software}, seed {provenance['seed']}.")
    note = "Cite the method's papers, name the software with its version, and give the settings above: with the same "
    note += "file, settings and versions the result can be computed again."
    return section(
        "How to cite", *(element("blockquote", line) for line in lines), element("p", note, {"class": "note"})
    )


def _files(document: Document) -> Element:
    rows = [
        (name, asset["type"].split(";")[0], tables.megabytes(asset["size"]))
        for name, asset in document["assets"].items()
    ]
    return section("Files of the result", cells(("file", "type", "size"), rows))
