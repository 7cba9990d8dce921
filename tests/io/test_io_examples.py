"""The examples in the docstrings of the readers do what they show."""

import doctest
import importlib
import pkgutil

import pytest

import unmixing.io

MODULES = [module.name for module in pkgutil.walk_packages(unmixing.io.__path__, "unmixing.io.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    attempted = [doctest.testmod(importlib.import_module(name)).attempted for name in MODULES]
    assert sum(attempted) > 10
