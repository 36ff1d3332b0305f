"""Examples in docstrings run, and do what they say."""

import doctest
import importlib
from types import ModuleType

import pytest


@pytest.mark.parametrize(
    "name",
    [
        "_sample",
        "_smart",
        "_score",
        "_inspect",
        "_plan",
        "_compare",
        "_dataset",
        "_epochs",
        "_length",
        "_resumable",
        "_split",
        "_tokens",
    ],
)
def test_docstring_examples(name: str) -> None:
    module: ModuleType = importlib.import_module(f"fastsample.{name}")
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0
