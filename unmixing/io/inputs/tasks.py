"""From files and what was said about them to a task whose parts fit together: everything is checked once, here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from unmixing.errors import SpecError
from unmixing.inference.given import refuse_given, require_givable
from unmixing.inference.model_fit import require_fit
from unmixing.io.formats.detection import choose_scene
from unmixing.io.inputs.checks import check_scene
from unmixing.io.inputs.correction_files import CORRECTIONS, input_spec
from unmixing.io.inputs.digests import Digests
from unmixing.io.inputs.input_kind import InputKind, decide_kind
from unmixing.io.inputs.libraries import read_library
from unmixing.io.inputs.mixtures import choose_mixtures, read_mixing_library, read_mixtures
from unmixing.io.inputs.requests import MIXTURE_FIELDS, image_spec, mixtures_spec
from unmixing.io.inputs.scenes import open_scene
from unmixing.methods import chosen_methods, require_keeps_given
from unmixing.mixtures.checks import check_separation
from unmixing.mixtures.specs import SeparationSpec
from unmixing.naming import require_match
from unmixing.specs import InputSpec, UnmixSpec
from unmixing.types import SpectralLibrary, TrainedModel

LIBRARY, ENDMEMBERS, MIXING_LIBRARY = "library", "endmembers", "mixing_library"
LIBRARIES = (LIBRARY, ENDMEMBERS, MIXING_LIBRARY)
"""The fields that hold files beside the input itself: spectra that name what is found, spectra that are known to be in
the image, and example mixing matrices."""


@dataclass(frozen=True)
class Request:
    """An upload as it came. fields: as text, see ``FIELDS``. libraries: files by field, see ``LIBRARIES`` and
    ``CORRECTIONS``. max_training_seconds: the limit when the fields name none."""

    files: Sequence[Path]
    fields: Mapping[str, str]
    libraries: Mapping[str, Sequence[Path]]
    model: TrainedModel | None = None
    scratch: Path | None = None
    max_training_seconds: float | None = None


@dataclass(frozen=True)
class UnmixingTask:
    """A validated task: a spec and the files it is for.

    paths: those of the input, without what else was uploaded. input: corrections to how they are read. digests: of the
    files as they came, where they are known already.
    """

    paths: Sequence[Path]
    spec: UnmixSpec | SeparationSpec
    input: InputSpec = field(default_factory=InputSpec)
    model: TrainedModel | None = None
    libraries: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    kind_decided_by: str = "default"
    scratch: Path | None = None
    digests: Digests | None = None


def checked_task(request: Request) -> UnmixingTask:
    """Read the header, and of the content just enough to see that the work can be done. Raises UnmixingError."""
    kind, decided_by, asked = asked_input(request)
    spec, paths = _image(request, asked) if kind is InputKind.IMAGE else _mixtures(request, asked)
    libraries = {field: files for field, files in request.libraries.items() if field in LIBRARIES}
    return UnmixingTask(paths, spec, asked, request.model, libraries, decided_by, request.scratch)


def asked_input(request: Request) -> tuple[InputKind, str, InputSpec]:
    """How the input of a request is read: its kind, the reason for that, and the corrections. Raises SpecError."""
    given = {name for name in MIXTURE_FIELDS if request.fields.get(name)}
    given |= {MIXING_LIBRARY} if request.libraries.get(MIXING_LIBRARY) else set()
    kind, decided_by = decide_kind(request.fields.get("kind"), request.model, given, request.files)
    asked = input_spec(request.fields, kind, {field: request.libraries.get(field, ()) for field in CORRECTIONS})
    return kind, decided_by, asked


def _image(request: Request, asked: InputSpec) -> tuple[UnmixSpec, list[Path]]:
    if request.libraries.get(MIXING_LIBRARY):
        raise SpecError("mixing_library is for a mixture matrix; this upload is read as image")
    model = request.model
    spec = image_spec(request.fields, model, request.max_training_seconds)
    given = _given_endmembers(request, spec)
    paths = choose_scene(request.files)
    with open_scene(paths, asked, scratch=request.scratch) as reader:
        if model is not None:
            require_fit(model, reader, spec.n_endmembers)
        if given is not None:
            require_givable(given, reader.wavelengths_nm, reader.shape[2], spec.n_endmembers)
        if files := request.libraries.get(LIBRARY):
            bad = reader.bad_bands
            used = np.ones(reader.shape[2], dtype=bool) if bad is None else ~bad
            require_match(read_library(files), reader.wavelengths_nm, used)
        check_scene(reader, spec.n_endmembers)
    return spec, paths


def _given_endmembers(request: Request, spec: UnmixSpec) -> SpectralLibrary | None:
    files = request.libraries.get(ENDMEMBERS)
    if not files:
        return None
    refuse_given(request.model is not None)
    require_keeps_given(chosen_methods(spec.method))
    return read_library(files)


def _mixtures(request: Request, asked: InputSpec) -> tuple[SeparationSpec, list[Path]]:
    if request.libraries.get(LIBRARY):
        raise SpecError("library names the endmembers of an image; this upload is read as mixtures")
    if request.libraries.get(ENDMEMBERS):
        raise SpecError("endmembers are those of an image; this upload is read as mixtures")
    paths = choose_mixtures(request.files)
    library = read_mixing_library(request.libraries.get(MIXING_LIBRARY, ()))
    n_sources = None if library is None else library.shape[1]
    spec = mixtures_spec(request.fields, request.model, request.max_training_seconds, n_sources)
    mixtures, _ = read_mixtures(paths, asked.variable)
    check_separation(mixtures, spec, library, request.model)
    return spec, paths
