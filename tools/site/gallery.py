"""Hook of mkdocs: reports and printed output for the gallery, made from made rows with the site.

A comment ``<!-- fastsample inspect train.parquet -->`` on a page becomes the command and what it
prints on a terminal of 80 columns.
"""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from click.testing import CliRunner
from fastsample import _layout
from fastsample.cli import app
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

from benches.generate import generate
from tools.pages.reports import pages

_COMMAND = re.compile(r"^<!-- (fastsample .*) -->$", re.M)

#: Enough that no test of `compare` lacks rows.
_ROWS = 3_000


def on_files(files: Files, config: Any) -> Files:
    """Add a page of every kind of report."""
    with _data() as folder:
        for name, page in pages(Path("train.parquet"), folder):
            files.append(File.generated(config, f"gallery/{name}.html", content=page))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Run the commands of a page."""
    if _COMMAND.search(markdown) is None:
        return markdown
    with _data():
        return _COMMAND.sub(lambda found: _printed(found[1]), markdown)


def _printed(command: str) -> str:
    # What is printed to no terminal has any width.
    with patch.object(_layout, "UNLIMITED", 80):
        done = CliRunner().invoke(app, shlex.split(command)[1:])
    if done.exit_code:
        raise PluginError(f"{command}: {done.output}")
    return f"```text\n$ {command}\n{done.output}```"


@contextmanager
def _data() -> Iterator[Path]:
    """Work in a folder of its own, so that reports name files and not the paths of a machine."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        try:
            generate("train.parquet", _ROWS, duplicates=0.05)
            yield Path()
        finally:
            os.chdir(before)
