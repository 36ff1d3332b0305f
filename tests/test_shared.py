"""The main job on real data: what the script that is replaced does, on its user's files."""

import json
from pathlib import Path
from typing import Any

import fastparquet
import fastsample
import pandas as pd
import pyarrow.parquet as pq
import pytest
from commands import run
from data import drawn_ids, plain, stream

pytestmark = pytest.mark.shared


@pytest.fixture
def train(shared: Path) -> Path:
    return shared / "data" / "my_train_dataset_3k.parquet"


@pytest.fixture
def dev(shared: Path) -> Path:
    return shared / "data" / "dev_text.parquet"


def command_line(*arguments: object) -> dict[str, Any]:
    done = run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_the_main_job(train: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / "first.parquet", tmp_path / "second.parquet"]
    for output in outputs:
        report = command_line("sample", "--input", train, "--output", output, "--num_samples", 1000)
        assert (report["rows_before"], report["rows_after"]) == (3000, 1000)
    assert outputs[0].read_bytes() == outputs[1].read_bytes()

    whole = pd.read_parquet(train)
    expected = whole.iloc[drawn_ids(3000, 1000, 42)].reset_index(drop=True)
    assert pq.read_table(outputs[0]).num_rows == 1000
    pd.testing.assert_frame_equal(pd.read_parquet(outputs[0]), expected)
    with outputs[0].open("rb") as file:
        frame = fastparquet.ParquetFile(file).to_pandas()
    for name in ("prompt", "response"):
        assert frame[name].tolist() == expected[name].tolist()
        assert report["mean_chars"][name] == pytest.approx(expected[name].str.len().mean())


def test_rows_are_distinct(train: Path) -> None:
    sample = fastsample.sample(train, 1000)
    assert len(set(sample.row_ids.tolist())) == 1000
    # Texts are distinct as far as those of the source are.
    whole = pq.read_table(train)
    assert sample.to_arrow().equals(whole.take(sample.row_ids).cast(sample.schema))


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_layouts_of_real_text(threads: int, train: Path, tmp_path: Path) -> None:
    whole = pq.read_table(train)
    pq.write_table(whole, tmp_path / "many.parquet", row_group_size=100, compression="zstd")
    expected = plain(whole.take(drawn_ids(3000, 1000, 42)))
    for source in (train, tmp_path / "many.parquet", whole, stream(whole), whole.to_pandas()):
        assert plain(fastsample.sample(source, 1000, threads=threads)).equals(expected)


@pytest.mark.parametrize("n", [1, 1000, 50_000, 166_466])
def test_draws_from_much_text(n: int, dev: Path) -> None:
    sample = fastsample.sample(dev, n, seed=1)
    assert sample.report.rows == 166_466
    assert sample.row_ids.tolist() == drawn_ids(166_466, n, 1)
    assert plain(sample).equals(plain(pq.read_table(dev).take(sample.row_ids)))


def test_writing_much_text_in_random_order(dev: Path, tmp_path: Path) -> None:
    sample = fastsample.sample(dev, 50_000)
    sample.write_parquet(tmp_path / "out.parquet", shuffle=True, memory_limit=8 << 20)
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]
    keys = [("prompt", "ascending"), ("response", "ascending"), ("source", "ascending")]
    written = pq.read_table(tmp_path / "out.parquet").combine_chunks()
    assert plain(written).sort_by(keys).equals(plain(sample).sort_by(keys))
    assert not plain(written).equals(plain(sample))


def test_inspect_agrees_with_pandas(train: Path, dev: Path) -> None:
    for path in (train, dev):
        found = fastsample.inspect(path)
        frame = pd.read_parquet(path)
        assert found.rows == len(frame)
        assert [column.name for column in found.columns] == list(frame.columns)
        assert found.files[0].row_groups == pq.read_metadata(path).num_row_groups
        assert found.bytes == path.stat().st_size
        for name, lengths in found.text.items():
            expected = frame[name].fillna("").str.len()
            assert lengths.nulls == frame[name].isna().sum()
            assert lengths.max == expected.max()
            assert lengths.mean == pytest.approx(expected.mean())
            for share, length in lengths.quantiles.items():
                exact = expected.quantile(share, interpolation="lower")
                assert length == pytest.approx(exact, rel=1 / 64, abs=1)


def test_inspect_knows_the_codec(train: Path) -> None:
    (file,) = fastsample.inspect(train, lengths=False).files
    assert (file.format, file.codecs, file.row_groups) == ("parquet", ("gzip",), 1)
