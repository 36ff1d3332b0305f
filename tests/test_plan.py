"""Plans: the arithmetic by hand, both directions, what they assume, what they write."""

import json
import math
import sys
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
from commands import run
from data import write_parquet
from hypothesis import given
from hypothesis import strategies as st

#: Ten million rows, of which the trainer makes 183,605 steps of a second; five epochs.
NOW: dict[str, Any] = {"steps": 183_605, "seconds_per_step": 1.0, "epochs": 5}
WANTED: dict[str, Any] = {"new_epochs": 3, "new_seconds_per_step": 0.9}


def test_the_arithmetic_of_ten_days() -> None:
    plan = fastsample.plan(10_000_000, 3_000_000, **NOW, **WANTED)
    assert plan.wanted is not None
    assert plan.now.steps == 183_605
    assert round(plan.now.hours_per_epoch, 1) == 51.0
    assert round(plan.now.hours) == 255
    assert plan.wanted.steps == 55_081
    assert round(plan.wanted.hours_per_epoch, 1) == 13.8
    assert round(plan.wanted.hours, 1) == 41.3
    assert round(plan.speed_up(plan.wanted), 1) == 6.2


def test_the_same_by_rows_a_step() -> None:
    plan = fastsample.plan(
        183_605 * 48, 55_081 * 48, batch_size=8, devices=2, accumulation=3,
        seconds_per_step=1.0, epochs=5, **WANTED,
    )  # fmt: skip
    assert plan.wanted is not None
    assert (plan.now.steps, plan.wanted.steps) == (183_605, 55_081)
    assert f"{plan.now.hours:.0f} {plan.wanted.hours:.1f}" == "255 41.3"


def test_alternatives_change_one_thing_each() -> None:
    plan = fastsample.plan(10_000_000, 3_000_000, **NOW, **WANTED)
    hours = {each.name: round(each.hours, 1) for each in plan.alternatives}
    assert hours == {
        "as it is": 255.0,
        "other epochs": 153.0,
        "other step time": 229.5,
        "sample of 3,000,000": 76.5,
        "sample, other epochs": 45.9,
        "all changes": 41.3,
        "all changes, fresh rows every epoch": 41.3,
    }
    fresh = plan.alternatives[-1]
    assert (fresh.rows, fresh.distinct_rows) == (3_000_000, 9_000_000)
    shares = fastsample.plan(1000, batch_size=1, seconds_per_step=1)
    assert [each.rows for each in shares.alternatives] == [1000, 100, 300, 500]
    assert shares.wanted is None


def test_from_hours_to_rows() -> None:
    plan = fastsample.plan(10_000_000, hours=33, **NOW, **WANTED)
    assert plan.wanted is not None
    steps = int(33 * 3600 / (3 * 0.9))
    assert plan.wanted.steps == steps == 44_000
    # 54.4647 rows a step.
    assert plan.wanted.rows == math.ceil((steps + 1) * 10_000_000 / 183_605) - 1
    assert plan.wanted.hours <= 33


@given(
    rows=st.integers(1, 10**8),
    batch=st.integers(1, 4096),
    measured=st.booleans(),
    epochs=st.integers(1, 9),
    seconds=st.floats(0.01, 100),
    share=st.floats(0.001, 1.5),
)
def test_no_row_more_would_fit(
    rows: int, batch: int, measured: bool, epochs: int, seconds: float, share: float
) -> None:
    steps = max(1, math.ceil(rows / batch))
    size: dict[str, Any] = {"steps": steps} if measured else {"batch_size": batch}
    hours = max(share * steps, 1) * epochs * seconds / 3600
    options: dict[str, Any] = {**size, "epochs": epochs, "seconds_per_step": seconds}
    plan = fastsample.plan(rows, hours=hours, **options)
    assert plan.wanted is not None
    assert plan.wanted.hours <= hours * (1 + 1e-9)
    if plan.wanted.rows < rows:
        more = fastsample.plan(rows, plan.wanted.rows + 1, **options).wanted
        assert more is not None
        assert more.hours > hours * (1 - 1e-9)


