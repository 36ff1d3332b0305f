"""`update` of samples of object stores, and manifests of draws by rows of stores."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from data import pairs
from fastsample import errors
from servers import BUCKET, S3, web_server

pytestmark = pytest.mark.cloud

TABLE = pairs(900, mean_chars=30).append_column("kind", pa.array([row % 3 for row in range(900)]))


def stored(table: pa.Table) -> bytes:
    """Return the rows as a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=100)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def fill(s3: S3, folder: str, *parts: tuple[int, int]) -> str:
    """Put rows into a folder of the bucket, a file for each part, and return its URL."""
    for number, (first, last) in enumerate(parts):
        s3.put(f"{folder}/part-{number}.parquet", stored(TABLE[first:last]))
    return f"s3://{BUCKET}/{folder}/"


def kept(sample: fastsample.Sample) -> int:
    found = re.search(r"([\d,]+) of [\d,]+ rows are read from", str(sample.report.notes))
    return int(found[1].replace(",", "")) if found else 0


@pytest.mark.parametrize("written", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        {"n": 120},
        {"fraction": 0.2, "where": "kind <> 1"},
        {"n": 90, "by": "kind"},
        {"n_groups": 2, "group": "kind"},
    ],
    ids=str,
)
def test_a_store_that_has_grown(
    s3: S3, tmp_path: Path, options: dict[str, Any], written: bool
) -> None:
    name = f"grown-{len(options)}-{next(iter(options.values()))}-{written}"
    url = fill(s3, name, (0, 350), (350, 600))
    drawn = fastsample.sample(url, **options)
    out = tmp_path / "out.parquet"
    if written:
        drawn.write_parquet(out, manifest=True)
    else:
        drawn.cache(tmp_path)
        drawn[0]
    before = set(drawn.row_ids.tolist())
    fill(s3, name, (0, 350), (350, 600), (600, 900))
    updated = fastsample.update(out if written else drawn, url)
    fresh = fastsample.sample(url, **options)
    assert updated.row_ids.tolist() == fresh.row_ids.tolist()
    assert updated.to_arrow().equals(fresh.to_arrow())
    assert kept(updated) == len(before & set(fresh.row_ids.tolist())) > 0

    # An update tells what made it, as the draw that it equals does.
    again = tmp_path / "again.parquet"
    updated.write_parquet(again, manifest=True)
    same = fastsample.reproduce(f"{again}.manifest.json")
    assert same.row_ids.tolist() == fresh.row_ids.tolist()


def test_old_rows_are_read_from_the_earlier_output(s3: S3, tmp_path: Path) -> None:
    url = fill(s3, "few", (0, 600))
    drawn = fastsample.sample(url, fraction=0.5)
    drawn.write_parquet(tmp_path / "out.parquet", manifest=True)
    fill(s3, "few", (0, 600), (600, 900))
    updated = fastsample.update(tmp_path / "out.parquet", url)
    fresh = fastsample.sample(url, fraction=0.5)
    old = set(drawn.row_ids.tolist())
    rows = fresh.row_ids.tolist()
    assert kept(updated) == len(old & set(rows)) >= 0.9 * sum(row < 600 for row in rows)
    assert updated.to_arrow().equals(fresh.to_arrow())


def test_what_is_not_the_old_store_is_refused(s3: S3, tmp_path: Path) -> None:
    url = fill(s3, "other", (0, 300), (300, 600))
    drawn = fastsample.sample(url, 50)
    out = tmp_path / "out.parquet"
    drawn.write_parquet(out, manifest=True)
    local = tmp_path / "local.parquet"
    pq.write_table(TABLE[:600], local)
    with pytest.raises(errors.SourceChangedError, match="were in a store, and these are on this"):
        fastsample.update(out, local)
    near = tmp_path / "near.parquet"
    fastsample.sample(local, 50).write_parquet(near, manifest=True)
    with pytest.raises(
        errors.SourceChangedError, match="on this machine, and these are in a store"
    ):
        fastsample.update(near, url)
    with pytest.raises(errors.SourceChangedError, match="1 files, not the 2 there were"):
        fastsample.update(out, f"{url}part-0.parquet")
    data = stored(TABLE[300:600])
    s3.put("other/part-1.parquet", bytes([*data[:50], data[50] ^ 1, *data[51:]]))
    with pytest.raises(errors.SourceChangedError, match=r"part-1\.parquet: .* same size: ETag"):
        fastsample.update(out, url)
    with pytest.raises(errors.SourceChangedError, match=r"part-1\.parquet"):
        fastsample.update(drawn, url)


def test_without_tags_nobody_can_tell(tmp_path: Path) -> None:
    with web_server() as web:
        web.tags = False
        web.files["/a.parquet"] = stored(TABLE[:300])
        url = f"{web.url}/a.parquet"
        out = tmp_path / "out.parquet"
        fastsample.sample(url, 50).write_parquet(out, manifest=True)
        with pytest.raises(errors.ArgumentError, match="the server gives no ETag"):
            fastsample.update(out, url)


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        *((kind, how) for kind in ("target", "avoid") for how in ("sample", "split", "epochs")),
        *(("exclude", how) for how in ("sample", "split", "epochs", "mix")),
    ],
)
def test_rows_of_stores_that_had_a_part_are_told(
    s3: S3, tmp_path: Path, kind: str, how: str
) -> None:
    name = f"part-{kind}-{how}"
    url = fill(s3, name, (0, 40))
    local = tmp_path / "rows.parquet"
    pq.write_table(TABLE[100:700], local)
    options: dict[str, Any] = {"exclude": [url]}
    if kind == "target":
        options = {"smart": fastsample.Smart(target=url)}
    elif kind == "avoid":
        options = {"smart": fastsample.Smart(avoid=[url])}
    drawn: fastsample.Sample
    if how == "sample":
        drawn = fastsample.sample(local, 50, **options)
    elif how == "epochs":
        drawn = fastsample.epochs(local, 50, **options)[1]
    elif how == "split":
        drawn = fastsample.split(local, {"a": 50, "b": 100}, **options)["b"]
    else:
        drawn = fastsample.mix({"a": local}, 50, **options)
    out, manifest = tmp_path / "out.parquet", tmp_path / "out.parquet.manifest.json"
    drawn.write_parquet(out, manifest=True)
    made = json.loads(manifest.read_text("utf-8"))
    told = made["other_inputs"]
    assert [each["path"] for each in told] == [f"{url}part-0.parquet"]
    assert told[0]["etag"]
    again = fastsample.reproduce(manifest)
    assert again.row_ids.tolist() == drawn.row_ids.tolist()
    data = stored(TABLE[:40])
    s3.put(f"{name}/part-0.parquet", bytes([*data[:50], data[50] ^ 1, *data[51:]]))
    with pytest.raises(errors.SourceChangedError, match=r"part-0\.parquet: .*ETag"):
        fastsample.reproduce(manifest)
    with pytest.raises(errors.FastSampleError, match="store"):
        fastsample.reproduce(out, tmp_path)
