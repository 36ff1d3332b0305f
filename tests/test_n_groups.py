"""`n_groups`: a number of whole groups, whatever their rows."""

import json
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from data import quantile_999, write_parquet
from fastsample import ArgumentError
from fastsample.cli import app

SIZES = np.random.default_rng(3).zipf(1.5, 120).clip(max=40)
TALKS = np.repeat(np.arange(120), SIZES)
TABLE = pa.table({"id": range(len(TALKS)), "talk": TALKS, "text": [f"t {t}" for t in TALKS]})


def talks_of(sample: fastsample.Sample) -> set[int]:
    """Return the groups of the rows of a sample, each of which has to be whole."""
    talks, rows = np.unique(TALKS[sample.row_ids], return_counts=True)
    assert rows.tolist() == SIZES[talks].tolist()
    return set(talks.tolist())


def test_samples_are_nested_and_epochs_go_on() -> None:
    epochs = fastsample.epochs(TABLE, n_groups=30, group="talk")
    assert len(epochs) == 4
    found = [talks_of(epoch) for epoch in epochs]
    assert [len(talks) for talks in found] == [30] * 4
    assert set.union(*found) == set(range(120))
    smaller = fastsample.sample(TABLE, n_groups=30, group="talk")
    larger = fastsample.sample(TABLE, n_groups=31, group="talk")
    assert talks_of(smaller) == found[0]
    assert talks_of(smaller) < talks_of(larger)
    assert (smaller.report.n_groups, larger.report.n_groups) == (30, 31)
    assert fastsample.sample(TABLE, 30).report.n_groups is None

    uneven = fastsample.epochs(TABLE, n_groups=50, group="talk")
    found = [talks_of(uneven[epoch]) for epoch in range(4)]
    assert len(uneven) == 2
    assert [len(talks) for talks in found] == [50] * 4
    # The third begins with the last 20, and goes on from the beginning.
    assert set(range(120)) - found[0] - found[1] < found[2]
    assert found[2] - (set(range(120)) - found[0] - found[1]) < found[0]


def test_each_group_has_the_same_chance_whatever_its_rows() -> None:
    counts = np.zeros(120)
    for seed in range(600):
        drawn = fastsample.sample(TABLE, n_groups=20, group="talk", seed=seed)
        counts[list(talks_of(drawn))] += 1
    mean, variance = 600 / 6, 600 / 6 * 5 / 6
    assert ((counts - mean) ** 2 / variance).sum() * 119 / 120 < quantile_999(119)


def test_weights_are_those_of_the_groups() -> None:
    drawn = fastsample.sample(TABLE, n_groups=30, group="talk", weights=True)
    assert set(drawn.to_arrow()["_weight"].to_pylist()) == {4.0}
    assert talks_of(drawn) == talks_of(fastsample.sample(TABLE, n_groups=30, group="talk"))
    every = fastsample.sample(TABLE, n_groups=999, group="talk", at_most=True, weights=True)
    assert set(every.to_arrow()["_weight"].to_pylist()) == {1.0}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"smart": True}, "with smart have no weights"),
        ({"by": "talk"}, "with by have no weights"),
    ]
    for options, message in cases:
        with pytest.raises(ArgumentError, match=message):
            fastsample.sample(TABLE, n_groups=3, group="talk", weights=True, **options)


@pytest.mark.parametrize("weight", [None, "score"])
def test_sums_are_estimated_without_bias(weight: str | None) -> None:
    """Sums with the weights of whole groups estimate sums over all rows (Horvitz and Thompson)."""
    rng = np.random.default_rng(6)
    values = rng.gamma(2.0, 3.0, len(TALKS))
    table = TABLE.append_column("value", pa.array(values))
    table = table.append_column("score", pa.array(0.2 + (TALKS % 7) / 3))
    estimates = []
    for seed in range(400):
        drawn = fastsample.sample(
            table, n_groups=25, group="talk", weight=weight, weights=True, seed=seed
        ).to_arrow()
        estimates.append(float((drawn["value"].to_numpy() * drawn["_weight"].to_numpy()).sum()))
    error = np.std(estimates) / len(estimates) ** 0.5
    assert abs(np.mean(estimates) - values.sum()) < 3.5 * error


