"""One rule for every output: never an input, a device or a pipe; links are followed."""

from __future__ import annotations

import os
import pickle
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import fastsample
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from commands import run
from fastsample import errors
from tokenizers_made import make

ROWS = 400


def texts(start: int = 0) -> pa.Table:
    rows = range(start, start + ROWS)
    return pa.table({"id": rows, "text": [f"第 {i} 句话，说的是 {i * 7919 % 1000}" for i in rows]})


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.parquet"
    pq.write_table(texts(), path)
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "target.parquet"
    pq.write_table(texts(ROWS // 2), path)
    return path


def refused(path: Path, write: Callable[[], object], *words: str) -> None:
    """Assert that `write` is refused, and that the file and its folder are as they were."""
    before, names = path.read_bytes(), sorted(path.parent.iterdir())
    with pytest.raises(errors.OutputError) as caught:
        write()
    for word in (str(path), *words):
        assert word in str(caught.value)
    assert path.read_bytes() == before
    assert sorted(path.parent.iterdir()) == names


def fails(*arguments: object) -> str:
    """Run the command line, which must fail without a traceback."""
    done = run(*arguments)
    assert done.returncode in (1, 2), done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


WRITERS = ["write_parquet", "write_ipc"]


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("options", [{}, {"shards": 2}], ids=str)
def test_target_of_a_smart_draw(
    source: Path, target: Path, writer: str, options: dict[str, int]
) -> None:
    if options:
        target = target.rename(target.with_name("target-00001-of-00002.parquet"))
    drawn = fastsample.sample(source, 20, smart=fastsample.Smart(target=target))
    output = target.with_name("target.parquet")
    refused(target, lambda: getattr(drawn, writer)(output, **options), "input")


def test_target_of_a_split(source: Path, target: Path) -> None:
    sides = fastsample.split(
        source, {"target": 20, "rest": 20}, smart=fastsample.Smart(target=target)
    )
    refused(target, lambda: sides.write_parquet(target.parent), "input")


def test_target_of_an_epoch(source: Path, target: Path) -> None:
    epochs = fastsample.epochs(source, 20, smart=fastsample.Smart(target=target))
    refused(target, lambda: next(iter(epochs)).write_parquet(target), "input")


def test_target_named_relative_to_another_folder(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(target.parent)
    drawn = fastsample.sample(source, 20, smart=fastsample.Smart(target=target.name))
    monkeypatch.chdir("/")
    refused(target, lambda: drawn.write_parquet(target), "input")


def test_source_and_target_of_scores(source: Path, target: Path) -> None:
    scores = fastsample.score(source, fastsample.Smart(target=target))
    for path in (source, target):
        refused(path, lambda path=path: scores.write_parquet(path), "input")  # type: ignore[misc]


@pytest.mark.parametrize("smart", [False, True])
def test_tokenizer(source: Path, tmp_path: Path, smart: bool) -> None:
    path = tmp_path / "tokenizer.json"
    make("wordpiece", path)
    link = tmp_path / "out.parquet"
    link.symlink_to(path)
    for tokenizer in (path, tmp_path):
        drawn = fastsample.sample(source, budget_tokens=100, tokenizer=tokenizer, smart=smart)
        refused(path, lambda drawn=drawn: drawn.write_parquet(link), "input")  # type: ignore[misc]


def test_file_behind_a_dataset(source: Path) -> None:
    rows = fastsample.sample(source, 50).cache()
    for drawn in (fastsample.sample(rows, 5), fastsample.sample(rows, 5, smart=True)):
        refused(rows.path, lambda drawn=drawn: drawn.write_ipc(rows.path), "input")  # type: ignore[misc]
    scores = fastsample.score(rows)
    refused(rows.path, lambda: scores.write_parquet(rows.path), "input")


def test_file_behind_an_unpickled_sample(source: Path) -> None:
    sample = fastsample.sample(source, 50)
    drawn, path = pickle.loads(pickle.dumps(sample)), sample.cache().path
    refused(path, lambda: drawn.write_ipc(path), "input")
    again = fastsample.sample(drawn, 5)
    refused(path, lambda: again.write_ipc(path), "input")


def test_source_of_an_unpickled_sample(source: Path) -> None:
    drawn = pickle.loads(pickle.dumps(fastsample.sample(source, 50)))
    refused(source, lambda: drawn.write_parquet(source), "input")


def test_files_of_a_dataset_of_pyarrow(source: Path) -> None:
    drawn = fastsample.sample(pa.dataset.dataset(source), 5)
    refused(source, lambda: drawn.write_parquet(source), "input")


def test_files_of_a_dataset_of_hugging_face(source: Path, tmp_path: Path) -> None:
    import datasets

    rows = datasets.Dataset.from_parquet(str(source), cache_dir=str(tmp_path / "cache"))
    file = Path(rows.cache_files[0]["filename"])
    drawn = fastsample.sample(rows, 5)
    refused(file, lambda: drawn.write_ipc(file), "input")


def reports(source: Path) -> dict[str, Callable[[Path], object]]:
    """Everything that writes a small file, as a function of its path."""
    same = source.with_name("same.parquet")
    shutil.copy(source, same)
    found = fastsample.compare(source, same)
    plan = fastsample.plan(source, seconds_per_step=1, batch_size=8, n=10)
    return {
        "html": found.write_html,
        "lengths": fastsample.inspect(source).plot,
        "hours": plan.plot,
        "settings": lambda path: plan.write_settings(path, overwrite=True),
    }


NAMES = {"html": "a.html", "lengths": "a.png", "hours": "a.svg", "settings": "a.toml"}


@pytest.mark.parametrize("kind", NAMES)
def test_report_over_its_source(tmp_path: Path, kind: str) -> None:
    source = tmp_path / NAMES[kind]
    pq.write_table(texts(), source)
    write = reports(source)[kind]
    refused(source, lambda: write(source), "input")
    link = tmp_path / f"link{source.suffix}"
    link.symlink_to(source)
    refused(source, lambda: write(link), "input")


@pytest.mark.parametrize("kind", NAMES)
def test_report_to_a_pipe_or_a_device(source: Path, kind: str) -> None:
    write = reports(source)[kind]
    path = source.with_name(NAMES[kind])
    os.mkfifo(path)
    with pytest.raises(errors.OutputError, match="device, pipe"):
        write(path)
    assert path.is_fifo()
    path.unlink()
    path.symlink_to("/dev/null")
    with pytest.raises(errors.OutputError, match="device, pipe"):
        write(path)
    assert Path("/dev/null").is_char_device()
    path.unlink()
    path.mkdir()
    with pytest.raises(errors.OutputError, match="folder"):
        write(path)


@pytest.mark.parametrize("kind", NAMES)
def test_report_through_a_link(source: Path, kind: str) -> None:
    write = reports(source)[kind]
    (source.parent / "there").mkdir()
    real = source.parent / "there" / NAMES[kind]
    real.write_bytes(b"old")
    path = source.with_name(NAMES[kind])
    path.symlink_to(real)
    if kind == "settings":
        # It comes with a file beside it, and a set lies in one folder.
        with pytest.raises(errors.OutputError, match="one folder"):
            write(path)
        assert real.read_bytes() == b"old"
        return
    write(path)
    assert path.is_symlink()
    assert real.read_bytes() != b"old"
    assert real.stat().st_mode & 0o777 == source.stat().st_mode & 0o777


def test_open_file_of_a_process(source: Path) -> None:
    found = fastsample.compare(source, source)
    number = os.open(source.with_name("open"), os.O_CREAT | os.O_RDWR)
    try:
        for path in (f"/dev/fd/{number}", f"/proc/self/fd/{number}"):
            with pytest.raises(errors.OutputError, match="open file of a process"):
                found.write_html(path)
    finally:
        os.close(number)


def test_two_outputs_of_a_set_are_one_file(source: Path, tmp_path: Path) -> None:
    sides = fastsample.split(source, {"train": 0.5, "valid": 0.1})
    folder = tmp_path / "sides"
    folder.mkdir()
    (folder / "one").write_bytes(b"old")
    for name in sides:
        (folder / f"{name}.parquet").symlink_to("one")
    with pytest.raises(errors.OutputError, match="the same file"):
        sides.write_parquet(folder)
    assert (folder / "one").read_bytes() == b"old"


def test_side_is_an_input(source: Path, tmp_path: Path) -> None:
    sides = fastsample.split(source, {"train": 0.5, "source": 0.1})
    refused(source, lambda: sides.write_parquet(tmp_path), "input")


def test_command_line(source: Path, target: Path, tmp_path: Path) -> None:
    draw: list[Any] = ["sample", "-i", source, "-n", 20]
    tokenizer = tmp_path / "tokenizer.json"
    make("wordpiece", tokenizer)
    for path, arguments in (
        (source, ["compare", source, target, "--html", source]),
        (target, ["compare", source, target, "--html", target]),
        (target, [*draw, "--target", target, "-o", target]),
        (target, [*draw, "--avoid", target, "-o", target]),
        (tokenizer, [*draw, "--max-tokens", 500, "--tokenizer", tokenizer, "-o", tokenizer]),
        (source, ["inspect", source, "--plot", source]),
        (source, ["split", "source=50", "-i", source, "-o", tmp_path]),
    ):
        before = path.read_bytes()
        fails(*arguments)
        assert path.read_bytes() == before, arguments
    fails("compare", source, target, "--html", "/dev/null")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("length", [200, 242, 243, 255])
def test_long_names(source: Path, length: int) -> None:
    drawn = fastsample.sample(source, 20)
    for shards, room in ((1, 0), (2, len("-00000-of-00002"))):
        name = "n" * (length - len(".parquet") - room) + ".parquet"
        for _ in range(2):
            written = drawn.write_parquet(source.with_name(name), shards=shards)
        assert [len(file.path.name) for file in written.files] == [length] * len(written.files)
        assert sum(pq.read_metadata(file.path).num_rows for file in written.files) == 20


def test_name_that_is_too_long(source: Path) -> None:
    drawn = fastsample.sample(source, 20)
    path = source.with_name("n" * 256)
    with pytest.raises(errors.OutputError, match="File name too long"):
        drawn.write_parquet(path)


def test_names_of_any_bytes(source: Path) -> None:
    drawn = fastsample.sample(source, 20)
    path = os.fsdecode(os.fsencode(source.parent) + b"/\xff\n\xfe.parquet")
    for shards in (1, 2):
        for _ in range(2):
            drawn.write_parquet(path, shards=shards)
    found = [file for file in source.parent.iterdir() if b"\xff" in os.fsencode(file)]
    assert len(found) == 3


def mapped(path: Path) -> pa.Table:
    """Return the rows of an Arrow file, which is mapped into memory."""
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is mapped")
def test_a_file_that_a_table_is_mapped_from(tmp_path: Path) -> None:
    path = tmp_path / "数据 rows.arrow"
    fastsample.sample(texts(), ROWS).write_ipc(path)
    table = mapped(path)
    sources: dict[str, Callable[[], Any]] = {
        "a table": lambda: table,
        "a slice": lambda: table.slice(100, 200),
        "a column": lambda: table.select(["text"]),
        "a batch": lambda: table.to_batches()[0],
        "a stream": lambda: table.to_reader(),
        "polars": lambda: pl.from_arrow(table),
        "beside others": lambda: pa.concat_tables([texts(), table]),
    }
    for source in sources.values():
        for smart in (False, True):
            drawn = fastsample.sample(source(), 50, smart=smart)
            refused(path, partial(drawn.write_ipc, path), "input", "rows.arrow")
    refused(path, lambda: fastsample.score(table).write_ipc(path), "input")
    sides = fastsample.split(table, {"数据 rows": 100})
    target = tmp_path / "数据 rows.parquet"
    target.hardlink_to(path)
    refused(target, lambda: sides.write_parquet(tmp_path), "input")
    rule = fastsample.Smart(target=table)
    refused(path, lambda: fastsample.sample(texts(), 9, smart=rule).write_ipc(path), "input")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is mapped")
def test_a_mapped_file_of_other_rows_may_be_replaced(tmp_path: Path) -> None:
    """As in a loop that writes an epoch's rows and maps them: they are not what is drawn from."""
    path = tmp_path / "epoch.arrow"
    kept = []
    for epoch in range(3):
        fastsample.sample(texts(), 50, seed=epoch).write_ipc(path)
        kept.append(mapped(path))
    # What was mapped stays as it was: outputs replace the name, not the contents.
    ids = [table["id"].to_pylist() for table in kept]
    assert ids == [
        fastsample.sample(texts(), 50, seed=epoch).row_ids.tolist() for epoch in range(3)
    ]
    # A copy in memory does not say where it is from.
    copied = pa.Table.from_pylist(kept[2].to_pylist(), schema=kept[2].schema)
    fastsample.sample(copied, 20).write_ipc(path)
    assert len(mapped(path)) == 20
