"""Headless Chromium: the page after its scripts ran, a screenshot, or a printed PDF."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

#: Names under which systems install Chromium.
_NAMES = ("chromium", "chromium-browser", "google-chrome")

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
    "--no-first-run", "--disable-extensions", "--disable-background-networking",
)  # fmt: skip

#: Milliseconds of the page's own clock that its scripts may take.
_SCRIPTS_MS = 30_000

_TIMEOUT = 120

#: Windows of Chromium are not narrower; a narrower page is shown in a frame.
_LEAST_WIDTH = 500


@dataclass(frozen=True)
class View:
    """How a page is looked at: CSS pixels, and the colours that the reader prefers."""

    width: int = 1280
    height: int = 900
    dark: bool = False

    @property
    def name(self) -> str:
        """Name the view in file names and tables."""
        return f"{self.width}-{'dark' if self.dark else 'light'}"


def dom(page: Path, view: View) -> str:
    """Return the page as HTML after its scripts ran."""
    return _run(page, view, "--dump-dom", f"--virtual-time-budget={_SCRIPTS_MS}")


def screenshot(page: Path, view: View, out: Path) -> None:
    """Write what a window of the view's size shows as PNG."""
    _run(page, view, f"--screenshot={out}", f"--virtual-time-budget={_SCRIPTS_MS}")


def pdf(page: Path, out: Path) -> None:
    """Print the page."""
    _run(page, View(), f"--print-to-pdf={out}", "--no-pdf-header-footer")


def _run(page: Path, view: View, *flags: str) -> str:
    program = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if program is None:
        raise SystemExit(f"no browser; install Chromium (tried {', '.join(_NAMES)})")
    with tempfile.TemporaryDirectory() as profile, _framed(page, view) as shown:
        done = subprocess.run(
            [
                program, *_FLAGS, *flags,
                f"--user-data-dir={profile}",
                f"--window-size={view.width},{view.height}",
                f"--blink-settings=preferredColorScheme={0 if view.dark else 1}",
                shown.resolve().as_uri(),
            ],
            capture_output=True, encoding="utf-8", check=False, timeout=_TIMEOUT,
        )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{page}: Chromium failed\n{done.stderr}")
    return done.stdout


@contextmanager
def _framed(page: Path, view: View) -> Iterator[Path]:
    """Yield the page, or one beside it with a frame of the view's width: it shows messages, too."""
    if view.width >= _LEAST_WIDTH:
        yield page
        return
    outer = page.with_name(f"{page.stem}.frame.html")
    scheme = "dark" if view.dark else "light"
    outer.write_text(
        "<!doctype html><html lang=en><title>frame</title>"
        f"<style>body {{ margin: 0 }} iframe {{ border: 0; display: block; color-scheme: {scheme};"
        f" width: {view.width}px; height: {view.height}px }}</style>"
        "<body><script>addEventListener('message', (event) => { const found ="
        " document.createElement('pre'); found.id = 'message';"
        " found.textContent = event.data; document.body.append(found); });</script>"
        f"<iframe src='{page.name}'></iframe></body></html>",
        encoding="utf-8",
    )
    try:
        yield outer
    finally:
        outer.unlink()
