"""Spectral libraries from files: ENVI's, tables, and single spectra of field and laboratory instruments."""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from unmixing.errors import LibraryFormatError, LibraryMismatchError, SceneFormatError
from unmixing.io.formats.archives import open_archive
from unmixing.io.formats.detection import choose_scene
from unmixing.io.formats.envi_pairs import with_partner
from unmixing.io.formats.spectra.envi_libraries import read_envi_library
from unmixing.io.formats.spectra.spectrum import MAX_NAME_LENGTH, Content, Spectrum
from unmixing.io.formats.spectra.table import LISTED, spectrum_format
from unmixing.io.formats.table import ENVI, ZIP, format_of
from unmixing.io.inputs.uploads import is_clutter
from unmixing.naming import resampled
from unmixing.types import Float64, SpectralLibrary

MAX_BYTES = 64 * 2**20
"""Libraries are read whole; the largest public ones, resampled to a sensor, have a few MiB."""

MAX_MEMBERS = 10_000
"""Of a zip file of spectra."""

MAX_VALUES = 16 * 2**20
"""Of a library of spectra that were measured at different wavelengths, on all of them."""

ANCILLARY = (".ancillary.txt",)
"""Endings of texts that ECOSTRESS adds to its spectra."""


def read_library(paths: Sequence[Path]) -> SpectralLibrary:
    """The library in files of spectra, in a zip file of such, or in an ENVI header and its binary (one is enough when
    the other lies beside it).

    All formats of SPECTRUM_FORMATS may be mixed. Spectra of different wavelengths are put on all wavelengths together,
    linearly, which loses nothing; NaN where one says nothing. Without a stated unit, wavelengths below 100 are
    micrometres. Raises LibraryFormatError.
    """
    files = [Path(path) for path in paths]
    for path in files:
        if not path.is_file():
            raise LibraryFormatError(f"{path.name} is not a file")
        if path.stat().st_size > MAX_BYTES:
            raise LibraryFormatError(f"{path.name} has {path.stat().st_size} bytes; a library may have {MAX_BYTES}")
    shown = files[0].name if len(files) == 1 else f"{len(files)} files"
    try:
        contents = list(_contents(files))
        pair = [] if all(spectrum_format(content) for content in contents) else with_partner(files)
        is_envi = any(format_of(path) is ENVI for path in pair)
        return _library(shown, read_envi_library(_envi_pair(pair)) if is_envi else _spectra(contents))
    except (SceneFormatError, LibraryMismatchError) as error:
        raise LibraryFormatError(f"no spectral library: {error}") from error


def known_library(
    source: SpectralLibrary | str | Path | Sequence[str | Path] | None,
) -> SpectralLibrary | None:
    """A library as it is, or from the path or paths of its files. Raises LibraryFormatError."""
    if source is None or isinstance(source, SpectralLibrary):
        return source
    return read_library([Path(source)] if isinstance(source, str | Path) else [Path(path) for path in source])


def _envi_pair(files: Sequence[Path]) -> list[Path]:
    pair = choose_scene(files)
    if len(pair) != 2:
        raise LibraryFormatError(f"{pair[0].name} is no ENVI binary")
    return pair


def _contents(files: Sequence[Path]) -> Iterator[Content]:
    """The files, and in the place of a zip file its members. Raises SceneFormatError, LibraryFormatError."""
    for path in files:
        if format_of(path) is ZIP:
            yield from _members(path)
        else:
            yield Content(path.name, path.read_bytes())


def _members(path: Path) -> Iterator[Content]:
    with open_archive(path) as archive:
        places = {info: PurePosixPath(info.filename) for info in archive.infolist() if not info.is_dir()}
        wanted = [info for info, place in places.items() if not is_clutter(place)]
        wanted = [info for info in wanted if not info.filename.lower().endswith(ANCILLARY)]
        total = sum(info.file_size for info in wanted)
        if len(wanted) > MAX_MEMBERS or total > MAX_BYTES:
            raise LibraryFormatError(
                f"{path.name} unpacks to {len(wanted)} files and {total} bytes; a library may have {MAX_MEMBERS} files "
                f"and {MAX_BYTES} bytes"
            )
        for info in wanted:
            if info.flag_bits & 0x1:
                raise LibraryFormatError(f"{path.name}: the member {info.filename!r} needs a password")
            yield Content(places[info].name, archive.read(info))


def _spectra(contents: Sequence[Content]) -> list[Spectrum]:
    """All spectra, those of one format together."""
    if not contents:
        raise LibraryFormatError("no file of spectra is there")
    formats = [spectrum_format(content) for content in contents]
    for content, found in zip(contents, formats, strict=True):
        if found is None:
            raise LibraryFormatError(
                f"{content.name} is no spectral library: give {LISTED}, one or several or a zip file of them, or an "
                "ENVI .sli with its .hdr"
            )
    spectra: list[Spectrum] = []
    for row in dict.fromkeys(found for found in formats if found is not None):
        of_row = [content for content, found in zip(contents, formats, strict=True) if found is row]
        spectra += row.read(of_row)
    if not spectra:
        raise LibraryFormatError(f"{contents[0].name} names no spectrum: its values are wavelengths or widths of bands")
    return spectra


def _library(shown: str, spectra: Sequence[Spectrum]) -> SpectralLibrary:
    """Checked once for all formats. shown: the file or files in words."""
    for spectrum in spectra:
        _require_sound(shown if spectrum.file in shown else spectrum.file, spectrum)
    names = [" ".join(spectrum.name.split()) or f"spectrum {index}" for index, spectrum in enumerate(spectra, start=1)]
    wavelengths, values = _on_one_axis(shown, spectra)
    return SpectralLibrary(tuple(names), wavelengths, values)


def _require_sound(file: str, spectrum: Spectrum) -> None:
    name, values = " ".join(spectrum.name.split()), spectrum.values
    if values.size < 2:
        raise LibraryFormatError(f"{file}: a spectrum needs at least 2 bands, these have {values.size}")
    if len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise LibraryFormatError(f"{file}: the name {name[:40]!r} is too long or not printable")
    if np.isinf(values).any() or not np.isfinite(values).any():
        band = int(np.flatnonzero(~np.isfinite(values))[0])
        raise LibraryFormatError(f"{file}: the spectrum {name!r} is not finite (band {band} from 0 is {values[band]})")


def _on_one_axis(shown: str, spectra: Sequence[Spectrum]) -> tuple[Float64 | None, Float64]:
    """The wavelengths of a library, and its spectra at these, (n_spectra, n_wavelengths)."""
    axes = [spectrum.wavelengths_nm for spectrum in spectra]
    first = axes[0]
    if all(_equal(first, axis) for axis in axes[1:]) and len({spectrum.values.size for spectrum in spectra}) == 1:
        return first, np.stack([spectrum.values for spectrum in spectra])
    known = [axis for axis in axes if axis is not None]
    if len(known) < len(axes):
        raise LibraryFormatError(f"{shown}: {len(axes) - len(known)} of {len(axes)} spectra have no wavelengths")
    union = np.unique(np.concatenate(known))
    if union.size * len(spectra) > MAX_VALUES:
        raise LibraryFormatError(
            f"{shown} has {len(spectra)} spectra at {union.size} different wavelengths together; give fewer at a time"
        )
    alone = [SpectralLibrary((each.name,), each.wavelengths_nm, each.values[None]) for each in spectra]
    return union, np.concatenate([resampled(each, union, union.size) for each in alone])


def _equal(one: Float64 | None, other: Float64 | None) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other)
