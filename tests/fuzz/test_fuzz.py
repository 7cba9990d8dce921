"""Mutated files of every format: accepted or refused in our own words, without a crash, a hang or a lot of memory.

``UNMIX_FUZZ_INPUTS=20000`` reads so many of each in the place of 100.
"""

import os
import shutil
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from tests.fuzz.readers import fuzz, mutation, read
from tests.fuzz.specimens import Specimen, specimens
from unmixing.io.formats.spectra.spectrum import Content
from unmixing.io.formats.spectra.table import SPECTRUM_FORMATS, spectrum_format
from unmixing.io.formats.table import FORMATS, format_of

INPUTS = int(os.environ.get("UNMIX_FUZZ_INPUTS", "100"))

pytestmark = pytest.mark.timeout(300 + INPUTS)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Specimen]:
    return specimens(tmp_path_factory.mktemp("specimens"))


def test_every_format_has_a_specimen(found: dict[str, Specimen], tmp_path: Path) -> None:
    seen = set()
    for number, specimen in enumerate(found.values()):
        for place, content in specimen.files.items():
            path = tmp_path / str(number) / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            seen.add(id(spectrum_format(Content(path.name, content))))
            if zipfile.is_zipfile(path):
                shutil.unpack_archive(path, path.parent / "unpacked", "zip")
    for path in tmp_path.rglob("*"):
        with suppress(IsADirectoryError):
            seen.add(id(format_of(path)))
    missing = [row.label for row in (*FORMATS, *SPECTRUM_FORMATS) if id(row) not in seen]
    assert missing == [], "give them a specimen in tests/fuzz/specimens.py"


def test_every_specimen_is_accepted_unchanged(
    found: dict[str, Specimen], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.fuzz.readers.mutated", lambda content, other, rng: content)
    refused = {name for name, specimen in found.items() if read(specimen, name, 0, tmp_path / "upload") != "accepted"}
    assert refused == set()


def test_mutations_are_the_same_again_and_differ(found: dict[str, Specimen]) -> None:
    specimen = found["scene npz"]
    made = [mutation(specimen, "scene npz", number) for number in range(20)]
    assert made == [mutation(specimen, "scene npz", number) for number in range(20)]
    assert len({str(files) for files in made}) > 15


# A number that overflows becomes infinite and is refused as that; only here would the warning be an error.
@pytest.mark.filterwarnings("default:overflow encountered:RuntimeWarning")
def test_mutated_uploads(found: dict[str, Specimen]) -> None:
    bad = {name: findings for name, specimen in found.items() if (findings := fuzz(specimen, name, INPUTS)).n_bad}
    assert bad == {}
