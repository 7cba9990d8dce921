"""A stored model as a STAC item, read with pystac's extension for models."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import onnxruntime
import pystac
import pytest
from pystac.extensions.mlm import MLMExtension

from model_store.models import ModelStore
from tests.conftest import small_scene, stored_model
from tests.io.stac_checks import require_valid
from unmixing import unmix
from unmixing.io.products.stac.models import model_item
from unmixing.manifest import MODEL_MEDIA_TYPE
from unmixing.specs import InputSpec, UnmixSpec
from unmixing.types import TrainedModel


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    wavelengths = tuple(400.0 + 10 * band for band in range(30))
    spec = UnmixSpec(method="lista", n_endmembers=3, max_training_seconds=0.01)
    made = unmix(small_scene(), spec, input=InputSpec(wavelengths=wavelengths, bad_bands="0,29")).model
    assert made is not None
    return made


def test_inputs_and_outputs_are_those_of_the_network(model: TrainedModel) -> None:
    document = model_item(model.manifest, "a" * 32, datetime(2026, 1, 2, tzinfo=UTC), "./model.onnx")
    require_valid(document)
    item = pystac.Item.from_dict(document)
    described = MLMExtension.ext(item)
    session = onnxruntime.InferenceSession(model.onnx)
    shapes = {entry.name: entry.shape for entry in [*session.get_inputs(), *session.get_outputs()]}
    structures: dict[str, Any] = {said.name: said.input for said in described.input}
    structures |= {said.name: said.result for said in described.output}
    for name, structure in structures.items():
        expected = [size if isinstance(size, int) else -1 for size in shapes[name]]
        assert (structure.shape, structure.data_type) == (expected, "float32")
        assert len(structure.dim_order) == len(expected)
    assert {said.name for said in described.input} == {entry.name for entry in session.get_inputs()}
    assert {said.name for said in described.output} == {entry.name for entry in session.get_outputs()} - {
        "layers_of_sample"
    }


def test_bands_and_training_are_told(model: TrainedModel) -> None:
    document = model_item(model.manifest, "a" * 32, datetime(2026, 1, 2, tzinfo=UTC), "./model.onnx")
    properties = document["properties"]
    assert [band["name"] for band in properties["bands"]] == properties["mlm:input"][0]["bands"]
    assert [band.get("description") for band in properties["bands"]].count("not looked at") == 2
    assert properties["bands"][1]["eo:center_wavelength"] == 0.41
    assert (properties["mlm:framework"], properties["mlm:accelerator"]) == ("ONNX", None)
    assert properties["mlm:tasks"] == ["regression"]
    assert properties["mlm:hyperparameters"]["n_layers"] == model.manifest.network["n_layers"]
    assert (document["geometry"], "bbox" in document) == (None, False)


def test_the_folder_of_a_stored_model_has_its_item(tmp_path: Path) -> None:
    identifier = ModelStore(tmp_path).register(stored_model())
    document = json.loads((tmp_path / identifier / "item.json").read_text())
    require_valid(document)
    (asset,) = pystac.Item.from_file(str(tmp_path / identifier / "item.json")).assets.values()
    assert Path(asset.get_absolute_href() or "") == tmp_path / identifier / "model.onnx"
    assert (asset.media_type, asset.roles) == (MODEL_MEDIA_TYPE, ["mlm:model"])
