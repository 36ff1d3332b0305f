"""The site: built strictly, whole, without other servers; the commands of its own pages run."""

from __future__ import annotations

import html
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from data import write_parquet
from fastsample.cli import app

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


@pytest.mark.parametrize("page", ["index", "from-script"])
def test_commands_and_lines_run(
    page: str, table: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parquet(table, tmp_path / "train.parquet")
    monkeypatch.chdir(tmp_path)
    for language in ("sh", "python"):
        assert blocks(f"{page}.md", language) == blocks(f"{page}.zh.md", language)
    for line in "".join(blocks(f"{page}.md", "sh")).splitlines():
        program, *arguments = shlex.split(line)
        assert program == "fastsample"
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, f"{line}\n{done.stderr}"
    for snippet in blocks(f"{page}.md", "python"):
        exec(snippet, {})
    assert pq.read_metadata("train_600.parquet").num_rows == 600


def test_every_page_is_in_the_navigation() -> None:
    listed = re.findall(r"- ([\w.-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.M)
    assert sorted(listed) == sorted([*(page.name for page in DOCS.glob("*.md")), "cli.md"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the site that FASTSAMPLE_SITE says `make site` has just built, or build one."""
    if built := os.environ.get("FASTSAMPLE_SITE"):
        return ROOT / built
    for name in ("jieba", "mkdocs", "mkdocstrings", "material"):
        pytest.importorskip(name)
    folder = tmp_path_factory.mktemp("site") / "s"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT, capture_output=True, encoding="utf-8", check=False, timeout=110,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def test_the_search_finds_chinese_words(site: Path) -> None:
    """As the theme does: words of the index, cut by its separator."""
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    separator = re.compile(index["config"]["separator"])
    found: dict[str, set[str]] = {}
    for section in index["docs"]:
        page = section["location"].partition("/")[0]
        for word in separator.split(f"{section['title']} {section['text']}"):
            found.setdefault(word, set()).add(page)
    assert {"guide.zh", "training.zh", "rows.zh"} <= found["采样"] | found["样本"]
    for word, page in (("训练", "training.zh"), ("比例", "rows.zh"), ("缓存", "training.zh")):
        assert page in found[word], word


def test_the_gallery_shows_every_kind_of_report(site: Path) -> None:
    for name in ("compare-random", "compare-smart", "compare-biased", "inspect", "plan", "verify"):
        report = (site / "gallery" / f"{name}.html").read_text(encoding="utf-8")
        assert "<table" in report
    for page in ("gallery", "gallery.zh"):
        text = (site / page / "index.html").read_text(encoding="utf-8")
        for address in re.findall(r"<iframe[^>]* src=\"?([^\s\">]+)", text):
            assert (site / page / address).exists(), address
        for fact in ("rows before", "effective rows", "identical", "speed-up", "median"):
            assert fact in text, fact


def test_the_site_is_whole_and_needs_no_other_server(site: Path) -> None:
    for name in set(fastsample.__all__) - {*fastsample.errors.__all__, "errors", "__version__"}:
        page = (site / "api" / name / "index.html").read_text(encoding="utf-8")
        text = " ".join(html.unescape(re.sub(r"<[^>]+>", "", page)).split())
        first = (getattr(fastsample, name).__doc__ or "").strip().splitlines()[0]
        words = re.sub(r":\w+:(?=`)|`", "", first)
        assert " ".join(words.split())[:40] in text, name
    commands = (site / "cli" / "index.html").read_text(encoding="utf-8")
    assert all(
        f"fastsample {name} [OPTIONS]" in commands for name in app.list_commands(click.Context(app))
    )
    pages = "".join(page.read_text(encoding="utf-8") for page in site.rglob("*.html"))
    assert not re.search(r"<(script|img|iframe|source)[^>]*\ssrc=.?https?:", pages)
    assert not re.search(r"<link[^>]*rel=.?(stylesheet|preconnect)[^>]*href=.?https?:", pages)
    styles = "".join(sheet.read_text(encoding="utf-8") for sheet in site.rglob("*.css"))
    assert not re.search(r"url\([^)]{0,2}https?:|@import", styles)
    links = re.findall(
        r'hreflang="?(\w+)"? class', (site / "guide.zh/index.html").read_text("utf-8")
    )
    assert links == ["en", "zh"]
    assert '<html lang="zh"' in (site / "guide.zh" / "index.html").read_text(encoding="utf-8")
    assert "hreflang" not in (site / "json" / "index.html").read_text(encoding="utf-8")
    assert "tabIndex = 0" in (site / "keyboard.js").read_text(encoding="utf-8")
    llms = (site / "llms.txt").read_text(encoding="utf-8")
    for address in re.findall(r"\]\(([^)]+)\)", llms):
        assert (site / address / "index.html").exists(), address
