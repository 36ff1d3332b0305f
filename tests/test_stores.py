"""Object stores: the same row ids and rows as from local files, by few requests."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from data import pairs
from fastsample import errors
from fastsample.cli import app
from servers import BUCKET, S3, Web, web_server

pytestmark = pytest.mark.cloud

ROWS = 3000

Put = Callable[[Path, str], str]


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as server:
        yield server


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, s3: S3) -> Path:
    """Make a folder of a file of each format, and put them into the bucket."""
    folder = tmp_path_factory.mktemp("files")
    table = pairs(ROWS)
    rows = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in table.to_pylist())
    small = {"data_page_size": 4096, "write_batch_size": 64}
    pq.write_table(
        table, folder / "indexed.parquet", row_group_size=700, write_page_index=True, **small
    )
    pq.write_table(table, folder / "one-group.parquet", compression="gzip", **small)
    pq.write_table(table, folder / "plain.parquet", use_dictionary=False, compression="none")
    (folder / "rows.jsonl").write_text(rows, encoding="utf-8")
    (folder / "rows.jsonl.gz").write_bytes(gzip.compress(rows.encode()))
    table.to_pandas().to_csv(folder / "rows.csv", index=False)
    for name, new in (("file.arrow", pa.ipc.new_file), ("stream.arrows", pa.ipc.new_stream)):
        with new(folder / name, table.schema) as writer:
            writer.write_table(table, max_chunksize=700)
    for path in folder.iterdir():
        s3.put(f"each/{path.name}", path.read_bytes())
    return folder


FILES = (
    "indexed.parquet",
    "one-group.parquet",
    "plain.parquet",
    "rows.jsonl",
    "rows.jsonl.gz",
    "rows.csv",
    "file.arrow",
    "stream.arrows",
)


@pytest.mark.parametrize("name", FILES)
def test_ids_and_rows_are_those_of_local_files(files: Path, name: str) -> None:
    url = f"s3://{BUCKET}/each/{name}"
    for threads in (1, 2, 8):
        for smart in (False, True):
            local = fastsample.sample(files / name, 500, seed=3, smart=smart, threads=threads)
            found = fastsample.sample(url, 500, seed=3, smart=smart, threads=threads)
            assert found.row_ids.tolist() == local.row_ids.tolist()
            assert found.to_arrow().equals(local.to_arrow())
    assert fastsample.inspect(url).rows == ROWS


@pytest.mark.parametrize("name", ["indexed.parquet", "rows.jsonl"])
def test_splits_are_those_of_local_files(files: Path, name: str) -> None:
    sizes = {"train": 1000, "test": 200}
    for threads in (1, 2, 8):
        local = fastsample.split(files / name, sizes, seed=3, threads=threads)
        found = fastsample.split(f"s3://{BUCKET}/each/{name}", sizes, seed=3, threads=threads)
        for side in sizes:
            assert found[side].row_ids.tolist() == local[side].row_ids.tolist()
            assert found[side].to_arrow().equals(local[side].to_arrow())


def test_every_reader_of_a_stream_gets_the_rows(files: Path) -> None:
    """Some hold the GIL while they wait, which the threads that read need."""
    import polars

    drawn = fastsample.sample(f"s3://{BUCKET}/each/indexed.parquet", 500)
    expected = drawn.to_arrow()
    again = fastsample.sample(f"s3://{BUCKET}/each/indexed.parquet", 500)
    assert pa.RecordBatchReader.from_stream(again).read_all().equals(expected)
    assert polars.DataFrame(again).height == 500


def test_folders_and_globs_are_in_the_order_of_local_ones(tmp_path: Path, s3: S3) -> None:
    names = (
        "b/2.parquet",
        "b-c/1.parquet",
        "b/10.parquet",
        "_old/3.parquet",
        "a.csv",
        "b/note.txt",
    )
    for number, name in enumerate(names):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        table = pa.table({"id": range(number * 10, number * 10 + 10)})
        if path.suffix == ".parquet":
            pq.write_table(table, path)
        else:
            path.write_text("id\n1\n")
        s3.put(f"folder/{name}", path.read_bytes())
    for place in ("", "b", "*/*.parquet", "**/[12]*"):
        local = fastsample.sample(tmp_path / place, fraction=1.0)
        found = fastsample.sample(f"s3://{BUCKET}/folder/{place}", fraction=1.0)
        assert found.to_arrow().equals(local.to_arrow()), place
    with pytest.raises(errors.SourceNotFoundError, match="no file matches this glob"):
        fastsample.sample(f"s3://{BUCKET}/folder/*.arrow", 1)
    opened = fastsample.inspect([f"s3://{BUCKET}/folder/b", f"s3://{BUCKET}/folder/a.csv"])
    assert [str(file.path).rpartition("/")[2] for file in opened.files] == [
        "10.parquet",
        "2.parquet",
        "a.csv",
    ]
    assert opened.files[0].path == f"s3://{BUCKET}/folder/b/10.parquet"
    assert "note.txt" in opened.notes[0]


def test_a_store_that_is_made_already_is_read(files: Path) -> None:
    from obstore.store import MemoryStore

    store = MemoryStore()
    import obstore

    obstore.put(store, "deep/plain.parquet", files / "plain.parquet")
    found = fastsample.RemoteFiles("deep/*.parquet", store=store)
    local = fastsample.sample(files / "plain.parquet", 100)
    assert fastsample.sample(found, 100).row_ids.tolist() == local.row_ids.tolist()
    # Like every source: mixed, compared, aimed at.
    mixed = fastsample.mix({"far": found, "near": files / "rows.jsonl"}, 100)
    assert len(mixed) == 100
    aimed = fastsample.Smart(target=found)
    assert len(fastsample.sample(files / "rows.csv", 50, smart=aimed)) == 50


def test_a_cache_is_local_and_belongs_to_one_version(files: Path, s3: S3) -> None:
    key = "cached.parquet"
    s3.put(key, (files / "indexed.parquet").read_bytes())
    url = f"s3://{BUCKET}/{key}"
    first = fastsample.sample(url, 300).cache()
    drawn = fastsample.sample(url, 300)
    before = len(s3.requests())
    assert drawn.cache().path == first.path
    assert len(s3.requests()) == before
    assert first.to_arrow().equals(fastsample.sample(files / "indexed.parquet", 300).to_arrow())
    s3.put(key, (files / "plain.parquet").read_bytes())
    assert fastsample.sample(url, 300).cache().path != first.path


def test_a_changed_object_is_noticed(files: Path, s3: S3) -> None:
    for name in FILES:
        key = f"changing/{name}"
        s3.put(key, (files / name).read_bytes())
        drawn = fastsample.sample(f"s3://{BUCKET}/{key}", 300)
        s3.put(key, (files / name).read_bytes()[::-1])
        with pytest.raises(errors.SourceChangedError, match=f"s3://{BUCKET}/{key}: .*changed"):
            drawn.to_arrow()


def test_few_requests_are_made(tmp_path: Path, web: Web) -> None:
    """What is read of a file with an index: pages that have chosen rows."""
    rows, groups = 40_000, 4
    noise = np.random.default_rng(0).bytes(rows * 500).hex()
    table = pa.table(
        {
            "id": range(rows),
            "text": [noise[at : at + 1000] for at in range(0, rows * 1000, 1000)],
        }
    )
    path = tmp_path / "big.parquet"
    pq.write_table(
        table,
        path,
        row_group_size=rows // groups,
        compression="none",
        use_dictionary=False,
        data_page_size=100_000,
        write_page_index=True,
    )
    size = path.stat().st_size
    web.files["/big.parquet"] = path.read_bytes()
    url = f"{web.url}/big.parquet"

    drawn = fastsample.sample(url, rows // 2, threads=2)
    # The head and the tail.
    assert len(web.ranges) == 2
    web.ranges.clear()
    assert drawn.to_arrow().equals(fastsample.sample(path, rows // 2).to_arrow())
    asked = sum(end - start for start, end in web.ranges)
    pieces = size / (8 << 20)
    # Nearly all of it, each byte once: pieces of 8 MiB, one more for each group, and the index.
    assert size * 0.99 <= asked <= size * 1.05
    assert len(web.ranges) <= pieces + 2 * groups + 1
    assert all(end - start <= 8 << 20 for start, end in web.ranges)
    assert 1 < web.most_under_way <= 16

    web.ranges.clear()
    few = fastsample.sample(url, 3, threads=2)
    assert few.to_arrow().equals(fastsample.sample(path, 3).to_arrow())
    assert sum(end - start for start, end in web.ranges) < size * 0.15
    assert len(web.ranges) <= 2 + 1 + 2 * 3
    assert web.methods.count("HEAD") == 2


def test_an_output_of_objects_is_made_again(files: Path, s3: S3, tmp_path: Path) -> None:
    """Manifests and outputs know objects by their ETags, and tell no credentials."""
    key = "made/rows.parquet"
    s3.put(key, (files / "indexed.parquet").read_bytes())
    secret = {"access_key_id": "NEVERTOLD", "secret_access_key": "NEVERTOLD"}
    far = fastsample.RemoteFiles(f"s3://{BUCKET}/made/", storage_options=secret)
    near = files / "rows.jsonl"
    out = tmp_path / "out.parquet"
    manifest = tmp_path / "out.parquet.manifest.json"
    for drawn, where in (
        (fastsample.sample(far, 50, seed=7), far),
        (fastsample.split(far, {"train": 0.8, "valid": 30})["valid"], far),
        (fastsample.epochs(far, 60)[1], far),
        (fastsample.mix({"far": (far, 0.5), "near": (near, 0.5)}, 40), {"far": far, "near": near}),
    ):
        drawn.write_parquet(out, manifest=True)
        assert b"NEVERTOLD" not in out.read_bytes() + manifest.read_bytes()
        for again in (fastsample.reproduce(manifest), fastsample.reproduce(out, where)):
            assert again.row_ids.tolist() == drawn.row_ids.tolist()
            assert again.to_arrow().equals(drawn.to_arrow())
            assert not any("size" in note for note in again.report.notes)
    made = json.loads(manifest.read_text(encoding="utf-8"))
    assert made["sources"][0]["source"] == [f"s3://{BUCKET}/made/"]
    file = made["sources"][0]["files"][0]
    data = (files / "indexed.parquet").read_bytes()
    tag = f'"{hashlib.md5(data).hexdigest()}"'
    assert file == {"path": f"s3://{BUCKET}/{key}", "bytes": len(data), "etag": tag}

    # The same bytes are put again: another time of change, the same object.
    s3.put(key, data)
    assert len(fastsample.reproduce(manifest)) == 40
    # One bit is another one, of the same size.
    other = bytes([*data[:100], data[100] ^ 1, *data[101:]])
    s3.put(key, other)
    now = f'"{hashlib.md5(other).hexdigest()}"'
    told = rf"far: .*rows\.parquet: .*same size: ETag {now}, not {tag}"
    with pytest.raises(errors.SourceChangedError, match=told):
        fastsample.reproduce(manifest)
    with pytest.raises(errors.SourceChangedError, match=told):
        fastsample.reproduce(out, {"far": far, "near": near})
    # Fewer rows than were drawn.
    pq.write_table(pairs(3), tmp_path / "few.parquet")
    s3.put(key, (tmp_path / "few.parquet").read_bytes())
    shorter = rf"bytes, not .*ETag .*, not {tag}"
    with pytest.raises(errors.SourceChangedError, match=shorter):
        fastsample.reproduce(manifest)
    with pytest.raises(errors.SourceChangedError, match=shorter):
        fastsample.reproduce(out, {"far": far, "near": near})
    with pytest.raises(errors.ArgumentError, match=r"in an object store .* name their URL"):
        fastsample.reproduce(out, {"near": near})


def test_versions_of_objects_are_told(files: Path, s3: S3, tmp_path: Path) -> None:
    s3.keep_versions()
    key = "kept/rows.parquet"
    s3.put(key, (files / "indexed.parquet").read_bytes())
    drawn = fastsample.sample(f"s3://{BUCKET}/{key}", 10)
    drawn.write_parquet(tmp_path / "out.parquet", manifest=True)
    manifest = tmp_path / "out.parquet.manifest.json"
    version = json.loads(manifest.read_text(encoding="utf-8"))["files"][0]["version_id"]
    s3.put(key, (files / "indexed.parquet").read_bytes())
    assert fastsample.reproduce(manifest).row_ids.tolist() == drawn.row_ids.tolist()
    s3.put(key, bytes(reversed((files / "indexed.parquet").read_bytes())))
    with pytest.raises(errors.SourceChangedError, match=f"the version of before is {version}"):
        fastsample.reproduce(manifest)


def test_only_the_size_is_compared_without_tags(files: Path, web: Web, tmp_path: Path) -> None:
    web.tags = False
    web.files["/rows.parquet"] = (files / "plain.parquet").read_bytes()
    url = f"{web.url}/rows.parquet".replace("//", "//user:secret@")
    out, manifest = tmp_path / "out.parquet", tmp_path / "out.parquet.manifest.json"
    drawn = fastsample.sample(url, 20)
    drawn.write_parquet(out, manifest=True)
    assert "secret" not in manifest.read_text(encoding="utf-8")
    for again in (fastsample.reproduce(manifest), fastsample.reproduce(out, url)):
        assert again.row_ids.tolist() == drawn.row_ids.tolist()
        assert again.report.notes[-1].startswith("only the size of ")
        assert again.report.notes[-1].endswith(
            "rows.parquet was compared with that of before: the server gives no ETag"
        )
    local = fastsample.reproduce(manifest, files / "plain.parquet")
    assert local.row_ids.tolist() == drawn.row_ids.tolist()
    assert "a local file has no ETag" in local.report.notes[-1]
    told = CliRunner().invoke(app, ["reproduce", str(manifest), "-o", str(tmp_path / "b.parquet")])
    assert (told.exit_code, "gives no ETag" in " ".join(told.output.split())) == (0, True)
    web.files["/rows.parquet"] += b"x"
    with pytest.raises(errors.SourceChangedError, match=r"rows\.parquet: [\d,]+ bytes, not "):
        fastsample.reproduce(manifest)


def test_many_objects_have_one_fingerprint(s3: S3, tmp_path: Path) -> None:
    for number in range(17):
        pq.write_table(pairs(5, seed=number), tmp_path / "few.parquet")
        s3.put(f"many/{number:02}.parquet", (tmp_path / "few.parquet").read_bytes())
    url, out = f"s3://{BUCKET}/many", tmp_path / "out.parquet"
    drawn = fastsample.sample(url, 20)
    drawn.write_parquet(out)
    assert fastsample.reproduce(out, url).row_ids.tolist() == drawn.row_ids.tolist()
    with pytest.raises(errors.ArgumentError, match="17 files in an object store"):
        fastsample.reproduce(out)
    s3.put("many/16.parquet", bytes(reversed((tmp_path / "few.parquet").read_bytes())))
    with pytest.raises(errors.SourceChangedError, match="source files: as long as before, but"):
        fastsample.reproduce(out, url)


def test_what_can_not_be_made_again_says_why(files: Path, tmp_path: Path) -> None:
    import obstore
    from obstore.store import MemoryStore

    out, manifest = tmp_path / "out.parquet", tmp_path / "out.parquet.manifest.json"
    store = MemoryStore()
    obstore.put(store, "deep/plain.parquet", files / "plain.parquet")
    held = fastsample.RemoteFiles("deep", store=store)
    by_target = fastsample.sample(files / "plain.parquet", 10, smart=fastsample.Smart(target=held))
    with pytest.raises(fastsample.ArgumentError, match=r"since target= .* passed as store="):
        by_target.write_parquet(out, manifest=True)
    assert not list(tmp_path.glob("out*"))

    drawn = fastsample.sample(held, 10)
    drawn.write_parquet(out, manifest=True)
    with pytest.raises(fastsample.ArgumentError, match=r"MemoryStore:/deep, .* passed as store="):
        fastsample.reproduce(manifest)
    assert fastsample.reproduce(manifest, held).row_ids.tolist() == drawn.row_ids.tolist()
    assert fastsample.reproduce(out, held).row_ids.tolist() == drawn.row_ids.tolist()


def test_what_is_not_there_is_named(s3: S3) -> None:
    for url, message in (
        (f"s3://{BUCKET}/nothing.parquet", "no such file or folder"),
        ("s3://no-such-bucket/x.parquet", "there is no such bucket"),
        ("s3://no-such-bucket/*.parquet", "there is no such bucket"),
    ):
        with pytest.raises(errors.SourceNotFoundError, match=message):
            fastsample.sample(url, 10)
