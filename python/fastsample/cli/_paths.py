"""Sources and the output file, as names in order or by ``--input`` and ``--output``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from fastsample._files import is_there
from fastsample._remote import is_url
from fastsample.errors import OutputError

inputs = click.option(
    "--input", "-i", "inputs", multiple=True, help="File, glob or folder to draw from. Repeatable."
)
paths = click.argument("paths", metavar="[SOURCE] [OUTPUT]", nargs=-1)


def source_and_output(
    paths: Sequence[str], inputs: Sequence[str], output: Path | str | None
) -> tuple[list[str], Path | str]:
    """Return the sources and the file to write.

    The last name is the output if there is no ``--output``. A shell puts the files of a glob there,
    so a name that exists is written over only if ``--overwrite`` is given.
    """
    sources = list(paths)
    if output is None:
        if len(sources) + len(inputs) < 2:
            raise click.UsageError("name the file to write, too: SOURCE OUTPUT, or --output")
        output = path_or_url(sources.pop())
        if len(sources) > 1:
            raise click.UsageError("with several sources, name the file to write by --output")
        if isinstance(output, Path) and is_there(output) and not _overwrite_was_given():
            raise OutputError(f"{output}: the file exists; --overwrite replaces it")
    if sources and inputs:
        raise click.UsageError("name sources in order or with --input, not both")
    sources = sources or list(inputs)
    if not sources:
        raise click.UsageError("name a source: SOURCE OUTPUT, or --input")
    return sources, output


def path_or_url(name: str) -> Path | str:
    """Return the name of an output as a path, unless it is a URL."""
    return name if is_url(name) else Path(name)


class Output(click.ParamType):  # type: ignore[type-arg]
    """The path of a file to write, or the URL of an object in a store."""

    name = "file"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,  # noqa: ARG002
        ctx: click.Context | None,  # noqa: ARG002
    ) -> Path | str:
        """Return the path or the URL."""
        return value if isinstance(value, Path) else path_or_url(str(value))


def _overwrite_was_given() -> bool:
    context = click.get_current_context()
    given = context.get_parameter_source("overwrite") is not ParameterSource.DEFAULT
    return given and bool(context.params["overwrite"])


@contextlib.contextmanager
def folder_of(output: Path | str) -> Iterator[None]:
    """Make the folder of a file that is missing; if nothing was written, take it away again.

    Stores have no folders that would have to be made.
    """
    if not isinstance(output, Path):
        yield
        return
    folder = output.expanduser().parent
    missing = [each for each in (folder, *folder.parents) if not is_there(each)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot make the folder: {error.strerror}") from None
    try:
        yield
    except BaseException:
        for each in missing:
            with contextlib.suppress(OSError):  # it is in use by another
                each.rmdir()
        raise
