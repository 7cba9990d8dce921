"""The types of results and inspections say what real documents hold, all of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel

from model_store.models import model_id
from tests.conftest import small_scene
from tests.io.scene_files import write_envi
from unmixing.io.apply.inspecting import inspect_input
from unmixing.io.apply.run import run_task
from unmixing.io.inputs.tasks import Request, checked_task
from unmixing.io.products.schemas.inputs import InspectedImage, InspectedMixtures
from unmixing.io.products.schemas.results import ImageResultDocument, MixturesResultDocument
from unmixing.methods import METHODS, Method
from unmixing.progress import silent
from unmixing.types import Compute, TrainedModel

SHORT = {"max_training_seconds": "0.5"}
THREE = {"n_endmembers": "3"}


@pytest.fixture
def scene(tmp_path: Path) -> list[Path]:
    """An image with wavelengths, a place and a bad band, so that few fields are null."""
    return write_envi(
        tmp_path,
        small_scene(),
        wavelength="{" + ", ".join(str(400 + 10 * band) for band in range(30)) + "}",
        wavelength_units="Nanometers",
        bbl="{0, " + ", ".join("1" * 29) + "}",
        map_info="{UTM, 1, 1, 500000, 4200000, 30, 30, 33, North, WGS-84}",
    )


@pytest.fixture
def mixtures(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    path = tmp_path / "mixtures.npy"
    np.save(path, rng.random((60, 2)) @ rng.random((2, 12)))
    return [path]


def request_for(files: list[Path], model: TrainedModel | None = None, /, **fields: str) -> Request:
    return Request(files, fields, {}, model)


def document_of(request: Request, folder: Path) -> tuple[dict[str, Any], tuple[TrainedModel, ...]]:
    """The document as it is stored, read again, and the models."""
    folder.mkdir()
    done = run_task(checked_task(request), folder, Compute(), silent, model_id)
    return json.loads(json.dumps(done.document)), done.models


def require_described(document: Mapping[str, Any], schema: type[BaseModel]) -> None:
    """All that stands in the document comes back from its type: a field that the type lacks would not."""
    assert schema.model_validate(document).model_dump(mode="json", exclude_unset=True) == document


def defaults(row: Method) -> dict[str, Any]:
    """The settings that the table names for a method."""
    assert row.own_spec is not None
    return row.own_spec().model_dump(mode="json")


@pytest.mark.parametrize("method", ["nmf", "vca_fcls", "cnnaeu", "dnmf"])
def test_an_image(scene: list[Path], tmp_path: Path, method: str) -> None:
    document, _ = document_of(request_for(scene, method=method, **THREE, **SHORT), tmp_path / "out")
    require_described(document, ImageResultDocument)
    row = METHODS[method]
    assert ("uncertainty.tif" in document["assets"]) == row.knows_uncertainty
    if row.trains:
        assert document["provenance"]["spec"]["network"] == defaults(row)


def test_an_image_whose_endmembers_are_counted_and_named(scene: list[Path], tmp_path: Path) -> None:
    library = tmp_path / "library.csv"
    spectra = small_scene()[0, 0], small_scene()[0, 4]
    lines = [f"{400 + 10 * band},{spectra[0][band]},{spectra[1][band]}" for band in range(30)]
    library.write_text("\n".join(["wavelength,red clay,grass", *lines]))
    request = Request(scene, {"method": "vca_fcls"}, {"library": [library]})
    document, _ = document_of(request, tmp_path / "out")
    assert {"library_matches", "library_margins", "n_endmembers_reason"} <= set(document["metrics"])
    require_described(document, ImageResultDocument)


def test_a_trained_model_applied_and_a_comparison_with_it(scene: list[Path], tmp_path: Path) -> None:
    fields = {"method": "lpalm,nmf", **THREE, **SHORT}
    compared, models = document_of(request_for(scene, **fields), tmp_path / "compared")
    assert len(compared["comparison"]["answers"]) == 2
    assert models[0].manifest.network == defaults(METHODS["lpalm"])
    assert METHODS["lpalm"].knows_uncertainty
    assert "lpalm-uncertainty.tif" in compared["assets"]
    require_described(compared, ImageResultDocument)
    applied, _ = document_of(request_for(scene, models[0]), tmp_path / "applied")
    require_described(applied, ImageResultDocument)


@pytest.mark.parametrize("method", ["nmf", "palm"])
def test_mixtures(mixtures: list[Path], tmp_path: Path, method: str) -> None:
    document, _ = document_of(request_for(mixtures, method=method, n_sources="2"), tmp_path / "out")
    require_described(document, MixturesResultDocument)


def test_mixtures_with_a_model(mixtures: list[Path], tmp_path: Path) -> None:
    trained, models = document_of(request_for(mixtures, n_sources="2", **SHORT), tmp_path / "trained")
    require_described(trained, MixturesResultDocument)
    applied, _ = document_of(request_for(mixtures, models[0], kind="mixtures"), tmp_path / "applied")
    require_described(applied, MixturesResultDocument)


def test_inspections(scene: list[Path], mixtures: list[Path], tmp_path: Path) -> None:
    require_described(inspect_input(request_for(scene)).document["input"], InspectedImage)
    require_described(inspect_input(request_for(mixtures, kind="mixtures")).document["input"], InspectedMixtures)
    table = tmp_path / "mixtures.csv"
    table.write_text("a,b\n1,2\n3,4\n5,6\n")
    require_described(inspect_input(request_for([table])).document["input"], InspectedMixtures)
    arrays = tmp_path / "arrays.npz"
    np.savez(arrays, Y=small_scene(), S_GT=np.ones((20, 20, 3)))
    inspected = inspect_input(request_for([arrays])).document["input"]
    assert [passed["name"] for passed in inspected["passed_over"]] == ["S_GT"]
    require_described(inspected, InspectedImage)


def test_a_field_that_no_type_has_is_noticed(scene: list[Path]) -> None:
    document = inspect_input(request_for(scene)).document["input"]
    with pytest.raises(AssertionError):
        require_described({**document, "colour": "red"}, InspectedImage)
