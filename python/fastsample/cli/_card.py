"""`fastsample card`."""

from __future__ import annotations

from pathlib import Path

import click

import fastsample
from fastsample._files import check_output, write_text
from fastsample.cli._common import overwrite, reported


@click.command()
@click.argument("data", metavar="FOLDER", type=click.Path(path_type=Path))
@overwrite
def card(data: Path, overwrite: bool) -> None:
    """Write README.md into a folder of samples: the card that the Hugging Face Hub shows.

    FOLDER has Parquet files that fastsample wrote, a split each. datasets.load_dataset reads it.
    """
    with reported():
        target = (data if data.is_dir() else data.parent) / "README.md"
        check_output(target, overwrite=overwrite)
        write_text(target, fastsample.card(data))
    click.echo(f"wrote {target}")
