"""Draws on a Dask cluster of two workers give the rows of one process, and survive what dies."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from clusters import (
    another_version_is_refused,
    groups_give_the_rows_of_one_process,
    three_files,
    who_dies_is_replaced,
)
from data import snippets_of
from fastsample import (
    ArgumentError,
    CorruptDataError,
    FastSampleError,
    MissingDependencyError,
    SourceTypeError,
)
from fastsample import _engines as steps
from fastsample import dask as draws


def test_dask_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'fastsample\[dask\]'"):
        fastsample.dask.sample(None, "a.parquet", 5)


@contextmanager
def two_workers(folder: Path) -> Iterator[Any]:
    """Start a scheduler, and two processes with a thread each."""
    dask: Any = import_module("dask")
    distributed: Any = import_module("distributed")
    settings = {
        "temporary_directory": str(folder),
        "distributed.scheduler.allowed-failures": 1,
        "distributed.comm.timeouts.connect": "120s",
        "distributed.worker.memory.terminate": False,
    }
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs="ERROR"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


# One test, so that there is one cluster, whatever the processes of the tests.
# Dask warns of its own files and of coming versions.
@pytest.mark.dask
@pytest.mark.filterwarnings("ignore")
@pytest.mark.timeout(300)
def test_a_cluster_of_two_workers(
    tmp_path: Path, table: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = three_files(tmp_path / "source", table)
    with two_workers(tmp_path / "dask") as client:
        draw = partial(draws.sample, client)
        rows_are_those_of_one_process(draw, source)
        monkeypatch.chdir(tmp_path)
        the_snippet_of_the_page_runs(client, source)
        groups_give_the_rows_of_one_process(draw, source)
        who_dies_is_replaced(draw, source, tmp_path, monkeypatch, lambda: os._exit(1))
        with monkeypatch.context() as patch:
            patch.setattr(client.cluster.scheduler, "allowed_failures", 0)
            tasks_that_kill_are_given_up(draw, source, patch)
        another_version_is_refused(draw, source, draws, monkeypatch)
        arguments_are_checked(draw, source, table)
        errors_of_data_come_at_once(draw, source)


def rows_are_those_of_one_process(draw: partial[draws.DaskSample], source: Path) -> None:
    options: dict[str, Any] = {"where": "id > 100", "weight": "id", "seed": 3}
    found = draw(source, 500, target_bytes="25KiB", **options)
    assert len(found._engine.job.parts) > 16, "states are merged in a tree"
    expected = fastsample.sample(source, 500, **options)
    assert np.array_equal(found.row_ids(), expected.row_ids)
    assert (len(found), found.report.rows) == (500, 3000)
    assert found.report.matching == expected.report.matching == 2899
    assert repr(found) == "<fastsample.dask.DaskSample: 500 of 3,000 rows, seed 3>"


def the_snippet_of_the_page_runs(client: Any, source: Path) -> None:
    (snippet,) = [text for text in snippets_of("scale.md") if "fastsample.dask" in text]
    address = '"tcp://scheduler:8786"'
    assert address in snippet
    source.rename("train")
    names: dict[str, Any] = {}
    exec(snippet.replace(address, repr(client.scheduler.address)), names)
    drawn = fastsample.sample("train", 1000, smart=True, seed=42)
    assert names["drawn"].report.smart == drawn.report.smart
    expected = drawn.to_arrow()
    assert pq.read_table("sample-dask").equals(expected)
    frame = names["rows"]
    assert [str(kind) for kind in frame.dtypes] == [
        f"{kind}[pyarrow]" for kind in expected.schema.types
    ]
    assert pa.Table.from_pandas(frame.compute(), preserve_index=False).equals(expected)
    names["client"].close()
    Path("train").rename(source)


def tasks_that_kill_are_given_up(
    draw: partial[draws.DaskSample], source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "observe", lambda _, index, __: index or os._exit(1))
    with pytest.raises(FastSampleError, match=r"Dask gave a task up: .*allowed-failures"):
        draw(source, 500)


def arguments_are_checked(draw: partial[draws.DaskSample], source: Path, table: pa.Table) -> None:
    with pytest.raises(SourceTypeError, match="client is str; pass a client"):
        draws.sample("tcp://scheduler:8786", source, 5)
    with pytest.raises(ArgumentError, match="threads is 0"):
        draw(source, 5, threads=0)
    with pytest.raises(SourceTypeError, match="reads files"):
        draw(table, 5)
    with pytest.raises(ArgumentError, match="only 3000 rows"):
        draw(source, 3001)


def errors_of_data_come_at_once(draw: partial[draws.DaskSample], source: Path) -> None:
    (source / "3.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(CorruptDataError, match=r"3\.parquet"):
        draw(source, 500)
