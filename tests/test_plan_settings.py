"""Settings that trainers read: their names, their formats, and the way back."""

import json
import shlex
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pytest
from commands import run
from data import write_parquet
from fastsample._planning.names import PRESETS

yaml = pytest.importorskip("yaml")


@pytest.fixture
def plan(table: pa.Table, tmp_path: Path) -> fastsample.Plan:
    source = write_parquet(table, tmp_path / "train.parquet")
    return fastsample.plan(
        source, 600, batch_size=16, accumulation=2, seconds_per_step=1.0, epochs=5, max_length=512,
        new_max_length=192, new_epochs=3,
    )  # fmt: skip


RATES: dict[str, Any] = {"learning_rate": 1e-5, "new_learning_rate": 2e-4}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("ending", ["json", "yaml", "args"])
def test_presets_write_what_a_trainer_reads(
    preset: str, ending: str, plan: fastsample.Plan, tmp_path: Path
) -> None:
    written = plan.write_settings(
        tmp_path / f"s.{ending}", preset=preset, train_file="样本 1.parquet", **RATES
    )
    new, old = (_read(path) for path in written)
    names = PRESETS[preset]
    expected = {"epochs": (3, 5), "batch_size": (16, 16), "accumulation": (2, 2),
                "learning_rate": (2e-4, 1e-5), "max_length": (192, 512),
                "train_file": ("样本 1.parquet", str(tmp_path / "train.parquet"))}  # fmt: skip
    for found, place in ((new, 0), (old, 1)):
        wanted = {theirs: expected[ours][place] for ours, theirs in names.items()}
        if ending == "args":
            wanted = {name: str(value) for name, value in wanted.items()}
        assert found == wanted


def _read(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".args":
        flags = (flag.removeprefix("--").partition("=") for flag in shlex.split(text))
        return {name: value for name, _, value in flags}
    return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)


def test_the_fields_of_a_real_trainer(plan: fastsample.Plan, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    changed, _ = plan.write_settings(tmp_path / "s.json", preset="huggingface", **RATES)
    found = transformers.HfArgumentParser(transformers.TrainingArguments).parse_json_file(
        str(changed), allow_extra_keys=False
    )[0]
    assert (found.num_train_epochs, found.learning_rate) == (3, 2e-4)
    assert found.per_device_train_batch_size * found.gradient_accumulation_steps == 32


def test_names_of_ones_own(plan: fastsample.Plan, tmp_path: Path) -> None:
    names = {"epochs": "rounds", "max_length": "cut"}
    changed, _ = plan.write_settings(tmp_path / "s.json", names=names)
    assert json.loads(changed.read_text()) == {"rounds": 3, "cut": 192}
    changed, _ = plan.write_settings(tmp_path / "t.yaml", preset="axolotl", names=names)
    assert yaml.safe_load(changed.read_text())["rounds"] == 3
    assert yaml.safe_load(changed.read_text())["micro_batch_size"] == 16
    for wrong, message in (
        ({"epoch": "rounds"}, "'epoch', which is no setting; there are .*epochs"),
        ({"epochs": "x", "batch_size": "x"}, "'x' twice"),
    ):
        with pytest.raises(fastsample.ArgumentError, match=message):
            plan.write_settings(tmp_path / "no.json", names=wrong)
    with pytest.raises(fastsample.ArgumentError, match="preset is 'trl'; it must be 'huggingface'"):
        plan.write_settings(tmp_path / "no.json", preset="trl")
    with pytest.raises(fastsample.ArgumentError, match=r"\.toml, \.json, \.yaml"):
        plan.write_settings(tmp_path / "no.ini")
    assert not list(tmp_path.glob("no*"))


def test_on_the_command_line(plan: fastsample.Plan, tmp_path: Path) -> None:
    def planned(*more: str) -> Any:
        now = ["--batch-size", "16", "--seconds-per-step", "1", "--epochs", "5"]
        wanted = ["--new-epochs", "3", *more]
        return run("plan", "train.parquet", *now, *wanted, cwd=tmp_path)

    done = planned("--write", "s.args", "--preset", "chatlm-mini", "--train-file", "s.parquet",
               "--learning-rate", "1e-4", "--map", "padding=pad")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert _read(tmp_path / "s.args") == {
        "epochs": "3", "batch_size_per_gpu": "16", "gradient_accumulation_steps": "1",
        "learn_rate": "0.0001", "train_file": "s.parquet", "pad": "max_length",
    }  # fmt: skip
    assert _read(tmp_path / "s.original.args")["epochs"] == "5"
    done = planned("--write", "t.args", "--map", "epochs")
    assert (done.returncode, "--map" in done.stderr) == (2, True)
    done = planned("--write", "t.args", "--map", "epoch=x")
    assert done.returncode == 2
    assert "--map has 'epoch'" in done.stderr


def test_a_sentencepiece_model_is_to_be_converted(table: pa.Table, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "spiece.model").write_bytes(b"\n")
    with pytest.raises(fastsample.SourceNotFoundError, match=r"spiece.model.*save_pretrained"):
        fastsample.token_lengths(table, tmp_path / "model")
