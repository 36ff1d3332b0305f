"""Mix three Parquet files by shares into one: `fastsample mix` beside Hugging Face `datasets`.

::

    python -m benches.mixtures
    python -m benches.mixtures --rows 60_000 --rounds 2 --record /tmp/record
    python -m benches.mixtures --tokens

The files are of :mod:`benches.generate`: a half, three tenths and a fifth of the rows. Of them
30 % are drawn by the shares 0.2, 0.5 and 0.3. Each run is a fresh process; contenders take turns,
and their rows are counted. ``datasets`` shuffles each file and mixes with ``interleave_datasets``,
which draws the source of each row by its probability: shares are met roughly. ``datasets-stream``
does it on streams, with buffers of 10,000 rows.

With ``--tokens`` a budget of 100 tokens a row is divided by the shares; each character is a token.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from benches.arguments import ROOT, run_arguments
from benches.baselines import token_mixture
from benches.process import Run, count_rows, run, warm
from benches.report import Entry, write_page
from benches.turns import by_turns

OURS: Final = "fastsample"
DRAWN: Final = 0.3
#: For each source its part of the rows, and its share of the mixture.
SOURCES: Final = {"wiki": (0.5, 0.2), "code": (0.3, 0.5), "chat": (0.2, 0.3)}
BUFFER: Final = 10_000
TOKENS_A_ROW: Final = 100
BY_TOKENS: Final = "datasets-tokens"


def make(folder: Path, rows: int, seed: int) -> None:
    """Write the files of the sources."""
    from benches.generate import generate

    for number, (name, (part, _)) in enumerate(SOURCES.items()):
        generate(folder / f"{name}.parquet", int(rows * part), seed=seed + number, codec="zstd")


def mapped(folder: Path, output: Path, n: int, seed: int) -> None:
    """Mix data sets that `datasets` converts into its cache first."""
    import datasets

    def load(name: str) -> Any:
        path = str(folder / f"{name}.parquet")
        rows = datasets.load_dataset("parquet", data_files=path, split="train")
        return rows.add_column("source", [name] * len(rows)).shuffle(seed=seed)

    shares = [share for _, share in SOURCES.values()]
    mixed = datasets.interleave_datasets(
        [load(name) for name in SOURCES],
        probabilities=shares,
        seed=seed,
        stopping_strategy="all_exhausted",
    )
    mixed.select(range(n)).to_parquet(str(output))


def streamed(folder: Path, output: Path, n: int, seed: int) -> None:
    """Mix streams, and write the first n rows of the mixture."""
    import datasets
    import pyarrow as pa
    import pyarrow.parquet as pq

    def load(name: str) -> Any:
        path = str(folder / f"{name}.parquet")
        rows = datasets.load_dataset("parquet", data_files=path, split="train", streaming=True)
        named = rows.map(lambda row: {**row, "source": name})
        return named.shuffle(seed=seed, buffer_size=BUFFER)

    shares = [share for _, share in SOURCES.values()]
    mixed = datasets.interleave_datasets(
        [load(name) for name in SOURCES],
        probabilities=shares,
        seed=seed,
        stopping_strategy="all_exhausted",
    )
    writer = None
    batches: Iterable[dict[str, list[Any]]] = mixed.take(n).iter(batch_size=BUFFER)
    for batch in batches:
        table = pa.table(batch)
        writer = writer or pq.ParquetWriter(output, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def by_tokens(folder: Path, output: Path, budget: int, seed: int) -> None:
    """Mix by shares of tokens."""
    shares = {name: share for name, (_, share) in SOURCES.items()}
    token_mixture.mixed(folder, output, budget, shares, seed)


PEERS: Final[dict[str, Callable[[Path, Path, int, int], None]]] = {
    "datasets": mapped,
    "datasets-stream": streamed,
    BY_TOKENS: by_tokens,
}


def command(
    name: str, folder: Path, output: Path, amount: int, seed: int, tokens: bool
) -> list[str]:
    """Return what mixes so many rows or tokens into `output`."""
    if name != OURS:
        peer = ["--peer", name, str(folder), str(output), str(amount)]
        return [sys.executable, "-m", "benches.mixtures", *peer, "--seed", str(seed)]
    sources = [
        f"--source={source}={folder / source}.parquet:{share}"
        for source, (_, share) in SOURCES.items()
    ]
    options = ["-o", str(output), "--seed", str(seed), "--shuffle"]
    if tokens:
        options += ["--text-column", "prompt", "--text-column", "response"]
        options += ["--budget-tokens", str(amount), "--tokenizer", str(folder / "tokenizer.json")]
    else:
        options += ["-n", str(amount)]
    return [sys.executable, "-m", "fastsample", "mix", *sources, *options]


def one(name: str, *, folder: Path, amount: int, seed: int, tokens: bool, timeout: float) -> Run:
    """Run a contender once, and check how many rows it wrote."""
    with tempfile.TemporaryDirectory(prefix="fastsample-bench-", dir=folder.parent) as scratch:
        output = Path(scratch) / "mixed.parquet"
        mixing = command(name, folder, output, amount, seed, tokens)
        done = run(mixing, cwd=ROOT, timeout=timeout)
        if done.error is None:
            rows = count_rows(output)
            if rows == 0 or (not tokens and rows != amount):
                done = replace(
                    done, error="no rows" if tokens else f"{rows} rows instead of {amount}"
                )
    os.sync()
    return done


def line(entry: Entry, base: Entry) -> str:
    """Return a line of the table."""
    seconds, cpu = entry.seconds, entry.middle(lambda run: run.cpu_seconds)
    peak = entry.middle(lambda run: run.peak_bytes)
    if entry.failure is not None or seconds is None or cpu is None or peak is None:
        return f"| {entry.name} | failed | {entry.failure} | | |"
    ratio = f"{seconds / base.seconds:.2f}" if base.seconds else "-"
    return f"| {entry.name} | {seconds:.2f} | {cpu:.2f} | {peak / 2**20:,.0f} | {ratio} |"


def main() -> None:
    """Make the files, measure, print and write the table."""
    parser = run_arguments(__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of all sources")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--only", default=None, help="contenders; default: all")
    parser.add_argument("--tokens", action="store_true", help="by shares of a budget of tokens")
    parser.add_argument("--make", type=Path, default=None, help="only write the files, to here")
    parser.add_argument("--peer", nargs=4, default=None, help="run a peer once")
    options = parser.parse_args()
    if options.make is not None:
        make(options.make, options.rows, options.seed)
        return
    if options.peer is not None:
        name, sources, output, count = options.peer
        # A cache of its own, so that each run converts the files.
        cache = str(Path(output).parent)
        os.environ.update(HF_HOME=cache, HF_HUB_OFFLINE="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1")
        PEERS[name](Path(sources), Path(output), int(count), options.seed)
        return
    tokens, n = options.tokens, int(options.rows * DRAWN)
    names = [OURS, *(name for name in PEERS if (name == BY_TOKENS) == tokens)]
    names = options.only.split(",") if options.only else names
    amount = n * TOKENS_A_ROW if tokens else n
    begun = datetime.now().astimezone()
    with tempfile.TemporaryDirectory(prefix="fastsample-mix-", dir=options.scratch) as scratch:
        # A child: the peak of this process would be that of all contenders.
        folder = Path(scratch) / "sources"
        folder.mkdir()
        shape = ["--rows", str(options.rows), "--seed", str(options.seed)]
        making = [sys.executable, "-m", "benches.mixtures", "--make", str(folder), *shape]
        subprocess.run(making, check=True, cwd=ROOT)
        token_mixture.tokenizer(folder / "tokenizer.json")
        size = warm(folder) / 1e6
        run_one: Any = partial(
            one,
            folder=folder,
            amount=amount,
            seed=options.seed,
            tokens=tokens,
            timeout=options.timeout,
        )
        runs, failed = by_turns(names, options.rounds, run_one)
        entries = [Entry(name, True, runs[name], failed.get(name)) for name in names]
    page = [
        f"# Mixture: {amount:,} {'tokens out of' if tokens else 'of'} {options.rows:,} rows of "
        "three files",
        "",
        f"{begun.isoformat(timespec='seconds')}. {size:,.0f} MB of Parquet (zstd), page cache "
        f"warm. Medians of {options.rounds} rounds, each run a fresh process, contenders by turns; "
        "the start of Python is counted. fastsample writes the rows of each source shuffled."
        + (" Each character is a token." if tokens else ""),
        "",
        f"| contender | seconds | CPU s | peak MiB | × {names[0]} |",
        "|---|---:|---:|---:|---:|",
        *(line(entry, entries[0]) for entry in entries),
    ]
    kind = "mixture-tokens" if tokens else "mixture"
    write_page(page, options.record / f"{begun.date().isoformat()}-{kind}.md")


if __name__ == "__main__":
    main()
