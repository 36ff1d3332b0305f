"""`hf://`: files on the Hugging Face Hub, by a server that answers as it does."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from data import pairs
from fastsample import RemoteFiles, errors, parts
from fastsample._hub import _repository
from fastsample.cli import app
from hub import Hub, hub_server, set_endpoint

TABLE = pairs(900, mean_chars=60)
NAME = "org/pairs"


def stored(table: pa.Table) -> bytes:
    """Return the rows as a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=100, write_page_index=True)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


FILES = {
    "README.md": b"# Pairs\n",
    "data/train-0.parquet": stored(TABLE[:400]),
    "data/train-1.parquet": stored(TABLE[400:]),
    "data/_hidden.parquet": stored(TABLE[:5]),
    "small.jsonl": "".join(
        json.dumps(row, ensure_ascii=False) + "\n" for row in TABLE[:4].to_pylist()
    ).encode(),
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with hub_server() as server:
        set_endpoint(server, monkeypatch)
        monkeypatch.setenv("HF_TOKEN", "")
        server.push(NAME, FILES)
        yield server


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("local")
    for name, data in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("data/*.parquet", "data/*.parquet"),
        ("data", "data"),
        ("data/", "data"),
        ("data/train-1.parquet", "data/train-1.parquet"),
        ("small.jsonl", "small.jsonl"),
        ("**/train-?.parquet", "data/train-?.parquet"),
    ],
)
@pytest.mark.parametrize("revision", ["", "@main", "@refs/convert/parquet", "@a%2Fb"])
def test_ids_and_rows_are_those_of_local_files(
    hub: Hub, local: Path, path: str, there: str, revision: str
) -> None:
    hub.push(NAME, FILES, "refs/convert/parquet")
    hub.push(NAME, FILES, "a/b")
    url = f"hf://datasets/{NAME}{revision}/{path}"
    for options in ({"fraction": 0.3}, {"n": 2, "smart": True}, {"n": 3, "where": "id > 0"}):
        far, near = (fastsample.sample(each, **options) for each in (url, local / there))
        assert far.row_ids.tolist() == near.row_ids.tolist()
        assert far.to_arrow().equals(near.to_arrow())


