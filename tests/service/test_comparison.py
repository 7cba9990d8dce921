"""Several methods in one job: one table, one picture, every answer, and what is refused."""

import csv
import io
from typing import Any

import httpx
import numpy as np
import pytest

from model_store.settings import Settings
from model_store.stores import Stores
from tests.conftest import npy, small_scene, stored_model
from tests.service.test_bad_input import assert_nothing_left, assert_problem
from unmixing.algorithms.metrics import match_endmembers, rmse
from unmixing.errors import SceneContentError
from unmixing.methods import METHODS
from unmixing.specs import UnmixSpec
from worker.tasks import run_job

SCENE = {"file": ("scene.npy", npy(small_scene()))}
DIRECT = ["vca_fcls", "archetypal", "nmf"]


def results(service: httpx.Client, settings: Settings, fields: dict[str, Any]) -> dict[str, Any]:
    posted = service.post("/unmix", data=fields, files=SCENE)
    assert posted.status_code == 202, posted.text
    run_job(posted.json()["jobID"], settings, on_lost=lambda: None)
    answer = service.get(f"/jobs/{posted.json()['jobID']}/results")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def test_several_methods_side_by_side(service: httpx.Client, settings: Settings) -> None:
    fields = {"method": [*DIRECT, "lista_cp"], "n_endmembers": "3", "max_training_seconds": "0.5"}
    document = results(service, settings, fields)
    answers = document["comparison"]["answers"]
    assert [answer["method"] for answer in answers] == [*DIRECT, "lista_cp"]
    assert document["comparison"]["failures"] == {}
    assert document["endmembers"] == answers[0]["endmembers"]
    rows = list(csv.DictReader(io.StringIO(service.get(document["assets"]["comparison.csv"]["href"]).text)))
    assert [row["method"] for row in rows] == [*DIRECT, "lista_cp"]
    assert float(rows[0]["sad_to_first_radians"]) == pytest.approx(0, abs=1e-6)
    maps = {
        method: np.load(io.BytesIO(service.get(document["assets"][f"{method}-abundances.npy"]["href"]).content))
        for method in DIRECT
    }
    for row, answer in zip(rows[:3], answers, strict=False):
        spectra, first = (np.array(found["endmembers"]["values"]) for found in (answer, answers[0]))
        np.testing.assert_array_equal(match_endmembers(spectra, first), [0, 1, 2])
        assert float(row["abundance_rmse_to_first"]) == pytest.approx(
            rmse(maps[answer["method"]], maps["vca_fcls"]), rel=1e-4, abs=1e-9
        )
        assert float(row["reconstruction_rmse"]) == pytest.approx(answer["metrics"]["reconstruction_rmse"], rel=1e-4)
    assert service.get(document["assets"]["comparison.png"]["href"]).content.startswith(b"\x89PNG")
    assert [answer["model"] is None for answer in answers] == [True, True, True, False]
    link = answers[3]["model"]["links"][0]["href"]
    assert service.get(link).status_code == 200


def test_all_of_them_for_one_number_of_endmembers(
    service: httpx.Client, settings: Settings, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unmixing.comparison.chosen_methods", lambda method: ("nmf", "palm"))
    document = results(service, settings, {"method": "compare"})
    counts = {len(answer["endmembers"]["names"]) for answer in document["comparison"]["answers"]}
    assert len(counts) == 1
    first, second = (answer["metrics"] for answer in document["comparison"]["answers"])
    assert first["n_endmembers_estimated_by"] is not None
    assert second["n_endmembers_estimated_by"] is None


def test_a_method_that_fails_does_not_take_the_others_with_it(
    service: httpx.Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unmixing.pipeline import fit

    def broken(seen: Any, spec: UnmixSpec, *others: Any) -> Any:
        if spec.method == "nmf":
            raise SceneContentError("nmf does not like this scene")
        return fit(seen, spec, *others)

    monkeypatch.setattr("unmixing.comparison.fit", broken)
    document = results(service, settings, {"method": "nmf,palm", "n_endmembers": "3"})
    assert [answer["method"] for answer in document["comparison"]["answers"]] == ["palm"]
    assert document["comparison"]["failures"] == {"nmf": "nmf does not like this scene"}


def test_it_waits_where_its_methods_do(service: httpx.Client, stores: Stores) -> None:
    service.post("/unmix", data={"method": DIRECT}, files=SCENE)
    assert stores.redis.llen("rq:queue:apply") == 1
    service.post("/unmix", data={"method": "compare"}, files=SCENE)
    assert stores.redis.llen("rq:queue:train") == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"method": "nmf,magic"}, ["'magic'", *METHODS]),
        ({"method": "nmf,nmf"}, ["'nmf' twice"]),
        ({"method": ["nmf", "nmf"]}, ["'nmf' twice"]),
        ({"method": "nmf,"}, ["''"]),
        ({"method": "compare,nmf"}, ["'compare'"]),
    ],
)
def test_a_bad_choice_is_refused(
    service: httpx.Client, settings: Settings, fields: dict[str, Any], words: list[str]
) -> None:
    assert_problem(service.post("/unmix", data=fields, files=SCENE), 422, words)
    assert_nothing_left(service, settings)


def test_neither_models_nor_mixtures_are_compared(service: httpx.Client, settings: Settings, stores: Stores) -> None:
    model = stores.models.register(stored_model())
    given = {"method": "compare", "model": model}
    assert_problem(service.post("/unmix", data=given, files=SCENE), 422, ["'compare'", "'lpalm'"])
    mixtures = {"file": ("x.npy", npy(small_scene()[0]))}
    given = {"method": "palm,ista", "n_sources": "3"}
    assert_problem(service.post("/unmix", data=given, files=mixtures), 422, ["'palm,ista'", "one at a time"])
    assert_nothing_left(service, settings)
