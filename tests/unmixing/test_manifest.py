"""The manifest of a model, inside its ONNX file."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnx
import pytest

from tests.conftest import REPOSITORY
from tests.laws.test_method_laws import answer, make_scene
from unmixing import unmix
from unmixing.errors import ModelFormatError
from unmixing.inference.stored import read_model
from unmixing.manifest import METADATA_KEY
from unmixing.methods import METHODS
from unmixing.networks.export.metadata import with_manifest
from unmixing.specs import UnmixSpec


@pytest.fixture(scope="module")
def trained():
    return answer(make_scene()[0], "lista").model


@pytest.mark.parametrize("method", sorted(name for name, row in METHODS.items() if row.trains))
def test_the_bytes_alone_are_the_model(method):
    cube = make_scene()[0]
    result = unmix(cube, UnmixSpec(n_endmembers=3, method=method, seed=1, max_training_seconds=0.01))
    assert result.model is not None
    found = read_model(result.model.onnx)
    assert found == replace(result.model, seconds={})
    assert found.manifest.method == method
    assert found.manifest.request["seed"] == 1
    np.testing.assert_array_equal(unmix(cube, model=found).abundances, result.abundances)


def test_no_clock_is_in_the_bytes(trained):
    assert trained.seconds["training"] > 0
    assert "seconds" not in trained.manifest.metrics
    assert answer(make_scene()[0], "lista").model.onnx == trained.onnx


def test_names_change_in_the_bytes_and_nothing_else(trained):
    named = trained.manifest.model_copy(update={"endmember_names": ("tree", "water", "soil")})
    renamed = read_model(with_manifest(trained.onnx, named))
    assert renamed.manifest == named
    assert with_manifest(renamed.onnx, trained.manifest) == trained.onnx


def test_reading_a_model_imports_neither_torch_nor_onnx(trained, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(trained.onnx)
    code = (
        "import sys; from pathlib import Path; from unmixing.inference.stored import read_model; "
        "read_model(Path(sys.argv[1]).read_bytes()); print({'torch', 'onnx'} & set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "set()"


def test_a_model_of_others_is_refused(trained):
    with pytest.raises(ModelFormatError, match=r"other\.onnx is no ONNX model"):
        read_model(b"something else", "other.onnx")
    foreign = onnx.load_model_from_string(trained.onnx)
    del foreign.metadata_props[:]
    with pytest.raises(ModelFormatError, match="without a manifest"):
        read_model(foreign.SerializeToString())
    newer = trained.manifest.model_dump_json().replace('"format_version":2', '"format_version":3')
    onnx.helper.set_model_props(foreign, {METADATA_KEY: newer})
    with pytest.raises(ModelFormatError, match="format_version"):
        read_model(foreign.SerializeToString())