def test_the_command_line_reads_it(hub: Hub, local: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    words = ["sample", f"hf://datasets/{NAME}/data", str(out), "-n", "50", "--no-shuffle"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert pq.read_table(out).equals(fastsample.sample(local / "data", 50).to_arrow())


def test_all_files_are_of_one_commit(hub: Hub, local: Path) -> None:
    """What is pushed while a sample is read is another commit."""
    drawn = fastsample.sample(f"hf://datasets/{NAME}/data", 50)
    hub.push(NAME, {name: data[::-1] for name, data in FILES.items()})
    near = fastsample.sample(local / "data", 50)
    assert drawn.to_arrow().equals(near.to_arrow())


def test_a_file_is_resolved_once(hub: Hub) -> None:
    drawn = fastsample.sample(f"hf://datasets/{NAME}/data", 300, threads=4)
    drawn.to_arrow()
    asked = [path for method, path in hub.requests if "/resolve/" in path]
    assert len(asked) == 2
    assert sum("/large/" in path for _, path in hub.requests) > 10


def test_links_that_have_ended_are_asked_for_again(hub: Hub, local: Path) -> None:
    drawn = fastsample.sample(f"hf://datasets/{NAME}/data", 300)
    hub.link += 1
    assert drawn.to_arrow().equals(fastsample.sample(local / "data", 300).to_arrow())
    assert sum("/resolve/" in path for _, path in hub.requests) == 4


def test_a_repository_that_was_renamed_is_found(hub: Hub, local: Path) -> None:
    hub.renamed["org/old"] = NAME
    drawn = fastsample.sample("hf://datasets/org/old/data", 300)
    assert drawn.to_arrow().equals(fastsample.sample(local / "data", 300).to_arrow())
    hub.renamed[NAME] = "org/old"
    with pytest.raises(errors.ReadError, match=r"circles|redirects"):
        fastsample.sample("hf://datasets/org/old/data", 300)


def test_what_passes_is_tried_again(hub: Hub, local: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    drawn = fastsample.sample(f"hf://datasets/{NAME}/data", 300)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    hub.faults = [503, 429, 500]
    assert drawn.to_arrow().equals(fastsample.sample(local / "data", 300).to_arrow())
    assert not hub.faults


def test_outputs_and_manifests_know_the_content_and_the_commit(hub: Hub, tmp_path: Path) -> None:
    url, out = f"hf://datasets/{NAME}/data", tmp_path / "out.parquet"
    drawn = fastsample.sample(url, 50)
    drawn.write_parquet(out, manifest=True)
    manifest = tmp_path / "out.parquet.manifest.json"
    made = json.loads(manifest.read_text("utf-8"))
    assert made["source"] == [url]
    commit = hub.commit_of(NAME, "main")
    assert [each["version_id"] for each in made["files"]] == [commit] * 2
    again = fastsample.reproduce(manifest)
    assert again.row_ids.tolist() == drawn.row_ids.tolist()
    # Another commit with the same files.
    hub.push(NAME, {**FILES, "README.md": b"# Pairs of texts\n"})
    assert fastsample.reproduce(out, url).row_ids.tolist() == drawn.row_ids.tolist()
    other = stored(TABLE[1:401])
    hub.push(NAME, {**FILES, "data/train-0.parquet": other})
    with pytest.raises(errors.SourceChangedError, match=r"train-0\.parquet: .*, not "):
        fastsample.reproduce(manifest)
    # It is still there, under its commit.
    pinned = f"hf://datasets/{NAME}@{commit}/data"
    assert fastsample.reproduce(manifest, pinned).to_arrow().equals(drawn.to_arrow())


def test_update_reads_what_is_new(hub: Hub, tmp_path: Path) -> None:
    url, out = f"hf://datasets/{NAME}/data", tmp_path / "out.parquet"
    fastsample.sample(url, fraction=0.2).write_parquet(out, manifest=True)
    hub.push(NAME, {**FILES, "data/train-2.parquet": stored(TABLE[:300])})
    updated = fastsample.update(out, url)
    assert updated.to_arrow().equals(fastsample.sample(url, fraction=0.2).to_arrow())


def test_a_token_goes_to_the_hub_alone(hub: Hub, local: Path, tmp_path: Path) -> None:
    hub.private[NAME] = "hf_secret"
    url = f"hf://datasets/{NAME}/data"
    with pytest.raises(errors.SourceNotFoundError, match=r"or it is private.*hf auth login"):
        fastsample.sample(url, 50)
    files = RemoteFiles(url, storage_options={"token": "hf_secret", "endpoint": hub.url})
    drawn = fastsample.sample(files, 50)
    assert drawn.to_arrow().equals(fastsample.sample(local / "data", 50).to_arrow())
    small = RemoteFiles(f"hf://datasets/{NAME}/small.jsonl", storage_options={"token": "hf_secret"})
    assert len(fastsample.sample(small, 2).to_arrow()) == 2
    drawn.write_parquet(tmp_path / "out.parquet", manifest=True)
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"hf_secret" not in written


WRONG: list[tuple[str, type[Exception], str]] = [
    ("hf://datasets/org/none/x.parquet", errors.SourceNotFoundError, "no such repository"),
    (f"hf://datasets/{NAME}@no/x", errors.SourceNotFoundError, "no such revision"),
    (f"hf://datasets/{NAME}/none.parquet", errors.SourceNotFoundError, "no such file or folder"),
    (f"hf://datasets/{NAME}/data/*.csv", errors.SourceNotFoundError, "no file matches this glob"),
    ("hf://datasets/org", errors.ArgumentError, "names no repository"),
    ("hf://", errors.ArgumentError, "names no repository"),
    (f"hf://datasets/{NAME}@/x", errors.ArgumentError, "no revision behind the @"),
    (f"hf://{NAME}/x", errors.SourceNotFoundError, r"data sets are hf://datasets/"),
]


@pytest.mark.parametrize(("url", "kind", "message"), WRONG)
def test_what_is_not_there_is_named(
    hub: Hub, url: str, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message) as raised:
        fastsample.sample(url, 5)
    assert url in str(raised.value)


def test_what_the_hub_refuses_is_told(hub: Hub, tmp_path: Path) -> None:
    url = f"hf://datasets/{NAME}/data"
    with pytest.raises(errors.ArgumentError, match="there is no option 'region' of the Hub"):
        fastsample.sample(RemoteFiles(url, storage_options={"region": "eu"}), 5)
    drawn = fastsample.sample(url, 300)
    hub.sends_parts = False
    with pytest.raises(errors.ReadError, match="does not send parts of files"):
        drawn.to_arrow()
    hub.gated.add(NAME)
    with pytest.raises(errors.ReadError, match="access has to be granted"):
        fastsample.sample(url, 5)
    with pytest.raises(errors.OutputError, match="outputs are local files"):
        drawn.write_parquet(f"hf://datasets/{NAME}/out.parquet")


def test_parts_of_a_draw_open_their_files(hub: Hub, local: Path) -> None:
    job = parts.Draw(f"hf://datasets/{NAME}/data", 50, target_bytes=10_000)
    decision = None
    while decision is None or not decision.is_final:
        states = [job.observe(part, decision) for part in job.parts]
        decision = job.decide(parts.merge(states), decision)
    assert len(job.parts) > 2
    found = [int(row) for part in job.parts for row in job.row_ids(part, decision)]
    assert found == fastsample.sample(local / "data", 50).row_ids.tolist()


def test_without_the_library_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(errors.MissingDependencyError, match=r"pip install 'fastsample\[hub\]'"):
        fastsample.sample(f"hf://datasets/{NAME}/data", 5)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("hf://datasets/a/b/c/d", ("dataset", "a/b", None, "c/d", "hf://datasets/a/b")),
        ("HF://datasets/a/b", ("dataset", "a/b", None, "", "HF://datasets/a/b")),
        ("hf://a/b/c", ("model", "a/b", None, "c", "hf://a/b")),
        ("hf://spaces/a/b@v1/c/", ("space", "a/b", "v1", "c/", "hf://spaces/a/b@v1")),
        ("hf://datasets/a/b@refs/pr/7", ("dataset", "a/b", "refs/pr/7", "",
                                         "hf://datasets/a/b@refs/pr/7")),
        ("hf://datasets/a/b@refs/convert/parquet/x/y",
         ("dataset", "a/b", "refs/convert/parquet", "x/y",
          "hf://datasets/a/b@refs/convert/parquet")),
        ("hf://datasets/a/b@x%2Fy/z", ("dataset", "a/b", "x/y", "z", "hf://datasets/a/b@x%2Fy")),
    ],
)  # fmt: skip
def test_urls_are_taken_apart(url: str, expected: tuple[Any, ...]) -> None:
    found = _repository(url)
    of = (found.kind, found.name, found.revision, found.path, found.base)
    assert of == expected
