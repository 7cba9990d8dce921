"""Whoever runs ``model.onnx`` needs ``sample`` and ``pixels`` alone; ``layers`` saves looking at the sample again."""

import re

import numpy as np
import onnxruntime
import pytest

from tests.conftest import REPOSITORY
from tests.laws.test_baseline_network_laws import N_BANDS, disturbed, library, networks, pixels
from tests.laws.test_method_laws import answer, make_scene
from unmixing.inference.runtime import ModelRunner
from unmixing.networks.export.graph import UnmixingGraph
from unmixing.networks.export.onnx import export_onnx
from unmixing.networks.lpalm import LPALM
from unmixing.types import Compute

OUTPUTS = ["endmembers", "abundances", "brightness"]


def network(name):
    if name == "lpalm":
        return LPALM(library(), np.ones(len(library())), np.eye(N_BANDS), 3)
    return networks()[name]


@pytest.fixture(scope="module", params=["lpalm", *sorted(networks())])
def model(request):
    return export_onnx(UnmixingGraph(disturbed(network(request.param)), np.arange(N_BANDS), 2.0), pixels(20))


@pytest.fixture
def session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options)


def test_every_model_has_the_same_inputs_and_outputs(session):
    assert [entry.name for entry in session.get_inputs()] == ["sample", "pixels"]
    assert [entry.shape[1] for entry in session.get_inputs()] == [N_BANDS, N_BANDS]
    [layers] = session.get_overridable_initializers()
    assert layers.name == "layers"
    assert [entry.name for entry in session.get_outputs()] == [*OUTPUTS, "layers_of_sample"]
    assert session.get_outputs()[3].shape == layers.shape


def test_without_layers_and_with_zeros_the_answer_is_the_runtimes(model, session):
    sample, image = pixels(150), pixels(301)
    expected = ModelRunner(model, Compute()).run(sample, image)
    [layers] = session.get_overridable_initializers()
    for given in ({}, {"layers": np.zeros(layers.shape, np.float32)}):
        found = session.run(OUTPUTS, {"sample": sample, "pixels": image, **given})
        for name, values in zip(OUTPUTS, found, strict=True):
            np.testing.assert_allclose(values, getattr(expected, name), rtol=1e-5, atol=1e-6)


def test_with_layers_the_sample_is_not_looked_at(session):
    sample, image = pixels(150), pixels(301)
    *expected, layers = session.run([*OUTPUTS, "layers_of_sample"], {"sample": sample, "pixels": image})
    spoiled = np.full_like(sample[:1], np.nan)
    found = session.run(OUTPUTS, {"sample": spoiled, "pixels": image, "layers": layers})
    for values, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(values, right, rtol=1e-5, atol=1e-6)


def test_the_example_of_the_documentation_runs(tmp_path, monkeypatch):
    scene = make_scene()[0]
    result = answer(scene, "lpalm")
    (tmp_path / "model.onnx").write_bytes(result.model.onnx)
    np.save(tmp_path / "scene.npy", scene)
    text = (REPOSITORY / "docs" / "results.md").read_text("utf-8")
    [example] = [code for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "onnxruntime" in code]
    monkeypatch.chdir(tmp_path)
    variables: dict[str, np.ndarray] = {}
    exec(example, variables)
    np.testing.assert_allclose(variables["abundances"], result.abundances, atol=1e-4)
    np.testing.assert_allclose(variables["brightness"], result.brightness, rtol=1e-3)
