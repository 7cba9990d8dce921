"""Equal bytes and spec give the result that ``SCIENCE_VERSION`` stands for."""

import pytest

from model_store.records import SCIENCE_VERSION
from tests import golden
from unmixing.methods import METHODS


@pytest.mark.parametrize("method", METHODS)
def test_the_answer_is_that_of_this_science_version(method: str) -> None:
    stored = golden.read_stored()["answers"]
    found = golden.differences(golden.answer_of(method), stored.get(method, {}))
    assert not found, (
        f"the answer of {method} changed ({found}): raise SCIENCE_VERSION in model_store/records.py, so that results "
        "stored before are not given for new requests, and run `python -m tests.golden`"
    )


def test_the_stored_answers_are_of_this_version() -> None:
    document = golden.read_stored()
    assert document["science_version"] == SCIENCE_VERSION, "run `python -m tests.golden`"
    assert set(document["answers"]) == set(METHODS), "run `python -m tests.golden`"


def test_a_change_of_an_answer_is_seen() -> None:
    stored = golden.read_stored()["answers"]["nmf"]
    moved = {**stored, "brightness": [1.01 * value for value in stored["brightness"]]}
    assert set(golden.differences(moved, stored)) == {"brightness"}
