"""`verify`: losses of two tiny models, against the models row by row; intervals; answers."""

from __future__ import annotations

import json
import math
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from data import write_parquet
from fastsample._verification.interval import paired_interval
from fastsample.cli import app
from models_made import WORDS, save_model, save_tokenizer
from test_json import keys, promised


def held_out(rows: int) -> pa.Table:
    """Return rows without ids: prompts, and responses that repeat one character."""
    prompts = [WORDS[i % 16] * (1 + i % 5) for i in range(rows)]
    return pa.table({"prompt": prompts, "response": [WORDS[i % 7] * 6 for i in range(rows)]})


@pytest.fixture(scope="module", params=["causal", "seq2seq"])
def models(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    root = tmp_path_factory.mktemp("models")
    kind = request.param
    return kind, save_model(kind, root / "a", 1), save_model(kind, root / "b", 2)


def nats_of(kind: str, folder: Path, prompt: str, response: str) -> tuple[float, int]:
    """Return the loss of one row, without padding, token by token."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    token = {name: i for i, name in enumerate(["<pad>", "</s>", "<unk>", *WORDS])}
    ask, answer = [token[c] for c in prompt], [token[c] for c in response] + [1]
    if kind == "causal":
        model = AutoModelForCausalLM.from_pretrained(folder)
        logits = model(torch.tensor([[1, *ask, *answer]])).logits[0, len(ask) : -1]
    else:
        model = AutoModelForSeq2SeqLM.from_pretrained(folder)
        start = torch.tensor([[0, *answer[:-1]]])
        logits = model(input_ids=torch.tensor([[*ask, 1]]), decoder_input_ids=start).logits[0]
    chosen = logits.log_softmax(-1)[range(len(answer)), answer]
    return -chosen.detach().double().sum().item(), len(answer)


@pytest.mark.torch
def test_losses_are_those_of_the_models_row_by_row(models: Any) -> None:
    kind, first, second = models
    rows = held_out(23)
    found = fastsample.verify(rows, first, second, batch_size=5)
    pairs = list(zip(rows["prompt"].to_pylist(), rows["response"].to_pylist(), strict=True))
    for folder, measured in ((first, found.model), (second, found.baseline)):
        each = [nats_of(kind, folder, *pair) for pair in pairs]
        nats, tokens = (sum(column) for column in zip(*each, strict=True))
        assert measured.tokens == tokens == 23 * 7
        assert measured.loss == pytest.approx(nats / tokens, rel=1e-4)
        assert measured.bits_per_token == pytest.approx(nats / tokens / math.log(2), rel=1e-4)
        assert measured.bits_per_char == pytest.approx(nats / math.log(2) / (23 * 6), rel=1e-4)
    assert found.difference == pytest.approx(
        found.model.bits_per_char - found.baseline.bits_per_char
    )
    low, high = found.interval
    assert low < found.difference < high
    assert found.verdict == ("better" if high < 0 else "worse" if low > 0 else "same")
    assert fastsample.verify(rows, first, second, batch_size=23).to_dict()["interval"] == (
        pytest.approx([low, high], rel=1e-3)
    )
    assert set(keys(found.to_dict())) == promised("verify")
    same = fastsample.verify(rows, first, first)
    assert (same.verdict, same.difference, same.interval) == ("same", 0.0, (0.0, 0.0))
    assert same.sentence.startswith("No difference")


@pytest.mark.torch
def test_what_is_left_out_and_cut(models: Any) -> None:
    kind, first, second = models
    rows = pa.table({"q": ["天", None, "地", "玄" * 40], "a": ["日月", "盈", None, "宿列张" * 20]})
    names: dict[str, Any] = {"prompt": "q", "response": "a"}
    found = fastsample.verify(rows, first, second, **names, max_chars=5)
    assert (found.rows, found.chars) == (3, 2 + 1 + 5)
    assert any("1 rows have no response" in note for note in found.notes)
    whole = fastsample.verify(rows, first, second, **names)
    # The causal model has 32 positions; the other has relative ones.
    assert whole.rows == (2 if kind == "causal" else 3)
    assert any("positions" in note for note in whole.notes) == (kind == "causal")
    drawn = fastsample.verify(rows, first, second, rows=2, max_chars=5, **names, seed=1)
    assert drawn.rows <= 2
    ended = fastsample.verify(
        rows, first, second, **names, max_chars=5, prompt_format="{prompt}天", tokenizer=second
    )
    assert ended.model.loss != found.model.loss


@pytest.mark.torch
def test_answers_are_scored(models: Any) -> None:
    pytest.importorskip("sacrebleu")
    _, first, second = models
    found = fastsample.verify(held_out(12), first, second, answers=4, max_new_tokens=5)
    assert found.answers == 4
    for each in (found.model, found.baseline):
        assert each.bleu is not None
        assert each.chrf is not None
        assert 0 <= each.bleu <= 100
        assert 0 <= each.chrf <= 100
    assert any("tokenize=zh" in note for note in found.notes)
    assert "chrF" in str(found)
    assert "<table" in found._repr_html_()


@pytest.mark.torch
def test_a_model_that_learned_is_better(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    before = save_model("causal", tmp_path / "before", 3)
    model = AutoModelForCausalLM.from_pretrained(before)
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    tokens = torch.tensor([[1, *[3 + i % 7] * 6, 1] for i in range(28)])
    for _ in range(30):
        optimizer.zero_grad()
        model(input_ids=tokens, labels=tokens).loss.backward()
        optimizer.step()
    model.save_pretrained(tmp_path / "after")
    save_tokenizer(tmp_path / "after")
    found = fastsample.verify(held_out(40), tmp_path / "after", before)
    assert found.verdict == "better"
    assert found.interval[1] < 0
    path = write_parquet(held_out(40), tmp_path / "valid.parquet")
    flags = ["--model", str(before), "--baseline", str(tmp_path / "after")]
    done = CliRunner().invoke(app, ["verify", str(path), *flags])
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("The model predicts held-out responses worse")
    done = CliRunner().invoke(app, ["verify", str(path), *flags, "--json"])
    assert json.loads(done.stdout)["verdict"] == "worse"
    assert json.loads(done.stdout)["difference"] == pytest.approx(-found.difference)


@pytest.mark.torch
def test_errors_name_what_to_do(models: Any, tmp_path: Path) -> None:
    _, first, second = models
    rows = held_out(3)
    with pytest.raises(fastsample.SourceNotFoundError, match="save_pretrained"):
        fastsample.verify(rows, tmp_path / "absent", second)
    with pytest.raises(fastsample.SourceNotFoundError, match="no such folder"):
        fastsample.verify(rows, "x" * 300, second)
    (tmp_path / "empty").mkdir()
    with pytest.raises(fastsample.ReadError, match="empty: not loaded by transformers"):
        fastsample.verify(rows, first, tmp_path / "empty")
    with pytest.raises(fastsample.ColumnError, match="answer"):
        fastsample.verify(rows, first, second, response="answer")
    with pytest.raises(fastsample.ArgumentError, match="no held-out row to predict"):
        fastsample.verify(pa.table({"prompt": ["天"], "response": [""]}), first, second)
    with pytest.raises(fastsample.ArgumentError, match=r"it must have \{prompt\} in it"):
        fastsample.verify(rows, first, second, prompt_format="x")
    with pytest.raises(fastsample.ArgumentError, match="device is 'abacus'"):
        fastsample.verify(rows, first, second, device="abacus")
    numbers = pa.table({"prompt": ["天"], "response": [[1]]})
    with pytest.raises(fastsample.ColumnError, match="must hold texts"):
        fastsample.verify(numbers, first, second)


PAGES = [
    Path(__file__).resolve().parents[1] / "docs" / name for name in ("verify.md", "verify.zh.md")
]


@pytest.mark.torch
def test_commands_of_the_page(models: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sacrebleu")
    kind, first, second = models
    if kind == "causal":
        pytest.skip("once is enough")
    english, chinese = (page.read_text(encoding="utf-8") for page in PAGES)
    (commands,), (snippet,) = (
        re.findall(rf"```{language}\n(.*?)```", english, re.S) for language in ("sh", "python")
    )
    assert commands in chinese
    assert snippet in chinese
    write_parquet(held_out(40), tmp_path / "held_out.parquet")
    (tmp_path / "run-3m").symlink_to(first)
    (tmp_path / "run-10m").symlink_to(second)
    monkeypatch.chdir(tmp_path)
    for command in commands.splitlines():
        program, *arguments = shlex.split(command)
        assert program == "fastsample"
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, done.stderr
        assert "bits a character" in done.stdout
    names: dict[str, Any] = {}
    exec(snippet, names)
    assert names["found"].rows == 40


def test_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(fastsample.MissingDependencyError, match="pip install torch transformers"):
        fastsample.verify(held_out(3), "a/b", "a/b")
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    with pytest.raises(fastsample.MissingDependencyError, match="pip install sacrebleu"):
        fastsample.verify(held_out(3), "a/b", "a/b", answers=2)


def test_the_interval_covers_the_truth() -> None:
    """Of 200 sets of rows whose true difference is 0.5 a character, 95 % of the intervals have it.

    Fewer than 180 (or all) would happen by chance once in thousands of tries.
    """
    rng = np.random.default_rng(7)
    hits = 0
    for seed in range(200):
        chars = rng.integers(1, 60, 150)
        differences = chars * (0.5 + rng.normal(0, 1, 150))
        low, high = paired_interval(differences, chars, 400, seed)
        hits += low <= 0.5 <= high
    assert 180 <= hits < 200


@pytest.mark.torch
def test_the_page_on_scores_by_models_runs(
    models: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recipe draws by the difference of the losses that the models have row by row."""
    kind, first, second = models
    page = Path(__file__).resolve().parents[1] / "docs" / "scorers.md"
    snippets = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    assert len(snippets) == 2
    monkeypatch.chdir(tmp_path)
    write_parquet(held_out(60), tmp_path / "train.parquet")
    (tmp_path / "checkpoint").symlink_to(first)
    (tmp_path / "smaller").symlink_to(second)
    names: dict[str, Any] = {}
    few = snippets[1].replace("1500", "30").replace("500", "10")
    for snippet in (snippets[0], few):
        exec(snippet, names)
    assert len(names["s"]) == 10
    rows = names["candidates"].to_pylist()
    for row, score in zip(rows[:3], names["scores"], strict=False):
        a, b = (nats_of(kind, folder, row["prompt"], row["response"]) for folder in (first, second))
        assert score == pytest.approx(2 ** min(3, max(-3, a[0] / a[1] - b[0] / b[1])), rel=1e-3)
