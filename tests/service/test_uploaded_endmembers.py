"""Endmembers beside the scene, in the field ``endmembers``: kept and marked, part of the work, refused where wrong."""

import io

import httpx
import numpy as np
import pytest

from model_store.settings import Settings
from tests.service.test_bad_input import assert_nothing_left, assert_problem
from tests.service.test_library import SCENE, SPECTRA, WAVELENGTHS_NM, csv
from worker.tasks import run_job


def one(factor: float = 1.0, name: str = "rise") -> tuple[str, bytes]:
    rows = [["Class", *map(str, WAVELENGTHS_NM)], [name, *map(str, factor * SPECTRA[0])]]
    return "known.csv", "\n".join(",".join(row) for row in rows).encode()


def post(service: httpx.Client, given: tuple[str, bytes], **fields: str) -> httpx.Response:
    asked = {"n_endmembers": "3", "method": "nmf", **fields}
    return service.post("/unmix", data=asked, files=[("file", SCENE), ("endmembers", given)])


def test_what_is_given_is_kept_and_marked(service: httpx.Client, settings: Settings) -> None:
    job = post(service, one(), method="lpalm", max_training_seconds="0.01").json()
    assert job["inputs"]["endmembers"] == ["known.csv"]
    run_job(job["jobID"], settings, on_lost=lambda: None)
    results = service.get(f"/jobs/{job['jobID']}/results").json()
    assert results["endmembers"]["names"] == ["rise", "endmember 2", "endmember 3"]
    assert results["endmembers"]["given"] == [True, False, False]
    np.testing.assert_array_equal(np.float32(results["endmembers"]["values"][0]), np.float32(SPECTRA[0]))
    assert results["model"]["manifest"]["n_given"] == 1
    model = results["model"]["id"]
    assert service.post("/unmix", data={"model": model}, files=[("file", SCENE)]).status_code == 202
    both = {"method": "lpalm", "model": model}
    assert_problem(post(service, one(), **both), 422, ["model, which has its own"])


def test_they_are_part_of_the_work(service: httpx.Client) -> None:
    without = service.post("/unmix", data={"n_endmembers": "3", "method": "nmf"}, files=[("file", SCENE)])
    as_library = service.post(
        "/unmix", data={"n_endmembers": "3", "method": "nmf"}, files=[("file", SCENE), ("library", one())]
    )
    answers = [without, as_library, *(post(service, given) for given in (one(), one(), one(1.1), one(name="other")))]
    ids = [answer.json()["jobID"] for answer in answers]
    assert ids[2] == ids[3]
    assert len(set(ids)) == 5


def without_wavelengths() -> tuple[str, bytes]:
    buffer = io.StringIO()
    np.savetxt(buffer, np.column_stack([np.arange(5), np.ones(5)]), delimiter=",", header="band,rise", comments="")
    return "known.csv", buffer.getvalue().encode()


BAD: dict[str, tuple[tuple[str, bytes], dict[str, str], str, list[str]]] = {
    "no library": (("known.csv", b"these are my notes"), {}, "library-format", ["known.csv"]),
    "too many": (("known.csv", csv()), {"n_endmembers": "2"}, "invalid-argument", ["is 2", "gives 3 spectra"]),
    "other wavelengths": (
        ("known.csv", csv(shift_nm=9000)), {}, "library-mismatch", ["cover 0 of the image's 30", "9400 to 10400 nm"],
    ),
    "other bands": (without_wavelengths(), {}, "library-mismatch", ["5 bands", "30 bands"]),
    "a method that cannot": (one(), {"method": "cnnaeu"}, "invalid-argument", ["cnnaeu cannot keep them", "lpalm"]),
}  # fmt: skip


@pytest.mark.parametrize("row", BAD)
def test_what_does_not_fit_is_refused_at_once(service: httpx.Client, settings: Settings, row: str) -> None:
    given, fields, kind, words = BAD[row]
    problem = assert_problem(post(service, given, **fields), 422, words)
    assert problem["type"] == f"/problems/{kind}"
    assert_nothing_left(service, settings)


def test_another_scale_is_told_by_the_job(service: httpx.Client, settings: Settings) -> None:
    job = post(service, one(10_000.0)).json()
    run_job(job["jobID"], settings, on_lost=lambda: None)
    found = service.get(f"/jobs/{job['jobID']}").json()
    assert found["status"] == "failed"
    assert "on the scale of the image" in found["error"]["detail"]
