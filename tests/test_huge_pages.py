"""Row groups of one huge page a column: in bounded memory, on several cores, as any other."""

from __future__ import annotations

from pathlib import Path

import fastsample
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from data import run_fresh
from hypothesis import given, settings
from hypothesis import strategies as st

ROWS = 60_000
TEXT = "一二三四五六七八九十" * 24  # 720 bytes a row: pages of 40 MB, streams from 8 MB on

MEASURE = """
import sys, fastsample
sample = fastsample.sample(sys.argv[1], int(sys.argv[2]), threads=2)
sample.write_parquet(sys.argv[3])
print(peak())
"""


def table(rows: int) -> pa.Table:
    numbers = range(rows)
    return pa.table(
        {
            "id": list(numbers),
            "prompt": [None if i % 7 == 0 else f"{i} {TEXT}" for i in numbers],
            "response": [f"{TEXT} {i}" for i in numbers],
        }
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    folder = tmp_path_factory.mktemp("huge")
    paths = {}
    rows = table(ROWS)
    for codec in ("gzip", "zstd", "none", "snappy"):
        for version in ("1.0", "2.0"):
            path = folder / f"{codec}-{version}.parquet"
            pq.write_table(
                rows,
                path,
                compression=codec,
                use_dictionary=False,
                data_page_size=1 << 30,
                max_rows_per_page=1 << 30,
                data_page_version=version,
                row_group_size=ROWS,
            )
            paths[codec, version] = path
    return paths


@settings(max_examples=16, deadline=None)
@given(
    codec=st.sampled_from(["gzip", "zstd", "none", "snappy"]),
    version=st.sampled_from(["1.0", "2.0"]),
    n=st.one_of(st.integers(1, 50), st.integers(1, ROWS), st.just(ROWS)),
    threads=st.integers(1, 3),
    columns=st.sampled_from([None, ["response"], ["response", "prompt"], ["id", "prompt"]]),
)
def test_huge_pages_hold_the_rows_that_were_written(
    written: dict[tuple[str, str], Path],
    codec: str,
    version: str,
    n: int,
    threads: int,
    columns: list[str] | None,
) -> None:
    source = written[codec, version]
    sample = fastsample.sample(source, n, threads=threads, columns=columns)
    rows = pq.read_table(source, columns=columns).take(pa.array(sample.row_ids))
    assert sample.to_arrow().equals(rows)


def test_fastparquet_in_one_row_group(tmp_path: Path) -> None:
    fastparquet = pytest.importorskip("fastparquet")
    path = tmp_path / "fp.parquet"
    frame = pd.DataFrame({"prompt": [f"{i} {TEXT}" for i in range(ROWS)], "id": range(ROWS)})
    fastparquet.write(str(path), frame, compression="GZIP", row_group_offsets=[0])
    sample = fastsample.sample(path, 1000)
    assert sample.to_pandas()["prompt"].tolist() == [f"{i} {TEXT}" for i in sample.row_ids]


def test_memory_does_not_hold_a_page(tmp_path: Path) -> None:
    peaks = []
    for rows in (40_000, 160_000):
        path = tmp_path / f"{rows}.parquet"
        pq.write_table(
            table(rows),
            path,
            compression="gzip",
            use_dictionary=False,
            data_page_size=1 << 30,
            max_rows_per_page=1 << 30,
            row_group_size=rows,
        )
        (peak,) = run_fresh(MEASURE, path, rows // 4, tmp_path / "o")
        peaks.append(peak >> 20)
    # The text grows by 170 MB; only what waits to be written may grow, not the pages.
    assert peaks[1] - peaks[0] < 90, peaks


def test_damage_names_the_column(tmp_path: Path, written: dict[tuple[str, str], Path]) -> None:
    source = written["gzip", "1.0"]
    column = pq.read_metadata(source).row_group(0).column(2)
    data = bytearray(source.read_bytes())
    data[column.data_page_offset + column.total_compressed_size // 2] ^= 0xFF
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(data)
    output = tmp_path / "sample.parquet"
    with pytest.raises(fastsample.CorruptDataError, match="response"):
        fastsample.sample(broken, ROWS // 3).write_parquet(output)
    assert not output.exists()
