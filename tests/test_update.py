"""`update`: the sample of a source that has grown is a fresh draw, read from the earlier output."""

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from data import drawn_ids, pairs, write_ipc, write_parquet
from fastsample._sampling.formats import file_format
from fastsample.cli import app

ROWS = 900


def table(rows: int) -> pa.Table:
    found = pairs(rows, mean_chars=12)
    columns = {
        "kind": pa.array([str(row % 3) for row in range(rows)]),
        "talk": pa.array([row // 4 for row in range(rows)]),
        "score": pa.array([row % 100 / 100 for row in range(rows)]),
    }
    for name, column in columns.items():
        found = found.append_column(name, column)
    return found


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Return files of 250, 350, 80 and 220 rows, of which the first two were there before."""
    rows = table(ROWS)
    (tmp_path / "source").mkdir()
    folder = tmp_path / "source"
    return [
        write_parquet(rows[:250], folder / "a.parquet", row_group_size=60),
        write_ipc(rows[250:600], folder / "b.arrow"),
        write_parquet(rows[600:680], folder / "c.parquet"),
        write_parquet(rows[680:], folder / "d.parquet"),
    ]


def same(one: fastsample.Sample, other: fastsample.Sample) -> None:
    assert one.row_ids.tolist() == other.row_ids.tolist()
    assert one.to_arrow().equals(other.to_arrow())
    assert (one.report.rows, one.report.matching) == (other.report.rows, other.report.matching)


def kept(sample: fastsample.Sample) -> int:
    found = re.search(r"([\d,]+) of [\d,]+ rows are read from", str(sample.report.notes))
    return int(found[1].replace(",", "")) if found else 0


CASES: list[tuple[dict[str, Any], str]] = [
    ({"n": 50}, "o.parquet"),
    ({"n": 600}, "o.arrow"),
    ({"fraction": 0.13, "seed": 7}, "o.jsonl"),
    ({"fraction": 0.5, "columns": ["kind", "id"]}, "o.csv"),
    ({"fraction": 1.0}, "o.parquet"),
    ({"fraction": 0.3, "where": "kind = '1' and id > 20"}, "o.jsonl.gz"),
    ({"n": 60, "by": "kind", "allocation": {"0": 0.25, "2": 0.75}}, "o.parquet"),
    ({"n": 90, "group": "talk"}, "o.parquet"),
    ({"n": 90, "weight": "score"}, "o.parquet"),
]


@pytest.mark.parametrize(("options", "output"), CASES, ids=str)
def test_an_update_is_a_fresh_draw(
    files: list[Path], tmp_path: Path, options: dict[str, Any], output: str
) -> None:
    drawn = fastsample.sample(files[:2], **options)
    write = getattr(drawn, f"write_{file_format(Path(output))}")
    write(tmp_path / output, manifest=True, shards=3 if options.get("n") == 50 else 1)
    for number, there in enumerate((3, 4)):
        fresh = fastsample.sample(files[:there], **options)
        updated = fastsample.update(tmp_path / output, files[:there])
        same(updated, fresh)
        both = set(drawn.row_ids.tolist()) & set(fresh.row_ids.tolist())
        assert kept(updated) == len(both) > 0
        # The next one is an update of this one, in another place.
        output = f"{number}.parquet"
        updated.write_parquet(tmp_path / output, manifest=True)
        made = json.loads((tmp_path / f"{output}.manifest.json").read_text(encoding="utf-8"))
        fresh.write_parquet(tmp_path / "fresh.parquet", manifest=True)
        expected = json.loads((tmp_path / "fresh.parquet.manifest.json").read_text())
        assert {**made, "outputs": 0} == {**expected, "outputs": 0}
        assert (tmp_path / output).read_bytes() == (tmp_path / "fresh.parquet").read_bytes()
        same(fastsample.reproduce(tmp_path / f"{output}.manifest.json"), fresh)
        drawn = updated
    with pytest.raises(fastsample.OutputError):
        updated.write_parquet(tmp_path / "0.parquet")
    fresh.write_parquet(tmp_path / "fresh.parquet", shuffle=True)
    updated.write_parquet(tmp_path / "shuffled.parquet", shuffle=True)
    assert pq.read_table(tmp_path / "shuffled.parquet").equals(
        pq.read_table(tmp_path / "fresh.parquet")
    )


def test_a_sample_is_updated_from_its_rows_in_memory(files: list[Path]) -> None:
    old = fastsample.sample(files[:2], fraction=0.2)
    fresh = fastsample.sample(files, fraction=0.2)
    for in_memory in (False, True):
        if in_memory:
            assert old[0]["id"] == old.row_ids[0]
        updated = fastsample.update(old, files)
        same(updated, fresh)
        both = set(old.row_ids.tolist()) & set(fresh.row_ids.tolist())
        assert kept(updated) == (len(both) if in_memory else 0)
        same(fastsample.update(updated, files), fresh)
    os.utime(files[0], ns=(0, 0))
    with pytest.raises(fastsample.SourceChangedError, match=r"a\.parquet"):
        fastsample.update(old, files)
    with pytest.raises(fastsample.ArgumentError, match="fewer than the 2 it had"):
        fastsample.update(old, files[1:2])


def bytes_read(work: Callable[[], object]) -> int:
    """Return the bytes that this process reads from files."""

    def count() -> int:
        found = re.search(r"rchar: (\d+)", Path("/proc/self/io").read_text())
        return int(found[1]) if found else 0

    before = count()
    work()
    return count() - before


@pytest.mark.skipif(sys.platform != "linux", reason="the system counts the bytes")
@pytest.mark.parametrize("options", [{"n": 900}, {"fraction": 0.1}], ids=str)
def test_growth_of_a_tenth_reads_what_is_new(tmp_path: Path, options: dict[str, Any]) -> None:
    # 9,000 rows, and 900 new ones; pages of some 20 rows.
    rows, old = pairs(9900, mean_chars=60), 9000
    layout = {"compression": "none", "data_page_size": 4096, "write_page_index": True}
    layout["use_dictionary"] = False
    files = [
        write_parquet(rows[first:end], tmp_path / f"{first}.parquet", **layout)
        for first, end in ((0, 3000), (3000, 6000), (6000, 9000), (9000, 9900))
    ]
    drawn = fastsample.sample(files[:3], **options)
    drawn.write_parquet(tmp_path / "old.parquet", manifest=True, compression="none")
    fresh = bytes_read(
        lambda: fastsample.sample(files, **options).write_parquet(
            tmp_path / "fresh.parquet", provenance=False
        )
    )
    read = bytes_read(
        lambda: fastsample.update(tmp_path / "old.parquet", files).write_parquet(
            tmp_path / "new.parquet", provenance=False
        )
    )
    updated = fastsample.update(tmp_path / "old.parquet", files)
    total = sum(file.stat().st_size for file in files)
    assert fresh > 0.9 * total
    # The earlier output and the new file are a fifth of the source.
    new = files[3].stat().st_size + (tmp_path / "old.parquet").stat().st_size
    assert read < 1.1 * new + 0.05 * total
    assert read < 0.3 * fresh
    # With n all old rows that belong were drawn before; with a fraction but a few.
    n = len(drawn.row_ids) if "n" in options else 990
    wanted = set(drawn_ids(9900, n, 42))
    lacking = {row for row in wanted if row < old} - set(drawn.row_ids.tolist())
    assert set(updated.row_ids.tolist()) == wanted
    assert kept(updated) == sum(row < old for row in wanted) - len(lacking)
    assert len(lacking) == 0 if "n" in options else len(lacking) < 60
    # The hashes of old files are taken over from the manifest.
    hashed = bytes_read(
        lambda: updated.write_parquet(tmp_path / "m.parquet", manifest=True, provenance=False)
    )
    assert hashed < read + 1.1 * files[3].stat().st_size + 0.02 * total


def test_what_has_changed_is_told(files: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "o.parquet"
    fastsample.sample(files[:2], 50).write_parquet(out, manifest=True)
    first, whole = files[0], files[0].read_bytes()

    os.utime(first, ns=(1, 1))  # of another time, but the same
    assert len(fastsample.update(out, files)) == 50
    first.write_bytes(whole[:-20] + b"x" * 20)
    with pytest.raises(
        (fastsample.SourceChangedError, fastsample.CorruptDataError), match=r"a\.parquet"
    ):
        fastsample.update(out, files)
    write_parquet(table(200), first)
    with pytest.raises(fastsample.SourceChangedError, match=r"a\.parquet: [\d,]+ bytes, not"):
        fastsample.update(out, files)
    turned = pq.read_table(pa.BufferReader(whole))
    order = [1, 0, *range(2, turned.num_rows)]
    write_parquet(turned.take(order), first, row_group_size=60)
    if first.stat().st_size == len(whole):
        with pytest.raises(fastsample.SourceChangedError, match="with other content"):
            fastsample.update(out, files)
    first.write_bytes(whole)

    for wrong, message in (
        ([files[2], *files[:2]], r"c\.parquet: [\d,]+ bytes, not"),
        (files[:1], "1 files, not the 2"),
    ):
        with pytest.raises(fastsample.SourceChangedError, match=message):
            fastsample.update(out, wrong)

    updated = fastsample.update(out, files)
    manifest = tmp_path / "o.parquet.manifest.json"
    made = json.loads(manifest.read_text(encoding="utf-8"))
    made["options"]["seed"] = 43
    other = tmp_path / "p.parquet.manifest.json"
    other.write_text(json.dumps(made), encoding="utf-8")
    with pytest.raises(fastsample.SourceChangedError, match="other rows are drawn"):
        fastsample.update(other, files)

    # An output that was moved with its manifest; then one that was written over.
    (tmp_path / "moved").mkdir()
    out.rename(tmp_path / "moved" / out.name)
    with pytest.raises(fastsample.SourceNotFoundError, match=r"o\.parquet"):
        fastsample.update(manifest, files)
    manifest.rename(tmp_path / "moved" / manifest.name)
    assert len(fastsample.update(tmp_path / "moved" / out.name, files)) == 50
    write_parquet(table(50), tmp_path / "moved" / out.name)
    with pytest.raises(fastsample.SourceChangedError, match="as written"):
        fastsample.update(tmp_path / "moved" / out.name, files)
    with pytest.raises((fastsample.SourceChangedError, fastsample.SourceNotFoundError)):
        updated.to_arrow()


def test_what_can_not_be_updated_says_why(files: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "o.parquet"
    refused: list[tuple[dict[str, Any], str]] = [
        ({"n": 20, "smart": True}, "drawn with smart, where the weight of a row depends on all"),
        ({"n": 20, "replace": True}, "drawn with replace, where a row may come several times"),
        ({"n": 20, "weights": True}, "drawn with weights, where the column _weight depends"),
        ({"n": 20, "exclude": [str(files[3])]}, "drawn with exclude, where"),
    ]
    for options, message in refused:
        drawn = fastsample.sample(files[:2], **options)
        with pytest.raises(fastsample.ArgumentError, match=f"the earlier sample was {message}"):
            fastsample.update(drawn, files)
        drawn.write_parquet(out, manifest=True)
        with pytest.raises(fastsample.ArgumentError, match=rf"o\.parquet was {message}"):
            fastsample.update(out, files)
    drawn = fastsample.sample(files[:2], 20)
    drawn.write_parquet(out, shuffle=True, manifest=True)
    with pytest.raises(fastsample.ArgumentError, match="the rows were shuffled"):
        fastsample.update(out, files)
    drawn.write_parquet(out, manifest=True)
    with pytest.raises(fastsample.ArgumentError, match="an object in memory, not from files"):
        fastsample.update(out, table(9))
    with pytest.raises(fastsample.ArgumentError, match=r"can't be updated, since .* in memory"):
        fastsample.update(fastsample.sample(table(9), 2), files)
    with pytest.raises(fastsample.SourceNotFoundError, match=r"no\.parquet\.manifest\.json"):
        fastsample.update(tmp_path / "no.parquet", files)
    # A column of another type in a new file changes that of all rows.
    lines = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    lines[0].write_text('{"x": 1, "t": "a"}\n' * 30)
    lines[1].write_text('{"x": 1.5, "t": "b", "new": 1}\n' * 30)
    fastsample.sample(lines[:1], 9).write_parquet(out, manifest=True)
    with pytest.raises(fastsample.SchemaError, match='column "x" is'):
        fastsample.update(out, lines)
    # A new column is null in the rows of old files.
    lines[1].write_text('{"x": 2, "t": "b", "new": 1}\n' * 30)
    updated = fastsample.update(out, lines)
    same(updated, fastsample.sample(lines, 9))
    assert updated.to_arrow()["new"].null_count == kept(updated)


def test_lines_may_be_appended_to_the_last_file(tmp_path: Path) -> None:
    rows, out = pairs(700, mean_chars=12), tmp_path / "o.parquet"
    for name, write in (("rows.jsonl", "write_jsonl"), ("rows.csv", "write_csv")):
        path = tmp_path / name
        getattr(fastsample.sample(rows[:400], 400), write)(path)
        for options in ({"fraction": 0.4}, {"n": 90, "where": "id > 50"}):
            drawn = fastsample.sample(path, **options)
            drawn.write_parquet(out, manifest=True)
            before = path.read_bytes()
            getattr(fastsample.sample(rows[400:], 300), write)(tmp_path / f"more-{name}")
            more = (tmp_path / f"more-{name}").read_bytes()
            path.write_bytes(before + (more if name == "rows.jsonl" else more.split(b"\n", 1)[1]))
            updated, fresh = fastsample.update(out, path), fastsample.sample(path, **options)
            same(updated, fresh)
            assert kept(updated) == len({*drawn.row_ids.tolist()} & {*fresh.row_ids.tolist()})
            path.write_bytes(b" " + before + more)
            with pytest.raises(fastsample.SourceChangedError, match="not the old lines"):
                fastsample.update(out, path)
            path.write_bytes(before)


def test_the_command_line(files: list[Path], tmp_path: Path) -> None:
    out, new = tmp_path / "o.parquet", tmp_path / "new.parquet"
    fastsample.sample(files[:2], fraction=0.25, seed=3).write_parquet(out, manifest=True)
    named = [f"--input={file}" for file in files]
    asked = ["update", str(out), *named, "-o", str(new), "--manifest", "--json"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    fresh = fastsample.sample(files, fraction=0.25, seed=3)
    assert pq.read_table(new)["id"].to_pylist() == fresh.row_ids.tolist()
    assert "rows are read from" in json.loads(done.stdout)["notes"][0]
    same(fastsample.reproduce(f"{new}.manifest.json"), fresh)
    for arguments, code, message in (
        (["update", str(out), "-o", str(new)], 2, "name the source with --input"),
        (["update", str(out), named[2], "-o", str(new)], 1, "bytes, not"),
        (["update", str(tmp_path / "no.parquet"), *named, "-o", str(new)], 1, "no such file"),
    ):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == code, done.output
        assert message in " ".join(done.output.replace("│", " ").split())
