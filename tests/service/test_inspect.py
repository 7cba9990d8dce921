"""``POST /inspect``: how an input would be read, by the reader of ``POST /unmix``, and nothing is kept."""

import base64
import io
from typing import Any

import httpx
import matplotlib.image
import numpy as np
import pytest

from model_store.settings import Settings
from tests.conftest import npy, serving, small_scene
from tests.service import bombs
from tests.service.test_bad_input import assert_nothing_left, assert_problem
from tests.service.test_hostile_uploads import LIMITS, MIB
from worker.tasks import run_job


def scene() -> bytes:
    """20 x 20 pixels of 30 bands: four without any data, two zero, one with a gap; band 7 is constant."""
    cube = small_scene()
    cube[0, :4] = np.nan
    cube[1, :2] = 0.0
    cube[2, 0, 5] = np.nan
    cube[..., 7] = 0.25
    buffer = io.BytesIO()
    np.savez(buffer, cube=cube, wavelengths_nm=np.linspace(400, 980, 30))
    return buffer.getvalue()


def inspected(service: httpx.Client, content: bytes, name: str = "scene.npz", **fields: str) -> dict[str, Any]:
    answer = service.post("/inspect", data=fields, files={"file": (name, content)})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def test_bands_and_pixels_that_are_left_out_are_told_with_reasons(service: httpx.Client, settings: Settings) -> None:
    document = inspected(service, scene())
    read = document["input"]
    assert (read["kind"], read["format"], read["variable"]) == ("image", "npz", "cube")
    assert (read["rows"], read["columns"], read["bands"], read["bands_used"]) == (20, 20, 30, 29)
    assert read["wavelength_range_nm"] == [400, 980]
    assert [(band["index"], band["reason"]) for band in read["dropped_bands"]] == [(7, "constant (0.25)")]
    assert {masked["reason"]: masked["pixels"] for masked in read["masked_pixels"]} == {
        "no data in any used band": 4,
        "zero in all used bands": 2,
        "no data in some used bands": 1,
    }
    assert read["pixels_masked"] == 7
    assert 0 < read["lowest"] < read["highest"] < 1
    assert document["warnings"] == []
    assert document["false_colour_png"] is None
    assert_nothing_left(service, settings)


def with_fill() -> bytes:
    """20 x 20 pixels of 30 bands: four without any data, one with a gap, by a number that no header declares; and two
    of the last row without any."""
    cube = small_scene()
    cube[0, :4] = cube[2, 0, 5] = -9999
    cube[-1, :2] = np.nan
    return npy(cube)


def all_but_the_last_row() -> bytes:
    used = np.ones((20, 20), dtype=bool)
    used[-1] = False
    return npy(used)


def test_pixels_outside_the_mask_and_those_of_fill_values_are_told_apart(service: httpx.Client) -> None:
    files = {"file": ("scene.npy", with_fill()), "mask": ("mask.npy", all_but_the_last_row())}
    read = service.post("/inspect", files=files).json()["input"]
    assert read["fill_values"] == [{"value": -9999, "whole_spectrum": False}]
    assert {masked["reason"]: masked["pixels"] for masked in read["masked_pixels"]} == {
        "outside the mask": 20,
        "no data in any used band": 4,
        "no data in some used bands": 1,
    }
    assert (read["pixels_masked"], read["pixels_outside_mask"]) == (25, 20)
    assert 0 <= read["lowest"] < read["highest"] < 1


@pytest.mark.parametrize(
    "files",
    [
        {"file": ("scene.npz", scene())},
        {"file": ("scene.npy", with_fill()), "mask": ("mask.npy", all_but_the_last_row())},
    ],
)
def test_the_report_is_the_input_of_the_result(
    service: httpx.Client, settings: Settings, files: dict[str, tuple[str, bytes]]
) -> None:
    report = service.post("/inspect", files=files).json()["input"]
    fields = {"method": "vca_fcls", "n_endmembers": "3"}
    job_id = service.post("/unmix", data=fields, files=files).json()["jobID"]
    run_job(job_id, settings, on_lost=lambda: None)
    result = service.get(f"/jobs/{job_id}/results").json()["input"]
    assert {name: report[name] for name in result} == result


def test_corrections_count_and_warnings_come_along(service: httpx.Client) -> None:
    document = inspected(service, scene(), keep_bands="0-5", rows="10:15", scale="0.5")
    read = document["input"]
    assert (read["rows"], read["bands_used"], read["scale"]) == (5, 6, 0.5)
    assert [warning["code"] for warning in document["warnings"]] == ["few_bands"]


def test_the_picture_has_the_scene_s_size_and_greys_what_is_masked(service: httpx.Client) -> None:
    picture = inspected(service, scene(), picture="true")["false_colour_png"]
    pixels = matplotlib.image.imread(io.BytesIO(base64.b64decode(picture)), format="png")
    assert pixels.shape == (20, 20, 3)
    assert pixels[0, :4] == pytest.approx(232 / 255)
    assert len(np.unique(pixels)) > 50


def test_mixtures_are_reported_on_too(service: httpx.Client) -> None:
    matrix = np.abs(small_scene().reshape(-1, 30)[:60])
    read = inspected(service, npy(matrix), "mixtures.npy", kind="mixtures")["input"]
    assert (read["kind"], read["kind_decided_by"], read["samples"], read["channels"]) == ("mixtures", "request", 60, 30)
    answer = service.post("/inspect", json={"mixtures": matrix.tolist()}).json()["input"]
    assert (answer["samples"], answer["highest"]) == (60, pytest.approx(float(matrix.max())))


@pytest.mark.parametrize(
    ("content", "fields", "kind", "words"),
    [
        (b"no scene at all", {}, "scene-format", ["scene.npz"]),
        (scene(), {"n_endmembers": "3"}, "upload-field", ["n_endmembers", "picture"]),
        (scene(), {"picture": "perhaps"}, "upload-field", ["perhaps", "true or false"]),
        (scene(), {"rows": "30:40"}, "invalid-argument", ["rows"]),
    ],
)
def test_what_cannot_be_read_is_refused_as_for_unmixing(
    service: httpx.Client, settings: Settings, content: bytes, fields: dict[str, str], kind: str, words: list[str]
) -> None:
    answer = service.post("/inspect", data=fields, files={"file": ("scene.npz", content)})
    assert assert_problem(answer, 422, words)["type"] == f"/problems/{kind}"
    assert_nothing_left(service, settings)


def test_a_bomb_costs_its_own_request_here_too(settings: Settings) -> None:
    with serving(settings.model_copy(update=LIMITS)) as service:
        bomb = {"file": ("b.mat", bombs.mat_v5_that_claims(3584 * MIB))}
        assert_problem(service.post("/inspect", files=bomb), 422, ["memory"])
        assert inspected(service, scene())["input"]["bands"] == 30
        assert_nothing_left(service, settings)