def test_shorter_sequences_by_model_and_by_measured_pair() -> None:
    options: dict[str, Any] = {"batch_size": 10, "seconds_per_step": 2.0, "max_length": 512}
    plan = fastsample.plan(1000, **options, new_max_length=256, fixed_share=0.2)
    assert plan.wanted is not None
    assert plan.wanted.seconds_per_step == pytest.approx(2.0 * (0.2 + 0.8 * 0.5))
    assert plan.wanted.basis == "model"
    assert any("20%" in sentence for sentence in plan.assumptions)
    pair = fastsample.plan(1000, **options, new_max_length=256, new_seconds_per_step=1.2)
    assert pair.wanted is not None
    assert (pair.wanted.seconds_per_step, pair.wanted.basis) == (1.2, "measured")
    assert any("line through 2 s at 512 tokens and 1.2 s at 256" in s for s in pair.assumptions)


@pytest.fixture
def lengths() -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.random.default_rng(5).integers(1, 600, 2000)


def test_what_is_cut_and_what_padding_costs(lengths: Any, tmp_path: Path) -> None:
    path = write_parquet(pa.table({"t": ["字" * int(n) for n in lengths]}), tmp_path / "t.parquet")
    plan = fastsample.plan(
        path, batch_size=16, seconds_per_step=1, max_length=512, lengths=True, chars_per_token=1.5
    )
    facts = {each.limit: each for each in plan.lengths}
    tokens = lengths / 1.5
    for limit, each in facts.items():
        kept = np.minimum(tokens, limit)
        assert each.cut_rows == pytest.approx((tokens > limit).mean())
        assert each.lost == pytest.approx(1 - kept.sum() / tokens.sum(), abs=1e-12)
        assert each.mean == pytest.approx(kept.mean())
        drawn = np.random.default_rng(1).choice(kept, (4000, 16)).max(axis=1).mean()
        assert each.longest == pytest.approx(drawn, rel=0.01)
        grouped = np.sort(kept).reshape(-1, 16).max(axis=1).mean()
        assert each.grouped == pytest.approx(grouped, rel=0.01)
        assert each.mean <= each.grouped <= each.longest <= limit
    by_name = {each.name: each for each in plan.alternatives}
    assert by_name["length batching"].hours < plan.now.hours
    found = fastsample.inspect(path)
    again = fastsample.plan(
        found, batch_size=16, seconds_per_step=1, max_length=512, chars_per_token=1.5
    )
    assert again.lengths == plan.lengths


def test_settings_and_the_way_back(tmp_path: Path) -> None:
    plan = fastsample.plan(10_000_000, 3_000_000, **NOW, **WANTED)
    changed, original = plan.write_settings(tmp_path / "settings.json")
    assert original.name == "settings.original.json"
    assert json.loads(changed.read_text())["rows"] == 3_000_000
    assert json.loads(changed.read_text())["epochs"] == 3
    assert json.loads(original.read_text())["rows"] == 10_000_000
    assert json.loads(original.read_text())["epochs"] == 5
    plan.write_settings(tmp_path / "settings.json")  # the same again is no conflict
    other = fastsample.plan(10_000_000, 2_000_000, **NOW)
    with pytest.raises(fastsample.OutputError, match="exists with other contents"):
        other.write_settings(tmp_path / "settings.json")
    assert json.loads(changed.read_text())["rows"] == 3_000_000
    other.write_settings(tmp_path / "settings.json", overwrite=True)
    assert json.loads(changed.read_text())["rows"] == 2_000_000
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["settings.json", "settings.original.json"]
    )


def test_settings_as_toml(tmp_path: Path) -> None:
    tomllib = pytest.importorskip("tomllib")
    plan = fastsample.plan(10_000_000, 3_000_000, **NOW, **WANTED)
    changed, original = plan.write_settings(tmp_path / "settings.toml")
    assert tomllib.loads(changed.read_text())["seconds_per_step"] == 0.9
    assert tomllib.loads(original.read_text())["steps_per_epoch"] == 183_605


