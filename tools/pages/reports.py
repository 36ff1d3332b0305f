"""Make one page of every kind of report: ``python -m tools.pages.reports DATA FOLDER``.

`compare` writes pages of its own. The others are shown by notebooks, so they stand in a page that
has as little style as the output of a cell.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastsample
from fastsample._verification.model import ModelLoss
from fastsample._verification.verification import Verification

_CELL = (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    "<title>fastsample: {name}</title>\n<style>body {{ font-family: system-ui, sans-serif; "
    "color: #111; background: #fff; }}\n@media (prefers-color-scheme: dark) {{ body {{ "
    "color: #eee; background: #111; }} }}\n table {{ border-collapse: collapse; }}\n"
    "td, th {{ padding: .3rem .6rem; }} main {{ overflow-x: auto; }}\n"
    "@media print {{ main {{ overflow: visible; }} }}</style>\n</head>\n<body>\n"
    '<main tabindex="0"><h1>{name}</h1>\n{body}\n</main>\n</body>\n</html>\n'
)


def reports(data: Path, folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield every kind of result that shows itself as HTML, with a name."""
    found = fastsample.inspect(data)
    yield "inspect", found
    yield "plan", fastsample.plan(
        data, seconds_per_step=4.4, epochs=3, batch_size=16, max_length=512, hours=1,
        new_max_length=256, lengths=True,
    )  # fmt: skip
    n = found.rows * 3 // 10
    smart = fastsample.sample(data, n, smart=True)
    yield "draw", smart.report
    yield "smart", smart.report.smart
    yield "written", smart.write_parquet(folder / "smart.parquet", manifest=True)
    fastsample.sample(data, n).write_parquet(folder / "random.parquet", manifest=True)
    yield "compare-random", fastsample.compare(data, folder / "random.parquet", examples=5)
    yield "compare-smart", fastsample.compare(data, folder / "smart.parquet", examples=5)
    rows = fastsample.sample(data, n).to_arrow().sort_by(next(iter(found.text)))
    yield "compare-biased", fastsample.compare(data, rows[: n // 3])
    new, old = (ModelLoss(name, 9_000, 2.1, 3.03, 4.2, 14.0, 21.5) for name in ("new", "old"))
    yield "verify", Verification(
        "same", "No difference beyond chance.", 200, 9_000, new, old, 0.0, (-0.01, 0.01), 50,
        ("The tokenizers are the same.",),
    )  # fmt: skip


def pages(data: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the HTML of a page for every kind of report."""
    for name, found in reports(data, folder):
        whole = hasattr(found, "to_html")
        page = found.to_html() if whole else _CELL.format(name=name, body=found._repr_html_())
        yield name, page


def main() -> None:
    """Write the pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    folder: Path = args.folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in pages(args.data, folder):
        path = folder / f"{name}.html"
        path.write_text(page, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
