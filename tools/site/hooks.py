"""Hooks of mkdocs: pages of the API and of the command line made from the code, and llms.txt."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import fastsample
import jieba
from fastsample.cli import app
from mkdocs.structure.files import File, Files

#: Links to files of the repository that are no pages.
_OUTSIDE = re.compile(r"\[([^\]]*)\]\(\.\./([^)#\s]+)[^)\s]*\)")

#: Files beside this one that go to the site as they are.
_STATIC = ("style.css", "keyboard.js")

_ABOUT = "Fast, exact, reproducible training samples out of big text data sets."


def on_config(config: Any) -> Any:
    """Have jieba, which cuts Chinese for the search, say nothing and keep its cache with us."""
    folder = Path(config["site_dir"]).parent
    folder.mkdir(parents=True, exist_ok=True)
    jieba.dt.tmp_dir = str(folder)
    jieba.setLogLevel(logging.WARNING)
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add a page for each public name, one for all commands, and what the theme lacks."""
    static = {name: Path(__file__).with_name(name).read_text("utf-8") for name in _STATIC}
    for name, text in {**api_pages(), "cli.md": cli_page(), **static}.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Name files of the repository instead of linking to them: they are not on the site."""
    return _OUTSIDE.sub(r"\1 (`\2` in the repository)", markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Leave out the roles of reStructuredText that docstrings have before names."""
    return re.sub(r":(?:func|class|meth|data|mod|attr|exc):(?=<code)", "", html)


def on_post_build(config: Any) -> None:
    """Write llms.txt: the pages with their titles, as llmstxt.org has it."""
    docs, site = Path(config["docs_dir"]), Path(config["site_dir"])
    pages = sorted(docs.glob("*.md"))
    lines = [f"- [{_title(page)}]({_address(page)})" for page in pages]
    reference = [f"- [fastsample.{name}](api/{name}/)" for name in public_names()]
    parts = [
        "# fastsample", f"> {_ABOUT}", "## Pages", "\n".join(lines), "## Reference",
        "\n".join(["- [Command line](cli/)", *reference]),
    ]  # fmt: skip
    (site / "llms.txt").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def public_names() -> list[str]:
    """Return the public names that have a page: functions and classes, errors on one page."""
    errors = set(fastsample.errors.__all__)
    return [name for name in fastsample.__all__ if name not in {*errors, "errors", "__version__"}]


def api_pages() -> dict[str, str]:
    """Return the pages of the API: an index, one for each name, one for the errors."""
    names = public_names()
    functions = [name for name in names if name[0].islower()]
    classes = [name for name in names if name[0].isupper()]
    pages = {f"api/{name}.md": f"# fastsample.{name}\n\n::: fastsample.{name}\n" for name in names}
    for module in ("errors", *fastsample._MODULES):
        # Classes of errors inherit what everybody knows.
        options = "" if module == "errors" else "    options:\n      inherited_members: true\n"
        pages[f"api/{module}.md"] = f"# fastsample.{module}\n\n::: fastsample.{module}\n{options}"
    lists = [
        f"## {title}\n\n" + "\n".join(f"- [`{name}`]({name}.md): {_first(name)}" for name in some)
        for title, some in (("Functions", functions), ("Classes", classes))
    ]
    modules = "\n".join(f"- [`{name}`]({name}.md)" for name in ("errors", *fastsample._MODULES))
    index = "\n\n".join(["# API", *lists, f"## Modules\n\n{modules}"])
    return pages | {"api/index.md": index + "\n"}


def cli_page() -> str:
    """Return the help of all commands."""
    parts = ["# Command line", "```text\n" + _help(app, "fastsample") + "\n```"]
    for name, command in _commands():
        parts += [f"## {name}", "```text\n" + _help(command, f"fastsample {name}") + "\n```"]
    return "\n\n".join(parts) + "\n"


def _commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(app)
    for name in app.list_commands(context):
        command = app.get_command(context, name)
        if command is not None:
            yield name, command


def _help(command: click.Command, name: str) -> str:
    context = click.Context(command, info_name=name, max_content_width=100)
    context.show_default = True
    return command.get_help(context)


def _first(name: str) -> str:
    """Return the first line of a docstring."""
    return (getattr(fastsample, name).__doc__ or "").strip().splitlines()[0]


def _title(page: Path) -> str:
    """Return the heading of a page."""
    return page.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")


def _address(page: Path) -> str:
    """Return where a page is on the site."""
    name = page.name.removesuffix(".md")
    return "./" if name == "index" else f"{name}/"
