"""Dataset cards: read by `datasets`, and true of the files."""

from pathlib import Path

import datasets
import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from data import pairs, write_parquet
from fastsample.cli import app


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a sample and the sides of a split."""
    table = pairs(300).append_column("tags", pa.array([["a", "b"], []] * 150))
    source = write_parquet(table, tmp_path / "source.parquet")
    out = tmp_path / "样本 1"
    out.mkdir()
    fastsample.sample(source, 50, where="id > 9", smart=True).write_parquet(out / "part-1.parquet")
    fastsample.split(source, {"valid": 20, "train": 0.5})["valid"].write_parquet(
        out / "valid.parquet"
    )
    return out


def test_datasets_reads_the_folder_by_its_card(folder: Path) -> None:
    (folder / "README.md").write_text(fastsample.card(folder), encoding="utf-8")
    cached = str(folder.parent / "cache")
    loaded = datasets.load_dataset(str(folder), cache_dir=cached)
    assert {name: split.num_rows for name, split in loaded.items()} == {"part_1": 50, "valid": 20}
    assert loaded["valid"]["id"][:] == pq.read_table(folder / "valid.parquet")["id"].to_pylist()
    told = datasets.load_dataset_builder(str(folder), cache_dir=cached).info
    expected = datasets.Features.from_arrow_schema(pq.read_schema(folder / "valid.parquet"))
    assert told.features == expected
    # The numbers of the card are held against the files.
    text = fastsample.card(folder).replace("num_examples: 50", "num_examples: 51")
    (folder / "README.md").write_text(text, encoding="utf-8")
    with pytest.raises(datasets.exceptions.NonMatchingSplitsSizesError):
        datasets.load_dataset(str(folder), cache_dir=str(folder.parent / "other"))


def test_it_says_how_each_file_was_made(folder: Path) -> None:
    text = fastsample.card(folder)
    assert "\n# 样本 1\n" in text
    assert "size_categories:\n- n<1K\n" in text
    first, second = text.split("\n## part-1.parquet\n")[1].split("\n## valid.parquet\n")
    version = fastsample.__version__
    assert f"50 rows drawn from 300 with fastsample {version}, seed 42." in first
    assert '| `where` | `"id > 9"` |' in first
    assert "| `smart` | " in first
    assert '| `side` | `"valid"` |' in second
    source = folder.parent / "source.parquet"
    [(size, told)] = fastsample._fastsample.fingerprints([source], None)
    for section in (first, second):
        assert f"| source.parquet | {size:,} | `{told}` |" in section
    [command] = [line for line in first.splitlines() if line.startswith("fastsample reproduce")]
    words = command.split()
    words[words.index("FOLDER")] = str(folder.parent)
    words[2], words[-1] = str(folder / words[2]), str(folder.parent / words[-1])
    done = CliRunner().invoke(app, words[1:])
    assert done.exit_code == 0, done.output
    assert pq.read_table(words[-1]).equals(pq.read_table(folder / "part-1.parquet"))


def test_one_file_and_mixtures(tmp_path: Path) -> None:
    for name in "ab":
        write_parquet(pairs(50), tmp_path / f"{name}.parquet")
    sources = {name: (tmp_path / f"{name}.parquet", 0.5) for name in "ab"}
    out = tmp_path / "mix.parquet"
    fastsample.mix(sources, 20).write_parquet(out)
    text = fastsample.card(out)
    assert "\n# mix\n" in text
    assert "20 rows drawn from several sources" in text
    assert "b.parquet | " in text


def test_the_command_writes_it_once(folder: Path) -> None:
    run = CliRunner().invoke
    done = run(app, ["card", str(folder)])
    assert done.exit_code == 0, done.output
    written = folder / "README.md"
    assert written.read_text("utf-8") == fastsample.card(folder)
    written.write_text("mine", encoding="utf-8")
    done = run(app, ["card", str(folder), "--no-overwrite"])
    assert (done.exit_code, written.read_text("utf-8")) == (1, "mine")
    assert "README.md" in done.stderr
    assert run(app, ["card", str(folder)]).exit_code == 0
    assert written.read_text("utf-8") == fastsample.card(folder)


def test_what_makes_no_card(folder: Path) -> None:
    (folder.parent / "empty").mkdir()
    with pytest.raises(fastsample.SourceNotFoundError, match="no Parquet file in this folder"):
        fastsample.card(folder.parent / "empty")
    pq.write_table(pa.table({"id": [1]}), folder / "zz.parquet")
    with pytest.raises(fastsample.ArgumentError, match=r"zz.parquet: it does not tell what made"):
        fastsample.card(folder)
    other = folder.parent / "source.parquet"
    fastsample.sample(other, 1, columns=["id"]).write_parquet(folder / "zz.parquet")
    with pytest.raises(fastsample.SchemaError, match=r"zz.parquet: its columns are not those of"):
        fastsample.card(folder)
    (folder / "zz.parquet").write_bytes((folder / "part-1.parquet").read_bytes())
    (folder / "zz.parquet").rename(folder / "part_1.parquet")
    with pytest.raises(fastsample.ArgumentError, match="two files make the same name of a split"):
        fastsample.card(folder)
