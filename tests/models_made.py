"""Tiny language models with random weights, saved as their users have them."""

from pathlib import Path
from typing import Any

#: The characters that their tokenizer knows.
WORDS = "天地玄黄宇宙洪荒日月盈昃辰宿列张"


def save_tokenizer(folder: Path) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    names = ["<pad>", "</s>", "<unk>", *WORDS]
    made = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, "<unk>"))
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    made.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    kind: Any = PreTrainedTokenizerFast  # untyped
    fast = kind(tokenizer_object=made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
    fast.save_pretrained(folder)
    return fast


def save_model(kind: str, folder: Path, seed: int) -> Path:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, T5Config, T5ForConditionalGeneration

    seq2seq_config: Any = T5Config  # its arguments are not all typed

    torch.manual_seed(seed)
    shape: dict[str, Any] = {"vocab_size": 19, "pad_token_id": 0, "eos_token_id": 1}
    if kind == "causal":
        config = LlamaConfig(
            hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
            max_position_embeddings=32, bos_token_id=1, initializer_range=0.5, **shape,
        )  # fmt: skip
        model: Any = LlamaForCausalLM(config)
    else:
        model = T5ForConditionalGeneration(
            seq2seq_config(
                d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2,
                decoder_start_token_id=0, **shape,
            )
        )  # fmt: skip
    model.save_pretrained(folder)
    save_tokenizer(folder)
    return folder
