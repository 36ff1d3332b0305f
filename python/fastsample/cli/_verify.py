"""`fastsample verify`."""

from __future__ import annotations

from typing import Any

import click

import fastsample
from fastsample.cli._common import Rows, as_json, print_json, reported, schema, seed, show

_POSITIVE = click.IntRange(1)


@click.command()
@click.argument("source")
@click.option("--model", required=True, help="Folder of the checkpoint trained on the sample.")
@click.option("--baseline", required=True, help="Folder of the checkpoint to compare it with.")
@click.option("--rows", type=Rows(), show_default="all", help="Draw this many held-out rows.")
@seed
@click.option("--prompt", default="prompt", help="Column of the prompts.")
@click.option("--response", default="response", help="Column of the responses.")
@click.option("--prompt-format", default="{prompt}", help="Prompt as in training: {prompt}[EOS].")
@click.option("--response-format", default="{response}", help="Response as in training.")
@click.option("--max-chars", type=_POSITIVE, help="Cut prompt and response to these characters.")
@click.option("--tokenizer", help="Folder of the tokenizer of both; by default each has its own.")
@click.option(
    "--answers",
    type=click.IntRange(0),
    default=0,
    help="Answer the prompts of this many rows, and score the answers by BLEU and chrF.",
)
@click.option("--max-new-tokens", type=_POSITIVE, default=128, help="Tokens of an answer.")
@click.option("--batch-size", type=_POSITIVE, default=8, help="Rows predicted at once.")
@click.option("--device", show_default="a GPU if there is one", help="Device: cpu, cuda:1.")
@schema
@as_json
def verify(
    source: str,
    model: str,
    baseline: str,
    rows: int | None,
    seed: int,
    prompt: str,
    response: str,
    prompt_format: str,
    response_format: str,
    max_chars: int | None,
    tokenizer: str | None,
    answers: int,
    max_new_tokens: int,
    batch_size: int,
    device: str | None,
    schema: Any,
    as_json: bool,
) -> None:
    """Compare two trained models by their loss on held-out rows, response given prompt.

    SOURCE is a file, glob or folder of rows that neither was trained on. Needs torch and
    transformers.
    """
    with reported():
        found = fastsample.verify(
            source,
            model,
            baseline,
            rows=rows,
            seed=seed,
            prompt=prompt,
            response=response,
            prompt_format=prompt_format,
            response_format=response_format,
            max_chars=max_chars,
            tokenizer=tokenizer,
            answers=answers,
            max_new_tokens=max_new_tokens,
            batch_size=batch_size,
            device=device,
            schema=schema,
        )
        if as_json:
            print_json(found.to_dict())
        else:
            show(found._blocks())
