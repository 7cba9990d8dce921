"""Spectra of field and laboratory instruments as libraries: units, names, white references, zips, what is refused."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.io.spectrum_files import asd, ecostress, sed, usgs, zipped
from unmixing.errors import LibraryFormatError
from unmixing.io.inputs import libraries
from unmixing.io.inputs.libraries import read_library
from unmixing.types import SpectralLibrary

UM = [0.4, 0.5, 0.6]
NM = [400.0, 500.0, 600.0]
VALUES = [0.1, 0.2, 0.4]
PERCENT = [10.0, 20.0, 40.0]
WAVES = (
    "splib07a_Wavelengths_ASD_0.35-2.5_microns_2151_ch.txt",
    usgs("Wavelengths ASD 0.35-2.5 microns 2151 ch", UM, 23),
)


def read(folder: Path, *files: tuple[str, bytes]) -> SpectralLibrary:
    paths = [folder / name for name, _ in files]
    for path, (_, data) in zip(paths, files, strict=True):
        path.write_bytes(data)
    return read_library(paths)


def assert_is(library: SpectralLibrary, name: str, values: Sequence[float] = VALUES) -> None:
    assert library.names == (name,)
    assert library.wavelengths_nm is not None
    order = np.argsort(library.wavelengths_nm)
    np.testing.assert_allclose(library.wavelengths_nm[order], NM, rtol=1e-6)
    np.testing.assert_allclose(library.spectra[0][order], values, rtol=1e-6)


def csv(*rows: str) -> bytes:
    return ("\ufeff" + "\n".join(rows) + "\n").encode()


COUNTS, WHITE = [100.0, 400.0, 1200.0], [1000.0, 2000.0, 3000.0]
GOOD: dict[str, tuple[list[tuple[str, bytes]], str]] = {
    "ecostress": ([("vegetation.tree.vswir.vh282.ucsb.asd.spectrum.txt", ecostress(UM, PERCENT))], "Quercus douglasii"),
    "ecostress, long wavelengths first": (
        [("a.spectrum.txt", ecostress(UM[::-1], PERCENT[::-1]))],
        "Quercus douglasii",
    ),
    "ecostress as a fraction in nm": (
        [("a.txt", ecostress(NM, VALUES, "sand", x_units="Wavelength (nanometers)", y_units="Reflectance (fraction)"))],
        "sand",
    ),
    "ecostress with rows of zeros": ([("a.txt", ecostress([*UM, 0.0], [*PERCENT, 0.0], "sand"))], "sand"),
    "asd reflectance": ([("s.asd", asd(COUNTS, WHITE, description="dry leaf", comment="site 3"))], "dry leaf"),
    "asd raw": ([("leaf_00001.asd", asd(COUNTS, WHITE, kind=0))], "leaf_00001"),
    "asd radiance, float": ([("s.asd", asd(COUNTS, WHITE, kind=2, number="f", comment="Sand, 3"))], "Sand, 3"),
    "asd of the first version": ([("s.000", asd(VALUES, version=b"ASD", number="f"))], "s"),
    "asd without a reference": ([("s.asd", asd(VALUES, None))], "s"),
    "sed": ([("x.sed", sed({"Wvl": NM, "Reflect. %": PERCENT}))], "19160B9_00001"),
    "sed of all columns": (
        [("x.sed", sed({"Wvl": NM, "Rad. (Ref.)": WHITE, "Rad. (Target)": COUNTS, "Reflect. %": PERCENT}, "wet sand"))],
        "wet sand",
    ),
    "sed as a fraction": ([("x.sed", sed({"Wvl": NM, "Reflect. [1.0]": VALUES}))], "19160B9_00001"),
    "sed of radiances": ([("x.sed", sed({"Wvl": NM, "Rad. (Ref.)": WHITE, "Rad. (Target)": COUNTS}))], "19160B9_00001"),
    "usgs": (
        [("splib07a_Actinolite_ASDFRb_AREF.txt", usgs("Actinolite HS116.1B   ASDFRb AREF", VALUES)), WAVES],
        "Actinolite HS116.1B",
    ),
    "usgs beside the widths": (
        [
            ("a.txt", usgs("Kaolinite CM5 ASDFRb AREF", VALUES)),
            WAVES,
            ("b.txt", usgs("Bandpass (FWHM) ASD", [1, 2, 3])),
        ],
        "Kaolinite CM5",
    ),
    "usgs, two spectrometers": (
        [
            ("a.txt", usgs("Kaolinite CM5 ASDFRb AREF", VALUES)),
            ("b.txt", usgs("Wavelengths BECK Beckman 0.2-3.0 microns", [0.2, 1.0, 3.0], 2)),
            WAVES,
        ],
        "Kaolinite CM5",
    ),
    "ecosis": ([("leaves.csv", csv("Latin Genus,Common Name,400,500,600", "Quercus,oak,0.1,0.2,0.4"))], "oak"),
    "ecosis in percent": (
        [
            (
                "leaves.csv",
                csv(
                    "Sample_ID,Measurement Quantity,Measurement Units,Wavelength Units,0.4,0.5,0.6",
                    "L7,Reflectance,%,um,10,20,40",
                ),
            )
        ],
        "L7",
    ),
}


@pytest.mark.parametrize("case", GOOD)
def test_each_layout_is_reflectance_in_nanometres_by_its_own_name(tmp_path: Path, case: str) -> None:
    files, name = GOOD[case]
    assert_is(read(tmp_path, *files), name)


def test_deleted_channels_and_a_white_reference_of_zero_are_no_values(tmp_path: Path) -> None:
    deleted = read(tmp_path, ("a.txt", usgs("Kaolinite CM5 ASDFRb AREF", [0.1, -1.23e34, 0.4])), WAVES)
    np.testing.assert_allclose(deleted.spectra, [[0.1, np.nan, 0.4]])
    dark = read(tmp_path, ("a.asd", asd(COUNTS, [1000.0, 0.0, 3000.0])))
    np.testing.assert_allclose(dark.spectra, [[0.1, np.nan, 0.4]])
    missing = read(tmp_path, ("a.csv", csv("id,site,400,500,600", "1,x,0.1,NA,0.4")))
    np.testing.assert_allclose(missing.spectra, [[0.1, np.nan, 0.4]])


def test_a_zip_of_several_formats_is_one_library_on_all_their_wavelengths(tmp_path: Path) -> None:
    files = {
        "lib/oak.spectrum.txt": ecostress(UM, PERCENT, "oak"),
        "lib/oak.ancillary.txt": b"Leaf water content: 0.5\n",
        "__MACOSX/lib/._oak.spectrum.txt": b"\0\0",
        "asd/sand.asd": asd([0.2, 0.4, 0.6], first_nm=450, step_nm=50, comment="sand"),
    }
    library = read(tmp_path, ("spectra.zip", zipped(files)))
    assert sorted(library.names) == ["oak", "sand"]
    assert library.wavelengths_nm is not None
    np.testing.assert_allclose(library.wavelengths_nm, [400, 450, 500, 550, 600])
    by_name = dict(zip(library.names, library.spectra, strict=True))
    np.testing.assert_allclose(by_name["oak"], [0.1, 0.15, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(by_name["sand"], [np.nan, 0.2, 0.4, 0.6, np.nan])


BAD: dict[str, tuple[list[tuple[str, bytes]], str]] = {
    "ecostress of transmittance": (
        [("a.txt", ecostress(UM, VALUES, y_units="Transmittance (percent)"))],
        "a.txt holds transmittance",
    ),
    "ecostress cut off": ([("a.txt", ecostress(UM, VALUES, count="2151"))], "has 3 values, its header says 2151"),
    "ecostress without values": ([("a.txt", ecostress(UM, VALUES).partition(b"\n\n")[0])], "a.txt has no value"),
    "ecostress of another unit": ([("a.txt", ecostress(UM, VALUES, x_units="Wavelength (furlongs)"))], "furlongs"),
    "ecostress with words": ([("a.txt", ecostress(UM, VALUES) + b"0.7 high\n")], "'0.7 high' stands where numbers"),
    "asd of irradiance": ([("a.asd", asd(COUNTS, WHITE, kind=4))], "a.asd holds irradiance"),
    "asd of counts alone": ([("a.asd", asd(COUNTS, kind=0))], "raw counts up to 1200 without a white reference"),
    "asd of counts called reflectance": ([("a.asd", asd(COUNTS))], "reflectance up to 1200 without a white reference"),
    "asd cut off": ([("a.asd", asd(COUNTS, WHITE)[:500])], "has 500 bytes; 3 channels end at byte 508"),
    "asd without its reference": ([("a.asd", asd(COUNTS, WHITE)[:515])], "has 515 bytes and ends before its white"),
    "asd in part": ([("a.asd", asd(COUNTS, WHITE)[:100])], "has 100 bytes, the header of an .asd file has 484"),
    "asd of nothing": ([("a.asd", asd([]))], "0 channels from 400 nm"),
    "sed of transmittance": (
        [("a.sed", sed({"Wvl": NM, "Reflect. %": PERCENT}, measurement="TRANSMITTANCE"))],
        "transmittance",
    ),
    "sed without reflectance": (
        [("a.sed", sed({"Wvl": NM, "Rad. (Target)": VALUES}))],
        r"none is a reflectance, as 'Reflect. %'",
    ),
    "sed without wavelengths": ([("a.sed", sed({"Chan.#": NM, "Reflect. %": VALUES}))], "'Wvl' is missing"),
    "sed cut off": (
        [("a.sed", sed({"Wvl": NM, "Reflect. %": VALUES}, count=1024))],
        "has 3 values, its header says 1024",
    ),
    "sed without data": ([("a.sed", b"Comment: x\nVersion: 2.3\nInstrument: y\n")], "no line 'Data:'"),
    "sed of rows of two lengths": (
        [("a.sed", sed({"Wvl": NM, "Reflect. %": VALUES}) + b"700\n")],
        "has 1 numbers, 2 are expected",
    ),
    "usgs alone": (
        [("a.txt", usgs("Kaolinite CM5 ASDFRb AREF", VALUES))],
        "3 values without wavelengths, .* send both",
    ),
    "usgs with others": (
        [("a.txt", usgs("Kaolinite CM5 BECKb AREF", [*VALUES, 1.0])), WAVES],
        "microns_2151_ch.txt has 3",
    ),
    "usgs of transmittance": ([("a.txt", usgs("Water ASDFRb TRAN", VALUES)), WAVES], "a.txt holds transmittance"),
    "usgs, wavelengths alone": ([WAVES], "names no spectrum"),
    "usgs, wavelengths of others": (
        [("a.txt", usgs("Kaolinite CM5 NIC4aa AREF", VALUES)), ("b.txt", usgs("Wavelengths BECK", NM)), WAVES],
        "could have the wavelengths of b.txt, ",
    ),
    "ecosis of transmittance": (
        [("a.csv", csv("id,Measurement Quantity,400,500", "a,Transmittance,1,2"))],
        "transmittance",
    ),
    "ecosis of several units": (
        [("a.csv", csv("id,Wavelength Units,400,500", "a,nm,1,2", "b,um,1,2"))],
        "several units: nm, um",
    ),
    "a file of another kind": (
        [("a.asd", asd(VALUES)), ("notes.md", b"hello")],
        "notes.md is no spectral library: give ASD",
    ),
    "some without wavelengths": (
        [("a.asd", asd(VALUES)), ("b.csv", csv("band,x", "0,1", "1,2"))],
        "2 files: 1 of 2 spectra have no wavelengths",
    ),
    "an empty zip": ([("a.zip", zipped({}))], "no file of spectra"),
    "a zip cut off": ([("a.zip", zipped({"a.asd": asd(VALUES)})[:-30])], "truncated zip"),
    "a zip in a zip": ([("a.zip", zipped({"b.zip": zipped({"a.asd": asd(VALUES)})}))], "b.zip is no spectral library"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_reflectance_or_not_whole_is_refused_in_words(tmp_path: Path, case: str) -> None:
    files, words = BAD[case]
    with pytest.raises(LibraryFormatError, match=words):
        read(tmp_path, *files)


def test_a_zip_says_what_it_unpacks_to_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"a.asd": b"\0" * 2**20}))
    monkeypatch.setattr(libraries, "MAX_BYTES", 2**19)
    with pytest.raises(LibraryFormatError, match="unpacks to 1 files and 1048576 bytes"):
        read_library([tmp_path / "a.zip"])


def test_spectra_of_ever_other_wavelengths_end_somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "MAX_VALUES", 11)
    files = [(f"{index}.asd", asd(VALUES, first_nm=400 + index / 2)) for index in range(2)]
    with pytest.raises(LibraryFormatError, match="2 spectra at 6 different wavelengths"):
        read(tmp_path, *files)
