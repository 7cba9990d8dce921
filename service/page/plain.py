"""The page in plain HTML, for a service whose bundle was not built: the jobs and their pictures, made here."""

from collections.abc import Iterable
from html import escape

from model_store.records import JobRecord, JobStatus
from model_store.results import ResultStore

PICTURES = ("quicklook.png", "comparison.png")
N_JOBS = 20

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Hyperspectral unmixing</title>
<style>body {{ font: 100%/1.5 system-ui, sans-serif; margin: 1rem auto; padding: 0 1rem; max-width: 80rem; }}</style>
<h1>Hyperspectral unmixing</h1>
<p>This is the plain page; the full one is not bundled: {why}.</p>
<form action="unmix" method="post" enctype="multipart/form-data">
<p><label>A scene (header and binary together for ENVI): <input type="file" name="file" multiple required></label>
<button>Unmix it</button></p>
</form>
<p><a href="docs">How the service is called</a></p>
<h2>The newest jobs</h2>
{jobs}
</html>
"""


def plain_page(why: str, records: Iterable[JobRecord], results: ResultStore) -> str:
    """The document. why: the bundle is missing, without a full stop. records: the jobs to show."""
    jobs = "\n".join(_job(record, results) for record in records)
    return _PAGE.format(why=escape(why), jobs=jobs or "<p>There are none yet.</p>")


def _job(record: JobRecord, results: ResultStore) -> str:
    name = escape(", ".join([*record.labels, *record.uploaded]) or record.id)
    facts = f"{escape(record.spec.method)}, {record.status}, {record.progress} %"
    lines = [f'<h3><a href="jobs/{record.id}">{name}</a></h3>', f"<p>{facts}: {escape(record.message)}</p>"]
    if record.error is not None:
        lines.append(f"<p>{escape(record.error.detail)}</p>")
    if record.status is JobStatus.SUCCESSFUL:
        assets = results.assets(record.id)
        url = f"jobs/{record.id}/results"
        lines += [f'<p><img src="{url}/{picture}" alt="The result of {name}" style="max-width: 100%"></p>'
                  for picture in PICTURES if picture in assets]  # fmt: skip
        lines.append(f'<p><a href="{url}.zip">All files</a>, <a href="{url}">figures</a></p>')
    return "\n".join(lines)