def test_plots(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    plan = fastsample.plan(10_000_000, 3_000_000, **NOW, **WANTED)
    plan.plot(tmp_path / "plan.svg")
    plan.plot(tmp_path / "plan.png")
    assert "<svg" in (tmp_path / "plan.svg").read_text()
    assert (tmp_path / "plan.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(fastsample.ArgumentError, match=r"\.png or \.svg"):
        plan.plot(tmp_path / "plan.bmp")
    with pytest.raises(fastsample.OutputError, match="cannot write"):
        plan.plot(tmp_path / "no" / "plan.png")


def test_plots_without_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    plan = fastsample.plan(100, batch_size=1, seconds_per_step=1)
    with pytest.raises(fastsample.MissingDependencyError, match="pip install matplotlib"):
        plan.plot(tmp_path / "plan.png")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"source": 0}, "rows is 0"),
    ({"n": 2000}, "only 1,000 rows"),
    ({"n": 5, "hours": 1.0}, "one follows from the other"),
    ({"hours": 1e-9}, "not enough for one step"),
    ({"hours": math.nan}, "hours is nan"),
    ({"seconds_per_step": 0}, "seconds_per_step is 0"),
    ({"epochs": 0}, "epochs is 0"),
    ({"batch_size": None}, "give batch_size"),
    ({"steps": 10}, "give batch_size"),
    ({"batch_size": None, "steps": 5000}, "more than the 1,000 rows"),
    ({"new_max_length": 256}, "needs max_length"),
    ({"padding": "none"}, "padding is 'none'"),
    ({"fixed_share": 2.0}, "from 0 to 1"),
    ({"lengths": True}, "needs a data set"),
    ({"source": pa.table({"i": [1, 2]}), "lengths": True}, r"no text column.*i \(int64\)"),
    ({"source": pa.table({"i": pa.array([], pa.int64())})}, "rows is 0|no rows"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_nonsense_is_refused(changes: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"source": 1000, "batch_size": 10, "seconds_per_step": 1.0}
    arguments |= changes
    with pytest.raises(fastsample.ArgumentError, match=message):
        fastsample.plan(arguments.pop("source"), **arguments)


# The command line

FLAGS = ["--steps", 183605, "--seconds-per-step", 1.0, "--epochs", 5, "--new-epochs", 3]


def test_command_line() -> None:
    wanted = ["-n", 3_000_000, "--new-seconds-per-step", 0.9]
    done = run("plan", "--rows", 10_000_000, *FLAGS, *wanted)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    for fact in ("183,605", "51.0", "255.0", "55,081", "13.8", "41.3", "6.2 x", "Assumptions"):
        assert fact in done.stdout
    plain = json.loads(run("plan", "--rows", 10_000_000, *FLAGS, *wanted, "--json").stdout)
    assert plain == fastsample.plan(10_000_000, 3_000_000, **NOW, **WANTED).to_dict()
    done = run("plan", "--rows", 10_000_000, *FLAGS, "--hours", 33)
    assert "33 hours are enough for" in done.stdout
    done = run("plan", "--rows", 10_000_000, *FLAGS, "--hours", 1)
    assert "1 hour is enough for" in done.stdout


def test_command_line_on_files(table: pa.Table, tmp_path: Path) -> None:
    path = write_parquet(table, tmp_path / "in.parquet")
    flags = ["--batch-size", 8, "--seconds-per-step", 1, "--max-length", 128, "--lengths"]
    outputs = ["--plot", tmp_path / "p.svg", "-n", 600, "--write", tmp_path / "s.toml"]
    done = run("plan", path, *flags, *outputs)
    assert done.returncode == 0, done.stderr
    assert "rows cut" in done.stdout
    assert "length batching" in done.stdout
    assert (tmp_path / "p.svg").exists()
    assert (tmp_path / "s.original.toml").exists()
    done = run("plan", path, "--rows", 5, "--batch-size", 8, "--seconds-per-step", 1)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_a_row_count_comes_from_the_footer(table: pa.Table, tmp_path: Path) -> None:
    """All that lies before the footer is zeroed, and the file still plans."""
    path = write_parquet(table, tmp_path / "t.parquet")
    whole = path.read_bytes()
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    path.write_bytes(whole[:4] + bytes(len(whole) - 4 - footer) + whole[-footer:])
    assert fastsample.plan(path, batch_size=1, seconds_per_step=1).rows == 3000
    done = run("plan", path, "--batch-size", 1, "--seconds-per-step", 1)
    assert (done.returncode, done.stderr) == (0, "")
    assert "3,000" in done.stdout
    with pytest.raises(fastsample.FastSampleError, match=r"t\.parquet"):
        fastsample.plan(path, batch_size=1, seconds_per_step=1, lengths=True)
