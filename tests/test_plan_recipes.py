"""Recipes of a plan, the table of speed-ups that they give, and estimates of GPU memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fastsample
import pytest
from commands import run

#: Ten million rows, 183,605 steps of a second, five epochs at 256.
NOW: dict[str, Any] = {
    "steps": 183_605, "seconds_per_step": 1.0, "epochs": 5, "max_length": 256,
}  # fmt: skip


def test_a_balanced_plan() -> None:
    plan = fastsample.plan(10_000_000, **NOW, recipe="balanced")
    assert plan.wanted is not None
    assert (plan.wanted.rows, plan.wanted.epochs) == (3_000_000, 3)
    assert plan.wanted.max_length == 192
    assert plan.wanted.steps == 55_081
    # 10 % of a step is fixed, the rest in proportion to 192 of 256 tokens.
    assert plan.wanted.seconds_per_step == pytest.approx(0.1 + 0.9 * 0.75)
    hours = {each.name: round(each.hours, 1) for each in plan.alternatives}
    assert hours["as it is"] == 255.0
    assert hours["sample of 3,000,000"] == 76.5
    assert hours["sample, other epochs"] == 45.9
    assert hours["all changes"] == 35.6
    assert hours["recipe conservative"] == 76.5
    assert plan.recipe == "balanced"


def test_a_conservative_plan_keeps_the_length() -> None:
    plan = fastsample.plan(10_000_000, **NOW, recipe="conservative")
    assert plan.wanted is not None
    assert (plan.wanted.rows, plan.wanted.epochs, plan.wanted.max_length) == (5_000_000, 3, 256)
    assert plan.wanted.basis == "measured"
    assert plan.alternatives[-1].name == "recipe balanced"


def test_what_is_given_goes_before_the_recipe() -> None:
    plan = fastsample.plan(
        10_000_000, 1_000_000, **NOW, recipe="balanced", new_epochs=4, new_max_length=128
    )
    assert plan.wanted is not None
    assert (plan.wanted.rows, plan.wanted.epochs, plan.wanted.max_length) == (1_000_000, 4, 128)
    fewer = fastsample.plan(100, batch_size=1, seconds_per_step=1.0, epochs=2, recipe="balanced")
    assert fewer.wanted is not None
    assert (fewer.wanted.epochs, fewer.wanted.max_length) == (2, None)
    apart = fastsample.plan(
        100, batch_size=1, seconds_per_step=1.0, max_length={"a": 200, "b": 100}, recipe="balanced"
    )
    assert apart.wanted is not None
    assert apart.wanted.max_length == {"a": 150, "b": 75}


def test_settings_of_a_recipe(tmp_path: Path) -> None:
    limits = {"prompt": 251, "response": 251}
    plan = fastsample.plan(
        10_000_000, **NOW | {"max_length": limits}, limit_in="characters", recipe="balanced",
        new_max_length={"prompt": 187, "response": 187},
    )  # fmt: skip
    new, old = plan.write_settings(
        tmp_path / "s.json", preset="chatlm-mini", learning_rate=0.0001, train_file="3m.parquet"
    )
    # The trainer keeps max_seq_len - 5 characters.
    assert json.loads(new.read_text()) == {
        "epochs": 3, "learn_rate": 0.00015, "max_seq_len": 192, "train_file": "3m.parquet",
        "gradient_accumulation_steps": 1,
    }  # fmt: skip
    assert json.loads(old.read_text())["max_seq_len"] == 256
    assert json.loads(old.read_text())["learn_rate"] == 0.0001
    apart = fastsample.plan(
        100, 10, batch_size=1, seconds_per_step=1.0, max_length={"q": 30, "a": 60}
    )
    names = {"max_length_q": "max_source_length", "max_length_a": "max_target_length"}
    new, _ = apart.write_settings(tmp_path / "hf.json", names=names)
    assert json.loads(new.read_text()) == {"max_source_length": 30, "max_target_length": 60}


def test_gpu_memory_is_an_estimate() -> None:
    plan = fastsample.plan(
        10_000_000, **NOW, recipe="balanced", gpu_memory=9.0, parameters=200_000_000
    )
    assert plan.wanted is not None
    fixed = 200_000_000 * 16 / 2**30
    assert plan.now.gpu_memory == 9.0
    assert plan.wanted.gpu_memory == pytest.approx(fixed + (9.0 - fixed) * 0.75)
    assert "~7.5" in str(plan)
    assert any("is an estimate" in sentence for sentence in plan.assumptions)
    assert fastsample.plan(100, batch_size=1, seconds_per_step=1.0).now.gpu_memory is None


def test_command_line() -> None:
    flags = "--rows 10m --steps 183605 --seconds-per-step 1 --epochs 5 --max-length 256"
    more = "--recipe balanced --gpu-memory 9 --parameters 200m"
    done = run("plan", *flags.split(), *more.split())
    assert (done.returncode, done.stderr) == (0, "")
    for fact in ("255.0", "76.5", "45.9", "35.6", "7.2 x", "recipe conservative", "GPU GiB"):
        assert fact in done.stdout
