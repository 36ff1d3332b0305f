"""Public names are those of `fastsample`, wherever they live."""

import ast
import json
import pickle
import pickletools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest


@pytest.mark.parametrize("name", sorted(set(fastsample.__all__) - {"__version__", "errors"}))
def test_public_objects_say_that_they_are_public(name: str) -> None:
    assert not isinstance(getattr(fastsample, name), ModuleType)
    assert getattr(fastsample, name).__module__ == "fastsample"


def test_names_imported_when_asked_for_are_those_that_checkers_see() -> None:
    tree = ast.parse(Path(fastsample.__file__).read_text(encoding="utf-8"))
    seen = {
        alias.name: (node.module or "").removeprefix("fastsample")
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == fastsample._HOME
    assert set(seen) | {*fastsample.errors.__all__, "errors", "__version__"} == {
        *fastsample.__all__
    }
    assert set(fastsample.__all__) <= set(dir(fastsample))
    with pytest.raises(AttributeError, match="no attribute 'sampel'"):
        fastsample.sampel  # type: ignore[attr-defined]  # noqa: B018


def _error() -> Exception:
    with pytest.raises(fastsample.ArgumentError) as caught:
        fastsample.plan(0, seconds_per_step=1.0)
    # A library of clusters lets tracebacks be pickled, once it is imported.
    return caught.value.with_traceback(None)


def _tokens(table: pa.Table) -> fastsample.TokenDataset:
    cached = fastsample.sample(table, 10).cache()
    words = {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}
    file = cached.path.with_name("tokenizer.json")
    file.write_text(json.dumps({"version": "1.0", "added_tokens": [], "model": words}))
    return fastsample.sample(table, 10).cache(tokenizer=file, text_columns=["prompt"])


PICKLED: dict[str, Callable[[pa.Table], object]] = {
    "Sample": lambda table: fastsample.sample(table, 10),
    "Scores": fastsample.score,
    "Mixture": lambda table: fastsample.mix({"a": table, "b": table}, 10),
    "Report": lambda table: fastsample.sample(table, 10, smart=True).report,
    "Dataset": lambda table: fastsample.sample(table, 10).cache(),
    "TokenCollator": lambda table: _tokens(table).collator(pad_id=0),
    "TokenDataset": _tokens,
    "Inspection": fastsample.inspect,
    "Comparison": lambda table: fastsample.compare(table, table),
    "Plan": lambda _: fastsample.plan(100, steps=10, seconds_per_step=1.0),
    "Smart": lambda _: fastsample.Smart(),
    "ResumableSampler": lambda _: fastsample.ResumableSampler(5),
    "LengthBatchSampler": lambda _: fastsample.LengthBatchSampler(np.arange(9), 3),
    "PackedBatchSampler": lambda _: fastsample.PackedBatchSampler(np.arange(9), 30),
    "ArgumentError": lambda _: _error(),
}


@pytest.mark.parametrize("name", PICKLED)
def test_pickles_name_no_private_module(name: str, table: pa.Table) -> None:
    made = PICKLED[name](table)
    pickled = pickle.dumps(made)
    words = [word for _, word, _ in pickletools.genops(pickled) if isinstance(word, str)]
    assert "fastsample" in words
    assert not [word for word in words if word.startswith("fastsample.")]
    assert type(pickle.loads(pickled)) is getattr(fastsample, name)


def test_a_pickled_sample_has_its_rows(table: pa.Table, tmp_path: Path) -> None:
    drawn = fastsample.sample(table, 100, seed=7)
    again = pickle.loads(pickle.dumps(drawn))
    assert again.to_arrow().equals(drawn.to_arrow())
    assert again.row_ids.tolist() == drawn.row_ids.tolist()
    assert again.report == drawn.report


def test_the_import_is_light() -> None:
    heavy = "numpy", "pyarrow", "pandas", "matplotlib", "rich", "click", "filelock", "torch"
    script = f"import sys, fastsample; print(*sorted({{*{heavy}}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    assert done.stdout.split() == []


def test_a_draw_from_a_file_to_a_file_is_light(tmp_path: Path, table: pa.Table) -> None:
    pq.write_table(table, tmp_path / "in.parquet")
    script = (
        "import sys, fastsample; drawn = fastsample.sample('in.parquet', 9)\n"
        "drawn.write_parquet('out.parquet')\n"
        "print(*{'numpy', 'pyarrow', 'rich'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, cwd=tmp_path
    )
    assert done.stdout.split() == []


def test_a_draw_imports_no_reports_of_others() -> None:
    script = "import sys, fastsample; fastsample.sample; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    others = {"_comparison", "_inspection", "_planning", "cli"}
    assert not {f"fastsample.{name}" for name in others} & set(done.stdout.decode().split())
