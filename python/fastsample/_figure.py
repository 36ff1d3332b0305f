"""Plots as PNG or SVG files, by matplotlib (the extra ``plot``)."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastsample._files import check_output, write_files
from fastsample.errors import ArgumentError, MissingDependencyError

#: Okabe and Ito (2008): colour-blind readers can distinguish them, and they print well.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")

#: Fonts with Chinese, Japanese and Korean glyphs, on Linux, macOS and Windows.
_CJK_FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC",
    "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "PingFang SC", "Hiragino Sans GB",
    "Microsoft YaHei", "SimHei", "Droid Sans Fallback",
)  # fmt: skip


@contextmanager
def figure(
    path: Path, width: float, height: float, inputs: Iterable[Path] = ()
) -> Iterator[tuple[Any, Any]]:
    """Yield axes and a function that makes labels drawable; write the figure at the end."""
    if path.suffix.lower() not in (".png", ".svg"):
        raise ArgumentError(f"{path}: plots are written as .png or .svg")
    try:
        import matplotlib
    except ImportError:
        raise MissingDependencyError(
            "plots need matplotlib; install it with: pip install matplotlib"
        ) from None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    check_output(path, inputs)
    font = _cjk_font()
    families = ["DejaVu Sans"] if font is None else ["DejaVu Sans", font]
    with matplotlib.rc_context({"font.family": families, "svg.hashsalt": "fastsample"}):
        drawing = Figure(figsize=(width, height), dpi=150, layout="constrained")
        FigureCanvasAgg(drawing)
        axes = drawing.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        yield axes, (lambda text: text) if font else _escaped
        file = io.BytesIO()
        with warnings.catch_warnings():
            # A character that no font has (an emoji) is drawn as a space-holder.
            warnings.filterwarnings("ignore", message="Glyph .* missing")
            drawing.savefig(file, format=path.suffix[1:].lower())
        write_files({path: file.getvalue()}, inputs)


def _cjk_font() -> str | None:
    from matplotlib import font_manager

    known = set(font_manager.get_font_names())
    return next((name for name in _CJK_FONTS if name in known), None)


def _escaped(text: str) -> str:
    r"""Write characters for which there is no font as \u4f60, which is better than boxes."""
    return text.encode("latin-1", "backslashreplace").decode("latin-1")
