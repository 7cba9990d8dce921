"""``--endmembers``: spectra from a file that are kept, over the command line and through the service."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import N_BANDS, Command
from tests.cli.test_run import assert_one_line_error
from tests.io.spectrum_files import ecostress
from unmixing_client import UnmixClient

WAVELENGTHS_NM = 400.0 + 1000.0 * np.linspace(0.0, 1.0, N_BANDS)


@pytest.fixture
def known(unmix: Command, tiny: Path) -> np.ndarray:
    """The true spectra; the first of them stands in ``known.csv``, in the folder of the command."""
    with np.load(tiny) as scene:
        endmembers: np.ndarray = scene["endmembers"]
    write(endmembers[:1], ["left"])
    return endmembers


def write(spectra: np.ndarray, names: Sequence[str], path: str = "known.csv") -> None:
    table = np.column_stack([WAVELENGTHS_NM, spectra.T])
    np.savetxt(path, table, delimiter=",", header=",".join(["wavelength_nm", *names]), comments="", fmt="%.17g")


def test_a_run_keeps_what_the_file_holds_and_every_product_says_so(
    unmix: Command, tiny: Path, known: np.ndarray
) -> None:
    result = unmix("run", tiny, "-p", "3", "--method", "palm", "--endmembers", "known.csv", "-o", "out")
    assert result.exit_code == 0, result.output
    assert "left (given), endmember 2, endmember 3" in result.output
    document = json.loads(Path("out/result.json").read_text())
    endmembers = document["endmembers"]
    assert endmembers["given"] == [True, False, False]
    assert endmembers["names"] == ["left", "endmember 2", "endmember 3"]
    np.testing.assert_array_equal(np.float32(endmembers["values"][0]), np.float32(known[0]))
    assert endmembers["norms"][0] == pytest.approx(np.linalg.norm(known[0]), rel=1e-6)
    assert list(document["provenance"]["inputs"]["endmembers"]) == ["known.csv"]
    with Path("out/endmembers.csv").open() as file:
        header, *rows = csv.reader(file)
    assert header == ["wavelength_nm", "left", "endmember 2", "endmember 3"]
    np.testing.assert_array_equal(np.array([row[1] for row in rows], dtype=np.float32), np.float32(known[0]))


def test_the_table_of_one_run_can_be_given_to_the_next(unmix: Command, tiny: Path) -> None:
    assert unmix("run", tiny, "-p", "3", "--method", "vca_fcls", "--bad-bands", "3", "-o", "first").exit_code == 0
    again = ("--bad-bands", "3", "--endmembers", "first/endmembers.csv")
    result = unmix("run", tiny, "-p", "3", "--method", "vca_fcls", *again, "-o", "second")
    assert result.exit_code == 0, result.output
    first, second = (json.loads(Path(f"{name}/result.json").read_text())["endmembers"] for name in ("first", "second"))
    assert (second["names"], second["given"]) == (first["names"], [True] * 3)
    np.testing.assert_allclose(
        np.array(second["values"], dtype=float), np.array(first["values"], dtype=float), rtol=1e-7
    )


def test_a_library_names_the_others_beside_them(unmix: Command, tiny: Path, known: np.ndarray) -> None:
    write(known, ["other", "middle", "right"], "library.csv")
    files = ("--endmembers", "known.csv", "--library", "library.csv")
    assert unmix("run", tiny, "-p", "3", "--method", "vca_fcls", *files, "-o", "out").exit_code == 0
    names = json.loads(Path("out/result.json").read_text())["endmembers"]["names"]
    assert names[0] == "left"
    assert sorted(names[1:]) == ["middle", "right"]


@pytest.mark.usefixtures("known")
def test_a_comparison_keeps_them_in_every_answer(unmix: Command, tiny: Path) -> None:
    methods = ("--method", "vca_fcls,cnnaeu,nmf")
    result = unmix("run", tiny, "-p", "3", *methods, "--endmembers", "known.csv", "-o", "out")
    assert result.exit_code == 0, result.output
    comparison = json.loads(Path("out/result.json").read_text())["comparison"]
    assert "cnnaeu cannot keep" in comparison["failures"]["cnnaeu"]
    assert [answer["endmembers"]["given"] for answer in comparison["answers"]] == [[True, False, False]] * 2


@pytest.mark.usefixtures("known")
def test_what_cannot_be_kept_is_refused_in_one_line(unmix: Command, tiny: Path) -> None:
    given = ("--endmembers", "known.csv")
    assert_one_line_error(unmix("run", tiny, "--method", "nalmu", *given), "nalmu cannot keep", "lpalm")
    assert_one_line_error(unmix("run", tiny, "--endmembers", "absent.csv"), "absent.csv: no such file")
    Path("mixtures.csv").write_text("1,2,3\n2,3,4\n3,1,2\n1,1,5\n")
    assert_one_line_error(unmix("run", "mixtures.csv", "-s", "2", *given), "read as mixtures")


@pytest.mark.usefixtures("known")
def test_submit_sends_the_file_in_a_field_of_its_own(
    unmix: Command, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[object] = []

    def submit(client: UnmixClient, scene: object, fields: object, files: object, progress: object) -> None:
        sent.append(files)
        raise KeyboardInterrupt

    monkeypatch.setattr(UnmixClient, "submit", submit)
    unmix("submit", tiny, "-p", "3", "--endmembers", "known.csv")
    assert sent == [{"endmembers": [Path("known.csv")]}]


def test_field_spectra_are_given_as_several_files(unmix: Command, tiny: Path, known: np.ndarray) -> None:
    spectrum_um = [float(each) for each in WAVELENGTHS_NM / 1000]
    for name, spectrum in zip(("left", "right"), known, strict=False):
        Path(f"{name}.spectrum.txt").write_bytes(ecostress(spectrum_um, [100 * float(each) for each in spectrum], name))
    files = ["--endmembers", "left.spectrum.txt", "--endmembers", "right.spectrum.txt"]
    result = unmix("run", tiny, "-p", "3", "--method", "nmf", *files, "-o", "out")
    assert result.exit_code == 0, result.output
    document = json.loads(Path("out/result.json").read_text())
    assert document["endmembers"]["names"] == ["left", "right", "endmember 3"]
    np.testing.assert_allclose(document["endmembers"]["values"][:2], known[:2], atol=2e-6)
