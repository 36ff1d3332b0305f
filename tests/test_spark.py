"""Draws on a Spark cluster of two executors give the rows of one process, and survive what dies."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from decimal import Decimal
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
    what_frames_lack_is_told,
    who_dies_is_replaced,
)
from data import snippets_of
from fastsample import (
    ArgumentError,
    ColumnError,
    CorruptDataError,
    MissingDependencyError,
    SchemaError,
    SourceNotFoundError,
    SourceTypeError,
)
from fastsample import _engines as steps
from fastsample import spark as draws
from fastsample.spark.types import spark_types


def test_spark_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'fastsample\[spark\]'"):
        fastsample.spark.sample(None, "a.parquet", 5)  # type: ignore[arg-type]


def test_what_engines_say_of_lost_tasks_is_told() -> None:
    error = RuntimeError("ModuleNotFoundError: No module named 'fastsample'")
    told = steps.lost("Spark", error, ", or send it", "x")
    assert isinstance(told, MissingDependencyError)
    assert str(told).endswith("has no fastsample; install it on all nodes, or send it")
    told = steps.lost("Spark", RuntimeError("\nJob aborted: lost\n at"), "", "lower target_bytes")
    assert str(told).startswith("Spark gave a task up: Job aborted: lost; see whether nodes")


QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


@contextmanager
def two_executors(folder: Path) -> Iterator[Any]:
    """Start a master and two workers, with an executor of a core each."""
    from pyspark.sql import SparkSession

    folder.mkdir()
    # Executors of this kind of cluster have their folders here.
    home = Path(sys.modules["pyspark"].__file__ or "").parent
    os.environ.update(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.memory": "512m",
        "spark.executor.memory": "512m",
        "spark.local.dir": str(folder),
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "OFF",
        # The JVMs live for seconds, so compiling well costs more than it gains.
        "spark.driver.extraJavaOptions": f"-Djava.io.tmpdir={folder} {QUICK}",
        "spark.executor.extraJavaOptions": QUICK,
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
    }
    builder = SparkSession.builder.master("local-cluster[2,1,1024]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    try:
        yield session
    finally:
        session.stop()
        shutil.rmtree(home / "work", ignore_errors=True)


# One test, so that there is one cluster, whatever the processes of the tests.
# Spark warns of its own files and of coming versions.
@pytest.mark.spark
@pytest.mark.filterwarnings("ignore")
@pytest.mark.timeout(300)
def test_a_cluster_of_two_executors(
    tmp_path: Path, table: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = three_files(tmp_path / "source", table)
    # Before Spark starts: a format is planned in a process of its own, in this folder.
    monkeypatch.chdir(tmp_path)
    with two_executors(tmp_path / "spark") as spark:
        draw = partial(draws.sample, spark)
        states_are_merged_in_a_tree(spark, source)
        the_snippet_of_the_page_runs(spark, source)
        who_dies_is_replaced(draw, source, tmp_path, monkeypatch, killing_the_executor())
        groups_give_the_rows_of_one_process(draw, source)
        frames_are_drawn_by_a_key(spark, source)
        draws_are_read_by_the_name_of_a_format(spark, source)
        another_version_is_refused(draw, source, draws.files, monkeypatch)
        arguments_are_checked(spark, source, table)
        sources_that_executors_do_not_see_are_named(spark, source, monkeypatch)
        errors_of_data_come_at_once(spark, source)


def states_are_merged_in_a_tree(spark: Any, source: Path) -> None:
    options: dict[str, Any] = {"where": "id > 100", "weight": "id", "seed": 3}
    found = draws.sample(spark, source, 500, target_bytes="25KiB", **options)
    assert len(found._engine.job.parts) > 16
    expected = fastsample.sample(source, 500, **options)
    assert np.array_equal(found.row_ids(), expected.row_ids)
    assert (len(found), found.report.rows) == (500, 3000)
    for name in ("where", "matching", "weight"):
        assert getattr(found.report, name) == getattr(expected.report, name)
    assert repr(found) == "<fastsample.spark.SparkSample: 500 of 3,000 rows, seed 3>"


def the_snippet_of_the_page_runs(spark: Any, source: Path) -> None:
    """Make a smart draw, write it, and have its rows as a DataFrame."""
    (snippet,) = [text for text in snippets_of("scale.md") if "fastsample.spark.sample(" in text]
    source.rename("train")
    names: dict[str, Any] = {}
    exec(snippet, names)
    drawn = fastsample.sample("train", 1000, smart=True, seed=42)
    assert np.array_equal(names["drawn"].row_ids(), drawn.row_ids)
    assert names["drawn"].report.smart == drawn.report.smart
    expected = drawn.to_arrow()
    assert pq.read_table("sample-spark").equals(expected)
    assert [tuple(row) for row in names["rows"].collect()] == [
        tuple(row.values()) for row in expected.to_pylist()
    ]
    Path("train").rename(source)


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore")
def test_types_that_spark_lacks_become_wider() -> None:
    moment = datetime(2026, 11, 30, 1, 2, 3, tzinfo=timezone.utc)
    made = pa.table({
        "wide": pa.array([2**64 - 1], pa.uint64()),
        "small": pa.array([255], pa.uint8()),
        "kind": pa.array(["a"]).dictionary_encode(),
        "at": pa.array([moment], pa.timestamp("ns", "UTC")),
        "turns": pa.array([[{"n": 3, "s": "x"}]], pa.large_list(
            pa.struct([("n", pa.uint32()), ("s", pa.large_string())])
        )),
        "view": pa.array(["v"], pa.string_view()),
    })  # fmt: skip
    arrow, spark = spark_types(made.schema)
    assert [field.dataType.simpleString() for field in spark] == [
        "decimal(20,0)", "smallint", "string", "timestamp",
        "array<struct<n:bigint,s:string>>", "string",
    ]  # fmt: skip
    (row,) = made.cast(arrow).to_pylist()
    assert row == {**made.to_pylist()[0], "wide": Decimal(2**64 - 1)}
    for kind in (pa.decimal256(60, 0), pa.month_day_nano_interval()):
        with pytest.raises(SchemaError, match=r"column 'x' is .*columns="):
            spark_types(pa.schema([("x", kind)]))


def frames_are_drawn_by_a_key(spark: Any, source: Path) -> None:
    """Draw from two partitions of the rows, in two orders."""
    (snippet,) = [text for text in snippets_of("scale.md") if "fastsample.spark.sample_" in text]
    source.rename("train")
    names: dict[str, Any] = {}
    exec(snippet, names)
    drawn, rows = names["drawn"], names["rows"]
    assert isinstance(drawn, draws.DataFrameSample)
    assert (len(drawn), drawn.report.rows, drawn.report.key) == (1000, 3000, "id")
    assert repr(drawn) == "<fastsample.spark.DataFrameSample: 1,000 of 3,000 rows, seed 42>"
    expected = fastsample.sample("train", 1000, key="id", seed=42).to_arrow()
    assert pq.read_table("sample-frame").sort_by("id").cast(expected.schema).equals(expected)
    shuffled = rows.selectExpr("cast(id as string) as `row.id`", "kind").repartition(3, "kind")
    again = draws.sample_dataframe(shuffled, 1000, key="row.id", columns=["kind", "row.id"])
    assert (again.threshold, again.rounds) == (drawn.threshold, 1)
    found = again.dataframe()
    assert found.columns == ["kind", "row.id"]
    assert sorted(int(row[1]) for row in found.collect()) == expected["id"].to_pylist()
    with pytest.raises(SourceTypeError, match="frame is str; pass a Spark DataFrame, or files to"):
        draws.sample_dataframe("train", 5, key="id")  # type: ignore[arg-type]
    what_frames_lack_is_told(draws.sample_dataframe, rows)
    times = rows.selectExpr("timestamp_seconds(id) as at")
    with pytest.raises(ColumnError, match="'at' is a timestamp, whose text depends on the time zo"):
        draws.sample_dataframe(times, 5, key="at")
    Path("train").rename(source)


def draws_are_read_by_the_name_of_a_format(spark: Any, source: Path) -> None:
    (snippet,) = [text for text in snippets_of("scale.md") if ".register(" in text]
    source.rename("train")
    names: dict[str, Any] = {}
    exec(snippet, names)
    expected = fastsample.sample("train", 1000, seed=42).to_arrow()
    assert [tuple(row) for row in names["rows"].collect()] == [
        tuple(row.values()) for row in expected.to_pylist()
    ]
    options = {"path": "train", "n": 50, "seed": 3, "key": "id", "columns": "kind, id"}
    reader = spark.read.format("fastsample").option("target_bytes", "100KiB")
    frame = reader.options(**options).load()
    assert (frame.columns, frame.rdd.getNumPartitions()) == (["kind", "id"], 6)
    drawn = fastsample.sample("train", 50, key="id", seed=3, columns=["kind", "id"]).to_arrow()
    assert [row.asDict() for row in frame.collect()] == drawn.to_pylist()
    # An error of Spark, with ours in its text.
    with pytest.raises(Exception, match="ArgumentError: n is 3001, but the source has only 3000"):
        reader.options(**{**options, "n": 3001}).load()
    Path("train").rename(source)


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore")
def test_options_of_the_format_are_checked(tmp_path: Path) -> None:
    source: Any = import_module("fastsample.spark.source")
    moment = datetime(2026, 11, 30, 1, 2, 3, tzinfo=timezone.utc)
    rows = pa.table({
        "id": pa.array([2**64 - 1], pa.uint64()),
        "at": pa.array([moment], pa.timestamp("ns", "Asia/Shanghai")),
        "turns": pa.array([[{"n": 3, "at": moment}]]),
    })  # fmt: skip
    pq.write_table(rows, tmp_path / "a.parquet")
    options = {"path": str(tmp_path), "n": "1", "Columns": "turns, id,at"}
    made = source.DrawSource(options)
    schema = made.schema()
    assert schema.names == ["turns", "id", "at"]
    reader = made.reader(schema)
    (batch,) = reader.read(*reader.partitions())
    to_arrow: Any = import_module("pyspark.sql.pandas.types").to_arrow_schema
    # Spark compares these as well.
    assert to_arrow(schema, timezone="UTC").equals(batch.schema)
    assert batch.to_pylist() == rows.select(schema.names).to_pylist()
    with pytest.raises(SchemaError, match=r"that of the files is struct<turns.*leave \.schema\("):
        made.reader(schema[:2])
    for odd, told in (
        ({"n": "many"}, "n is 'many'; it must be a whole number"),
        ({"seed": "1.5"}, r"seed is '1\.5'; it must be a whole number"),
        ({"columns": "nope"}, 'there is no column "nope"'),
        ({"key": "turns"}, 'key: column "turns" is'),
        ({"smart": "true"}, r'format\("fastsample"\) has no option smart, but path, n, seed, key'),
    ):
        with pytest.raises(fastsample.FastSampleError, match=told):
            source.DrawSource({**options, **odd}).schema()
    for name in ("path", "n"):
        without = {option: value for option, value in options.items() if option != name}
        with pytest.raises(ArgumentError, match=rf'format\("fastsample"\) needs the option {name}'):
            source.DrawSource(without).schema()


def killing_the_executor() -> Callable[[], None]:
    def kill() -> None:
        process = os.getpid()
        while True:
            status = open(f"/proc/{process}/status").read()  # noqa: PTH123, SIM115
            if "Name:\tjava" in status:
                os.kill(process, signal.SIGKILL)
                os._exit(1)
            process = int(status.partition("PPid:")[2].split()[0])
            assert process > 1

    return kill  # a function within a function is sent whole


def arguments_are_checked(spark: Any, source: Path, table: pa.Table) -> None:
    with pytest.raises(SourceTypeError, match="spark is str; pass a session"):
        draws.sample("local[2]", source, 5)  # type: ignore[arg-type]
    with pytest.raises(SourceTypeError, match="reads files"):
        draws.sample(spark, table, 5)
    by_key = r"reads files, .*fastsample\.spark\.sample_dataframe\(frame, n, key=\.\.\.\)"
    with pytest.raises(SourceTypeError, match=by_key):
        draws.sample(spark, spark.range(5), 5)
    with pytest.raises(ArgumentError, match="only 3000 rows"):
        draws.sample(spark, source, 3001)


def sources_that_executors_do_not_see_are_named(
    spark: Any, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Name a folder that is another one in each process."""
    monkeypatch.chdir(source)
    with pytest.raises(SourceNotFoundError, match=r"0\.parquet: this process does not see"):
        draws.sample(spark, "/proc/self/cwd/0.parquet", 5)


def errors_of_data_come_at_once(spark: Any, source: Path) -> None:
    (source / "3.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(CorruptDataError, match=r"3\.parquet"):
        draws.sample(spark, source, 500)
