"""The documents as a site: it builds without a warning, loads nothing from elsewhere, and leaves nothing out."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli.durations import MEASURED_SECONDS
from service.errors import TABLE
from supervision import errors as supervision
from tests.conftest import REPOSITORY
from unmixing.methods import METHODS
from unmixing.mixtures.specs import SeparationSpec
from unmixing.specs import InputSpec, UnmixSpec
from unmixing_client import errors as client

DOCS = REPOSITORY / "docs"
LOADED = re.compile(
    r'<(?:script|img|iframe|source)[^>]*\ssrc="(?:https?:)?//|<link[^>]*rel="(?!canonical)[^>]*href="https?://'
)


def text(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def below(root: type[Exception]) -> set[str]:
    """Names of all errors below this one."""
    return {name for each in root.__subclasses__() for name in {each.__name__, *below(each)}}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; pages, links and anchors that lead nowhere end the build."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(REPOSITORY / "mkdocs.yml")]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(
        [*command, "--site-dir", str(folder)], env=environment, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    return folder


def test_every_page_is_built_and_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = {path.name: path.read_text("utf-8") for path in site.glob("*.html")}
    assert {path.with_suffix(".html").name for path in DOCS.glob("*.md")} <= set(pages)
    assert [name for name, page in pages.items() if LOADED.search(page)] == []


def test_every_error_says_what_to_do() -> None:
    rows = [line.split(" | ") for line in text("troubleshooting.md").splitlines() if line.startswith("| `")]
    named = {tuple(row[:4]) for row in rows if len(row) == 5 and row[4] != " |"}
    expected = {
        (f"| `{row.type.rpartition('/')[2]}`", f"`{error.__name__}`", str(row.status), row.title)
        for error, row in TABLE.items()
    }
    assert named == expected
    others = {row[0].strip("| `") for row in rows if len(row) == 3}
    assert others == below(client.ClientError) | below(supervision.SupervisionError)


def test_every_method_has_a_row_and_a_section() -> None:
    methods = text("methods.md")
    sections = {line.removeprefix("## ") for line in methods.splitlines() if line.startswith("## ")}
    assert set(METHODS) <= sections
    assert [name for name in METHODS if f"\n| `{name}` |" not in methods] == []


def test_what_methods_take_is_what_was_measured() -> None:
    measured = re.findall(r"^\| `(\w+)` \|.* \| ([\d.]+)-([\d.]+) \|$", text("methods.md"), re.M)
    assert {name: (float(least), float(most)) for name, least, most in measured} == MEASURED_SECONDS
    assert set(MEASURED_SECONDS) == set(METHODS)


def test_every_field_of_a_request_is_explained() -> None:
    fields = {*InputSpec.model_fields, *UnmixSpec.model_fields, *SeparationSpec.model_fields}
    explained = "".join(line for name in ("input.md", "mixtures.md") for line in text(name).splitlines())
    explained += (REPOSITORY / "README.md").read_text("utf-8")
    assert [name for name in sorted(fields) if f"`{name}`" not in explained] == []
