"""fastsample through its Python API, as a fresh process: a sample to a table, or to a file.

::

    python -m benches.baselines.ours --input A --n 10000 [--output B] [--smart entropy]

Plain samples to a file are measured through ``python -m fastsample sample``, as users run it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

import fastsample

# Any: a version that cannot do one of these refuses it, and the comparison shows that.
SMART: Final[dict[str, Any]] = {"none": False, "all": True, "entropy": "entropy"}


def main() -> None:
    """Read the command line, sample, print the number of rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=None)
    parser.add_argument("--n", type=int, required=True)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--smart", choices=SMART, default="none")
    parser.add_argument("--columns", nargs="*", default=None)
    parser.add_argument("--threads", type=int, default=None)
    options = parser.parse_args()
    sample = fastsample.sample(
        options.input,
        options.n,
        smart=SMART[options.smart],
        seed=options.seed,
        columns=options.columns,
        threads=options.threads,
    )
    if options.output is not None:
        sample.write_parquet(options.output)
        print(f"rows={len(sample)}")
    else:
        print(f"rows={sample.to_arrow().num_rows}")


if __name__ == "__main__":
    main()