def test_fewer_groups_than_asked_for() -> None:
    with pytest.raises(
        ArgumentError,
        match="n_groups is 121, but only 120 groups can be drawn; ask for at most 120",
    ):
        fastsample.sample(TABLE, n_groups=121, group="talk")
    with pytest.raises(ArgumentError, match="only 120 groups"):
        fastsample.epochs(TABLE, n_groups=121, group="talk")[0]
    drawn = fastsample.sample(TABLE, n_groups=121, group="talk", at_most=True)
    assert (len(drawn), drawn.report.n_groups) == (TABLE.num_rows, 120)
    some: dict[str, Any] = {"where": "talk < 7", "at_most": True}
    assert fastsample.sample(TABLE, n_groups=9, group="talk", **some).report.n_groups == 7


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"n_groups": 5}, "n_groups counts groups that are drawn whole; name their column"),
        ({"n_groups": 5, "by": "talk"}, "n_groups counts groups that are drawn whole"),
        ({"n": 5, "n_groups": 5, "group": "talk"}, "n and n_groups exclude each other"),
        ({"fraction": 0.5, "n_groups": 5, "group": "talk"}, "fraction and n_groups exclude"),
        ({"n_groups": 0, "group": "talk"}, "n_groups is 0; it must be at least 1"),
        ({"n_groups": 2.5, "group": "talk"}, "n_groups is 2.5"),
        (
            {"n_groups": 5, "group": "talk", "where": "talk > 500"},
            "none of the 1208 rows match where",
        ),
    ],
)
def test_bad_arguments(options: dict[str, Any], error: str) -> None:
    for draw in (fastsample.sample, fastsample.epochs):
        with pytest.raises(fastsample.FastSampleError, match=error):
            draw(TABLE, **options)


@pytest.mark.parametrize("asked", [40, 500])
def test_the_command_line_and_its_manifest(tmp_path: Path, asked: int) -> None:
    source = write_parquet(TABLE, tmp_path / "rows.parquet")
    out = tmp_path / "out.parquet"
    words = ["sample", str(source), str(out), "--group", "talk", "--num_groups", str(asked)]
    done = CliRunner().invoke(app, [*words, "--no-shuffle", "--manifest", "--json"])
    assert done.exit_code == 0, done.output
    kept = min(asked, 120)
    found = json.loads(done.stdout)
    assert (found["n_groups"], found["group"]) == (kept, ["talk"])
    warning = "--num_groups is 500, but only 120 groups can be drawn; keeping all of them"
    assert (warning in " ".join(done.stderr.split())) == (asked > kept)
    same = fastsample.sample(source, n_groups=kept, group="talk")
    assert found["rows_after"] == len(same)
    assert fastsample.reproduce(f"{out}.manifest.json").row_ids.tolist() == same.row_ids.tolist()
    assert fastsample.reproduce(out).report.n_groups == kept


def test_the_command_line_refuses_too_few_groups(tmp_path: Path) -> None:
    source = write_parquet(TABLE, tmp_path / "rows.parquet")
    words = ["sample", str(source), str(tmp_path / "out.parquet"), "--num_groups", "500"]
    done = CliRunner().invoke(app, [*words, "--group", "talk", "--exactly"])
    assert done.exit_code == 2
    assert "--num_groups is 500, but only 120 groups can be drawn" in " ".join(done.stderr.split())
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert "name their column with --group" in " ".join(done.stderr.split())
    assert not (tmp_path / "out.parquet").exists()


def test_epochs_on_the_command_line(tmp_path: Path) -> None:
    source = write_parquet(TABLE, tmp_path / "rows.parquet")
    words = ["sample", str(source), str(tmp_path / "part.jsonl"), "--num_groups", "60"]
    done = CliRunner().invoke(app, [*words, "--group", "talk", "--epochs", "2"])
    assert done.exit_code == 0, done.output
    lines = [
        line
        for epoch in range(2)
        for line in (tmp_path / f"part-epoch{epoch}.jsonl").read_text("utf-8").splitlines()
    ]
    assert sorted(json.loads(line)["id"] for line in lines) == list(range(len(TALKS)))
