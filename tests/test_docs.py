"""Examples in docstrings run, and do what they say."""

import doctest

import fastsample
import pytest

EXAMPLES = [
    test
    for name in fastsample.__all__
    for test in doctest.DocTestFinder().find(
        getattr(fastsample, name), f"fastsample.{name}", module=False, globs={}
    )
    if test.examples
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_docstring_example(example: doctest.DocTest) -> None:
    assert doctest.DocTestRunner().run(example).failed == 0


def test_public_functions_have_examples() -> None:
    shown = {test.name.removeprefix("fastsample.") for test in EXAMPLES}
    assert {"sample", "split", "epochs", "score", "compare", "inspect", "plan", "mix"} <= shown
    assert {
        "Dataset",
        "LengthBatchSampler",
        "PackedBatchSampler",
        "ResumableSampler",
        "Smart",
        "TokenDataset",
        "token_lengths",
    } <= shown
