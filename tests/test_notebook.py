"""The notebook runs, and shows what is kept in it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tools.pages.notebook import run

NOTEBOOKS = sorted((Path(__file__).parents[1] / "examples").glob("*.ipynb"))

#: Seconds, hours of the day, and bytes of a file depend on the machine.
_CHANGES = re.compile(r"seconds=[\d.e-]+|\d+\.\d+ s\b|\d[\d.]* [KM]?i?B\b|\d{4}-\d\d-\d\d[^<]*|\s+")


def shown(notebook: Any) -> list[Any]:
    """Return what the cells of a notebook show, without what changes."""
    return [
        [
            {kind: _CHANGES.sub(" ", "".join(text)) for kind, text in output["data"].items()}
            if "data" in output
            else "".join(output["text"])
            for output in cell["outputs"]
        ]
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.stem))
def test_a_notebook_shows_what_it_keeps(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert shown(run(kept)) == shown(kept), f"run: python -m tools.pages.notebook {path}"
    assert sum("text/html" in str(cell) for cell in shown(kept)) >= 5
