"""TRL's SFT trainer on cached tokens, in packs: it sees each token once, and resumes exactly."""

import re
from pathlib import Path
from typing import Any

import fastsample
import pytest
from data import pairs

pytest.importorskip("tokenizers")
pytest.importorskip("trl")

from tokenizers_made import make

pytestmark = [
    pytest.mark.torch,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*pin_memory.*:UserWarning"),
]

PAGE = Path(__file__).resolve().parents[1] / "docs" / "training.md"
LENGTH = 64


def snippet() -> str:
    """Return the snippet of the page that makes the trainer."""
    found = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    (one,) = [each for each in found if "SFTTrainer(" in each]
    return str(one)


def rows_of(batch: dict[str, Any]) -> list[tuple[int, ...]]:
    """Return the rows of a batch of packs: the positions begin anew in each."""
    ids, positions = (batch[name].flatten().tolist() for name in ("input_ids", "position_ids"))
    starts = [place for place, position in enumerate(positions) if position == 0]
    ends = [*starts[1:], len(ids)]
    return [tuple(ids[start:end]) for start, end in zip(starts, ends, strict=True)]


def test_each_token_is_seen_once_and_a_run_resumes_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    monkeypatch.setenv("FASTSAMPLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    file = make("bpe", tmp_path / "tokenizer.json")
    load: Any = PreTrainedTokenizerFast
    tokenizer = load(tokenizer_file=str(file), pad_token="[PAD]", eos_token="[SEP]")
    ids = fastsample.sample(pairs(70, seed=3), 40).cache(
        tokenizer=file, text_columns=["response"], max_tokens=LENGTH
    )
    names: dict[str, Any] = {}
    exec(snippet(), names)
    config: Any = LlamaConfig
    tiny = config(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=LENGTH,
    )

    def trained(output: str, *, resume: bool = False, **options: Any) -> list[Any]:
        torch.manual_seed(0)
        trainer = names["sft_trainer"](
            LlamaForCausalLM(tiny),
            tokenizer,
            ids,
            output,
            max_length=LENGTH,
            per_device_train_batch_size=2,
            num_train_epochs=1,
            save_steps=4,
            report_to=[],
            use_cpu=True,
            bf16=False,
            disable_tqdm=True,
            **options,
        )
        seen, compute = [], trainer.compute_loss

        def recorded(model: Any, inputs: dict[str, Any], *others: Any, **named: Any) -> Any:
            seen.append(rows_of(inputs))
            return compute(model, inputs, *others, **named)

        trainer.compute_loss = recorded
        trainer.train(resume_from_checkpoint=resume)
        return seen

    whole = trained("whole")
    wanted = sorted(tuple(row["input_ids"].tolist()) for row in ids[:])
    assert len(set(wanted)) > 30
    assert sorted(row for step in whole for row in step) == [row for row in wanted if row]
    assert any(len(step) > 2 for step in whole)
    begun = trained("parts", max_steps=4)
    assert begun + trained("parts", resume=True) == whole
