"""Draws on a Ray cluster of two nodes give the rows of one process, and survive what dies."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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
    what_frames_lack_is_told,
    who_dies_is_replaced,
)
from data import snippets_of
from fastsample import ArgumentError, CorruptDataError, MissingDependencyError, SourceTypeError
from fastsample import ray as draws


def test_ray_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'fastsample\[ray\]'"):
        fastsample.ray.sample("a.parquet", 5)


@contextmanager
def two_nodes() -> Iterator[Any]:
    """Start a head and one more node, with a CPU each."""
    # Read when Ray is imported.
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_ENABLE_UV_RUN_RUNTIME_ENV="0")
    os.environ.update(RAY_agent_register_timeout_ms="120000")
    # Workers are nice by default: where other tests run, they wait for minutes.
    os.environ.update(RAY_worker_niceness="0")
    ray: Any = import_module("ray")
    made: Any = import_module("ray.cluster_utils")
    folder = tempfile.mkdtemp(prefix="ray")
    # Where Ray notes the address of the cluster, in a folder that it expects to be there.
    os.environ["RAY_TMPDIR"] = folder
    (Path(folder) / "ray").mkdir()
    node = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}
    cluster = made.Cluster()
    try:
        try:
            cluster.add_node(**node, temp_dir=folder)
        except Exception:  # it gives up after 30 seconds, which a busy machine may take
            cluster.shutdown()
            cluster = made.Cluster()
            cluster.add_node(**node, temp_dir=folder)
        ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
        cluster.second = cluster.add_node(**node)
        cluster.wait_for_nodes()
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


# One test, so that there is one cluster, whatever the processes of the tests.
# Ray warns of its own files and of coming versions.
@pytest.mark.ray
@pytest.mark.filterwarnings("ignore")
@pytest.mark.timeout(300)
def test_a_cluster_of_two_nodes(
    tmp_path: Path, table: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = three_files(tmp_path / "source", table)
    # Before Ray starts: its workers are in this folder.
    monkeypatch.chdir(tmp_path)
    with two_nodes() as cluster:
        for smart in (False, True):
            rows_are_those_of_one_process(source, tmp_path / f"out-{smart}", smart)
        the_snippet_of_the_page_runs(source)
        who_dies_is_replaced(draws.sample, source, tmp_path, monkeypatch, lambda: os._exit(1))
        groups_give_the_rows_of_one_process(draws.sample, source)
        datasets_are_drawn_by_a_key(source)
        another_version_is_refused(draws.sample, source, draws.files, monkeypatch)
        arguments_are_checked(source, table)
        a_node_that_is_removed_is_done_without(source, tmp_path / "out", cluster)
        errors_of_data_come_at_once(source)


def rows_are_those_of_one_process(source: Path, out: Path, smart: bool) -> None:
    options: dict[str, Any] = {"smart": smart, "where": "id > 100", "seed": 3}
    found = draws.sample(source, 500, target_bytes="100KiB", **options)
    expected = fastsample.sample(source, 500, **options)
    assert np.array_equal(found.row_ids(), expected.row_ids)
    assert (len(found), found.report.rows) == (500, 3000)
    assert found.report.smart == expected.report.smart
    assert found.report.matching == expected.report.matching == 2899
    assert repr(found) == "<fastsample.ray.RaySample: 500 of 3,000 rows, seed 3>"
    made = found.write_parquet(out)
    assert pq.read_table(made.folder).equals(expected.to_arrow())


def the_snippet_of_the_page_runs(source: Path) -> None:
    (snippet,) = [text for text in snippets_of("scale.md") if "fastsample.ray.sample(" in text]
    source.rename("train")
    names: dict[str, Any] = {}
    exec(snippet, names)
    expected = fastsample.sample("train", 1000, smart=True, seed=42).to_arrow()
    assert pq.read_table("sample-ray").equals(expected)
    rows = sys.modules["ray"].get(names["dataset"].to_arrow_refs())
    assert pa.concat_tables(rows).equals(expected)
    Path("train").rename(source)


def datasets_are_drawn_by_a_key(source: Path) -> None:
    """Draw from two partitions of the rows, in two orders."""
    (snippet,) = [text for text in snippets_of("scale.md") if "fastsample.ray.sample_" in text]
    source.rename("train")
    names: dict[str, Any] = {}
    exec(snippet, names)
    drawn, rows = names["drawn"], names["rows"]
    assert isinstance(drawn, draws.DatasetSample)
    assert (len(drawn), drawn.report.rows, drawn.report.key) == (1000, 3000, "id")
    assert (drawn.rounds, drawn.report.seed) == (1, 42)
    assert repr(drawn) == "<fastsample.ray.DatasetSample: 1,000 of 3,000 rows, seed 42>"
    expected = fastsample.sample("train", 1000, key="id", seed=42).to_arrow()
    assert pq.read_table("sample-dataset").sort_by("id").equals(expected)
    data: Any = import_module("ray.data")
    files = pq.read_table("train")
    order = np.random.default_rng(5).permutation(len(files))
    texts = files.take(order).set_column(0, "id", files["id"].take(order).cast("string"))
    shuffled = data.from_arrow([texts[:1700], texts[1700:1750], texts[1750:]])
    again = draws.sample_dataset(shuffled, 1000, key="id", columns=["kind", "id"])
    assert again.threshold == drawn.threshold
    found = again.dataset().take_all()
    assert sorted(int(row["id"]) for row in found) == expected["id"].to_pylist()
    assert all(list(row) == ["kind", "id"] for row in found)
    only_kinds = draws.sample_dataset(shuffled, 5, key="id", columns=["kind"]).dataset().take_all()
    assert [list(row) for row in only_kinds] == [["kind"]] * 5
    with pytest.raises(SourceTypeError, match=r"fastsample\.ray\.sample_dataset\(.*key=\.\.\.\)"):
        draws.sample(rows, 5)
    with pytest.raises(SourceTypeError, match="dataset is str; pass a Ray Dataset, or files to"):
        draws.sample_dataset("train", 5, key="id")  # type: ignore[arg-type]
    what_frames_lack_is_told(draws.sample_dataset, shuffled)
    Path("train").rename(source)


def errors_of_data_come_at_once(source: Path) -> None:
    (source / "3.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(CorruptDataError, match=r"3\.parquet"):
        draws.sample(source, 500)


def arguments_are_checked(source: Path, table: pa.Table) -> None:
    with pytest.raises(ArgumentError, match="num_cpus is 0"):
        draws.sample(source, 5, num_cpus=0)
    with pytest.raises(ArgumentError, match="max_retries is -1"):
        draws.sample(source, 5, max_retries=-1)
    with pytest.raises(SourceTypeError, match="max_retries is 'x'"):
        draws.sample(source, 5, max_retries="x")  # type: ignore[arg-type]
    with pytest.raises(SourceTypeError, match="reads files"):
        draws.sample(table, 5)
    with pytest.raises(ArgumentError, match="only 3000 rows"):
        draws.sample(source, 3001)


def a_node_that_is_removed_is_done_without(source: Path, out: Path, cluster: Any) -> None:
    found = draws.sample(source, 500, smart=True, target_bytes="100KiB")
    cluster.remove_node(cluster.second)
    made = found.write_parquet(out)
    expected = fastsample.sample(source, 500, smart=True)
    assert pq.read_table(made.folder).equals(expected.to_arrow())
