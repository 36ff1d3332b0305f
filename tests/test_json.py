"""The keys of the JSON reports are those that docs/json.md promises."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from fastsample.cli import app

DOCS = Path(__file__).resolve().parents[1] / "docs" / "json.md"

#: Shapes that the page explains once: the keys they have.
SHAPES = {
    "lengths": {"nulls", "mean", "max", "quantiles"},
    "distance": {"value", "limit", "p"},
    "scenario": {
        "name", "rows", "epochs", "steps", "seconds_per_step", "max_length", "padding",
        "distinct_rows", "basis", "gpu_memory", "hours_per_epoch", "hours", "speed_up",
    },
    "padding": {"max_length", "longest", "grouped"},
}  # fmt: skip

#: Where names are those of the data, or of quantiles and terms.
QUANTILES = ("smart.chars_before", "smart.chars_after", "smart.weights")
OPEN = (
    "text", "columns", "roles", "values", "mean_chars", "sides", "left_out", "smart.left_out",
    "smart.shares", "tokens", "lengths[].columns", *QUANTILES,
)  # fmt: skip


def promised(command: str) -> set[str]:
    page = DOCS.read_text(encoding="utf-8")
    section = re.split(r"^## ", page, flags=re.M)
    rows = next(each for each in section if each.startswith(command)).splitlines()
    cells = [row.split("|")[1] for row in rows if row.startswith("| `")]
    return {key for cell in cells for key in re.findall(r"`([^`]+)`", cell)}


def keys(value: Any, path: str = "") -> Iterator[str]:
    """Yield the dotted path of every value, down to the shapes that are explained once."""
    if isinstance(value, dict) and set(value) not in SHAPES.values():
        if path.removeprefix("epochs[].") in OPEN:
            yield f"{path}.*"
            return
        for name, each in value.items():
            yield from keys(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple) and value and isinstance(value[0], dict):
        for each in value:
            yield from keys(each, f"{path}[]")
    else:
        yield path


@pytest.mark.parametrize("command", ["inspect", "compare", "plan"])
def test_every_key_is_documented(command: str, table: pa.Table) -> None:
    table = table.append_column("kind", pa.array([str(i % 3) for i in range(len(table))]))
    calls: dict[str, Callable[[], Any]] = {
        "inspect": lambda: fastsample.inspect(table),
        "compare": lambda: fastsample.compare(table, table[:900], by="kind", smart=True),
        "plan": lambda: fastsample.plan(
            table, 900, batch_size=8, seconds_per_step=1, max_length=128, lengths=True
        ),
    }
    report = calls[command]()
    assert set(keys(report.to_dict())) == promised(command)
    page = DOCS.read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for shape in SHAPES.values() for name in shape)


#: Keys that are null, or else have keys of their own.
ALONE = {"sample": {"smart", "smart.avoid", "smart.features", "groups", "exclude"}}


@pytest.mark.parametrize("command", ["sample", "sample --epochs", "mix", "split"])
def test_every_key_of_a_command_is_documented(
    command: str, table: pa.Table, tmp_path: Path
) -> None:
    source, output = tmp_path / "source.parquet", tmp_path / "output"
    kinds = pa.array([str(i % 3) for i in range(len(table))])
    pq.write_table(table.append_column("kind", kinds), source)
    bench = tmp_path / "bench.parquet"
    pq.write_table(table.slice(5, 2), bench)
    arguments = ["--output", str(output), "--json"]
    from_one = ["--input", str(source)]
    by_kinds = ["--target", str(bench), "--avoid", str(bench)]
    by_kinds += ["--features", str(tmp_path / "kept")]
    wanted = {
        "sample": [*from_one, "-n", "100", *by_kinds, "--by", "kind", "--exclude", str(bench)],
        "sample --epochs": [*from_one, "-n", "100", *by_kinds, "--epochs", "2"],
        "mix": ["--source", f"a={source}:0.5", "--source", f"b={source}:0.5", "-n", "100"],
        "split": [*from_one, "train=100", "valid=20"],
    }
    done = CliRunner().invoke(app, [command.split()[0], *arguments, *wanted[command]])
    found = set(keys(json.loads(done.stdout)))
    if command == "sample --epochs":
        smart = {key for key in found if key.startswith("epochs[].smart.")}
        assert {key.removeprefix("epochs[].") for key in smart} == {
            key for key in promised("sample, reproduce") if key.startswith("smart.")
        } - ALONE["sample"]
        found = found - smart | {"epochs[].smart"}
    assert found == promised(command) - ALONE.get(command, set())
