"""An inspection as tables, for the terminal and for notebooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fastsample._inspection.chart import Histograms
from fastsample._inspection.model import ColumnInfo, Copies, FileInfo
from fastsample._layout import Block, Sentences, Table, size
from fastsample._text_lengths import TextLengths


def blocks(
    files: Sequence[FileInfo],
    columns: Sequence[ColumnInfo],
    text: Mapping[str, TextLengths],
    roles: Mapping[str, TextLengths],
    row_lengths: TextLengths | None,
    tokens: Mapping[str, TextLengths],
    row_tokens: TextLengths | None,
    copies: Copies | None,
) -> Iterator[Block]:
    """Yield the parts of the report."""
    yield _files(files)
    yield Table(
        "Columns",
        ("column", "type", "nullable"),
        [(each.name, each.type, "yes" if each.nullable else "no") for each in columns],
        left=3,
    )
    if text:
        rows = _with_whole(text, row_lengths)
        yield _lengths("Length in characters", rows)
        # One text column a role is told by the table of columns already.
        if roles and (len(roles) != len(text) or any("[]" in name for name in text)):
            title = "Length in characters by role"
            yield _lengths(title, roles, ("role", "rows without"))
        yield Histograms(rows)
    if row_tokens is not None:
        yield _lengths("Length in tokens", _with_whole(tokens, row_tokens))
    if copies is not None:
        about = "" if copies.exact else "about "
        yield Sentences([
            f"Copies: {about}{copies.rows:,} rows ({copies.share:.2%}) "
            "whose texts all equal those of an earlier row"
        ])  # fmt: skip


def _files(files: Sequence[FileInfo]) -> Table:
    rows = [
        (
            "(in memory)" if file.path is None else str(file.path),
            file.format,
            ", ".join(file.codecs) or "-",
            f"{file.rows:,}",
            f"{file.row_groups:,}",
            size(file.bytes),
        )
        for file in files
    ]
    strong = []
    if len(rows) > 1:
        groups = sum(file.row_groups for file in files)
        strong.append(len(rows))
        whole = sum(file.rows for file in files), sum(file.bytes for file in files)
        total = f"{whole[0]:,}", f"{groups:,}", size(whole[1])
        rows.append((f"{len(rows):,} files", "", "", *total))
    headings = ("file", "format", "codec", "rows", "row groups", "size")
    return Table("Files", headings, rows, left=3, strong=strong)


def _with_whole(
    text: Mapping[str, TextLengths], whole: TextLengths | None
) -> dict[str, TextLengths]:
    rows = dict(text)
    if whole is not None and len(rows) != 1:
        rows["whole row"] = whole
    return rows


def _lengths(
    title: str,
    rows: Mapping[str, TextLengths],
    names: tuple[str, str] = ("column", "nulls"),
) -> Table:
    quantiles = next(iter(rows.values())).quantiles
    headings = (*names, "mean", *map(_quantile, quantiles), "max")
    return Table(
        title,
        headings,
        [
            (
                name,
                f"{each.nulls:,}",
                f"{each.mean:,.1f}",
                *(f"{length:,}" for length in each.quantiles.values()),
                f"{each.max:,}",
            )
            for name, each in rows.items()
        ],
    )


def _quantile(share: float) -> str:
    return {0.0: "min", 0.5: "median"}.get(share, f"{share:.0%}")
