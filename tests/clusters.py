"""What tests of draws on clusters share: a source, workers that die, other versions."""

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastsample import MissingDependencyError
from fastsample import _engines as steps
from fastsample._keyed import FrameSample
from fastsample.parts import Draw, PartOutput


def three_files(folder: Path, table: pa.Table) -> Path:
    """Write three files of 1,000 rows, with a column of kinds."""
    folder.mkdir()
    table = table.append_column("kind", pa.array([row * row % 7 for row in range(len(table))]))
    for part in range(3):
        pq.write_table(table[part * 1000 :][:1000], folder / f"{part}.parquet", row_group_size=250)
    return folder


def groups_give_the_rows_of_one_process(
    draw: Callable[..., steps.ClusterSample], source: Path
) -> None:
    """Draw by groups, and whole groups."""
    options: dict[str, Any] = {"by": "kind", "allocation": "sqrt", "where": "id > 50"}
    found = draw(source, 300, target_bytes="100KiB", **options)
    expected = fastsample.sample(source, 300, **options)
    assert np.array_equal(found.row_ids(), expected.row_ids)
    assert found.report.groups == expected.report.groups
    for amount in ({"n": 2500}, {"n_groups": 2}):
        options = {**amount, "group": "kind", "where": "id > 50"}
        found = draw(source, target_bytes="100KiB", **options)
        expected = fastsample.sample(source, **options)
        assert np.array_equal(found.row_ids(), expected.row_ids)
        for name in ("group", "n_groups", "sampled", "matching", "notes"):
            assert getattr(found.report, name) == getattr(expected.report, name)


def what_frames_lack_is_told(draw: Callable[..., FrameSample[Any]], frame: object) -> None:
    """Draw by a key from a frame of the three files, as no frame can be drawn from."""
    cases: list[tuple[dict[str, Any], str]] = [
        ({"n": 3001}, "only 3000 rows"),
        ({"key": "kind"}, r"rows have the key \d in column 'kind', and n = 5 ends between"),
        ({"key": "prompt"}, r"column 'prompt' is null in \d+ of 3000 rows"),
        ({"columns": ["nope"]}, "columns: there is no column 'nope'; the columns are id, prompt"),
    ]
    for options, told in cases:
        with pytest.raises(fastsample.FastSampleError, match=told):
            draw(frame, **{"n": 5, "key": "id", **options})


def who_dies_is_replaced(
    draw: Callable[..., steps.ClusterSample],
    source: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    die: Callable[[], None],
) -> None:
    """Draw and write while a worker dies that observes, and one that has written."""
    observe, write, marks = steps.observe, steps.write, str(folder)

    def first_time(name: str) -> bool:
        try:
            os.close(os.open(f"{marks}/{name}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True

    def observe_and_die(sent: bytes, index: int, decision: Any) -> bytes:
        if index == 1 and first_time("observed"):
            die()
        return observe(sent, index, decision)

    def write_and_die(sent: bytes, index: int, decision: Any, folder: str) -> PartOutput:
        written = write(sent, index, decision, folder)
        if index == 1 and first_time("written"):
            die()
        return written

    with monkeypatch.context() as patch:
        patch.setattr(steps, "observe", observe_and_die)
        patch.setattr(steps, "write", write_and_die)
        found = draw(source, 500, smart=True, target_bytes="100KiB")
        assert len(found._engine.job.parts) == 6
        made = found.write_parquet(folder / "out-killed")
    assert (folder / "observed").exists()
    assert (folder / "written").exists()
    expected = fastsample.sample(source, 500, smart=True)
    assert pq.read_table(made.folder).equals(expected.to_arrow())
    names = {path.name for path in made.folder.iterdir()}
    assert names == {"_fastsample.json", *(path.name for path in made.files)}


def another_version_is_refused(
    draw: Callable[..., Any], source: Path, draws: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Send a draw that another version made."""
    odd = Draw(source, 500)
    odd._version = "9.9.9"
    with monkeypatch.context() as patch:
        patch.setattr(draws, "Draw", lambda *_, **__: odd)
        with pytest.raises(MissingDependencyError, match=r"the draw was made by 9\.9\.9"):
            draw(source, 500)
