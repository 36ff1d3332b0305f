"""What holds of the whole binding: frozen classes, and an exception for each error of the core."""

import builtins
import re
from pathlib import Path

import fastsample
from fastsample import _fastsample, errors

RUST = Path(__file__).resolve().parents[1] / "rust"


def test_every_class_is_frozen() -> None:
    """A class that is not frozen borrows at run time, and fails when two threads use it."""
    found = {}
    for path in sorted((RUST / "fastsample-python" / "src").rglob("*.rs")):
        for arguments, name in re.findall(
            r"#\[pyclass(?:\(([^)]*)\))?\][^;{]*?\b(?:struct|enum) (\w+)", path.read_text("utf-8")
        ):
            found[name] = "frozen" in arguments.split(",")
    classes = {name for name, each in vars(_fastsample).items() if isinstance(each, type)}
    assert {name for name in found if found[name]} == set(found)
    assert set(found) == classes
    assert len(classes) >= 6


def variants() -> set[str]:
    """Return the variants of the core's `Error`."""
    text = (RUST / "fastsample" / "src" / "error.rs").read_text("utf-8")
    body = text.split("pub enum Error {", 1)[1].split("\n}", 1)[0]
    return set(re.findall(r"^    (\w+)[,({ ]", body, flags=re.M))


def test_every_error_of_the_core_has_an_exception() -> None:
    """`Internal`, a defect of ours, and a system out of threads are the base class itself."""
    text = (RUST / "fastsample-python" / "src" / "errors.rs").read_text("utf-8")
    body = text.split("let class = match error {", 1)[1].split("\n    };", 1)[0]
    mapped: dict[str, str] = {}
    for patterns, made in re.findall(r"^        (Error::.*?) => (.*?),?$", body, flags=re.M | re.S):
        for name in re.findall(r"Error::(\w+)", patterns):
            mapped[name] = made.strip('"')
    assert "PyKeyboardInterrupt" in mapped.pop("Cancelled")
    assert set(mapped) == variants() - {"Cancelled", "Internal", "NoThread"}
    assert len(mapped) >= 11
    used = {getattr(errors, made) for made in mapped.values()}
    # What the core never makes, Python code does.
    of_python = {errors.FastSampleError, errors.SourceTypeError, errors.MissingDependencyError}
    assert used | of_python == {getattr(errors, name) for name in errors.__all__}


def test_every_exception_is_also_one_that_a_caller_would_catch() -> None:
    for name in errors.__all__:
        error = getattr(errors, name)
        assert getattr(fastsample, name) is error
        assert issubclass(error, errors.FastSampleError)
        if error is not errors.FastSampleError:
            others = [base for base in error.__mro__ if base.__module__ == "builtins"]
            assert others[0] not in (Exception, BaseException, object)
            assert getattr(builtins, others[0].__name__) is others[0]
