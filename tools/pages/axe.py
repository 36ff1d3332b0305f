"""Check pages with axe-core in headless Chromium: ``python -m tools.pages.axe PAGE...``.

Each page is checked in light and dark colours, on a wide screen, a tablet and a phone. The script
of axe-core comes from the wheel of axe-playwright-python; nothing else of that package is used.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

from tools.pages.browser import View, dom

#: From worst to least, as axe-core names them.
SEVERITIES = ("critical", "serious", "moderate", "minor")

VIEWS = tuple(View(width, dark=dark) for width in (1280, 768, 375) for dark in (False, True))

#: Places of a finding that are printed.
_PLACES = 5

#: Runs in the page. The answer stands at its end, or goes to the page that has it in a frame.
_CHECK = """
<script>{axe}</script>
<script>
const answer = (found) => {{
  if (top !== window) return top.postMessage(found, "*");
  const text = document.createElement("pre");
  text.id = "message";
  text.textContent = found;
  document.body.append(text);
}};
addEventListener("load", async () => {{
  const found = await axe.run(document, {{ resultTypes: ["violations", "incomplete"] }});
  const short = (rules) => rules.map((rule) => ({{
    id: rule.id, impact: rule.impact, help: rule.help,
    places: rule.nodes.map((node) => node.target.join(" ") + " | " + node.failureSummary),
  }}));
  answer(JSON.stringify({{
    bad: short(found.violations), unsure: short(found.incomplete), rules: found.passes.length,
  }}));
}});
</script>
"""


class Finding(NamedTuple):
    """A rule that a page breaks in some places, or about which axe-core is unsure."""

    page: str
    view: str
    impact: str
    rule: str
    help: str
    places: tuple[str, ...]
    sure: bool


def check(page: Path, view: View) -> list[Finding]:
    """Return what axe-core finds on a page."""
    with _with_script(page) as copy:
        text = dom(copy, view)
    answer = re.search(r'<pre id="message">(.*?)</pre>', text, re.S)
    if answer is None:
        raise SystemExit(f"{page} at {view.name}: axe-core gave no answer")
    found: dict[str, Any] = json.loads(unescape(answer[1]))
    if not found["rules"]:
        raise SystemExit(f"{page} at {view.name}: axe-core checked nothing")
    return [
        Finding(
            str(page), view.name, rule["impact"] or "minor", rule["id"], rule["help"],
            tuple(rule["places"]), sure,
        )
        for sure, rules in ((True, found["bad"]), (False, found["unsure"]))
        for rule in rules
    ]  # fmt: skip


@contextmanager
def _with_script(page: Path) -> Iterator[Path]:
    """Yield a copy of the page, beside it, that runs axe-core."""
    text = page.read_text(encoding="utf-8")
    end = text.rindex("</body>")
    copy = page.with_name(f"{page.stem}.axe.html")
    copy.write_text(text[:end] + _CHECK.format(axe=_axe()) + text[end:], encoding="utf-8")
    try:
        yield copy
    finally:
        copy.unlink()


def _axe() -> str:
    """Return the script, which must not end the element that holds it."""
    package = importlib.util.find_spec("axe_playwright_python")
    if package is None or package.origin is None:
        raise SystemExit("axe-core is not installed; run: make axe")
    script = Path(package.origin).with_name("axe.min.js").read_text(encoding="utf-8")
    return script.replace("</script", "<\\/script")


def lines(found: Sequence[Finding]) -> Iterator[str]:
    """Yield each rule that a page breaks, with the views and the first places."""
    rules: dict[tuple[str, str, bool], list[Finding]] = {}
    for each in found:
        rules.setdefault((each.page, each.rule, each.sure), []).append(each)
    for (page, rule, sure), those in rules.items():
        views = ", ".join(each.view for each in those)
        impact = those[0].impact if sure else f"unsure, {those[0].impact}"
        yield f"{page}: {rule} ({impact}; {views}): {those[0].help}"
        for place in those[0].places[:_PLACES]:
            yield "    " + " ".join(place.split())


def table(found: Sequence[Finding], pages: Sequence[Path]) -> str:
    """Return a line a page: rules broken by severity in any view, and rules that need a reader."""
    lines = [f"| page | {' | '.join(SEVERITIES)} | unsure |", "|---" * 6 + "|"]
    for page in pages:
        here = [each for each in found if each.page == str(page)]
        counts = [len({e.rule for e in here if e.sure and e.impact == s}) for s in SEVERITIES]
        unsure = len({each.rule for each in here if not each.sure})
        lines.append(f"| {page} | {' | '.join(map(str, counts))} | {unsure} |")
    return "\n".join(lines)


def main() -> None:
    """Print findings and a table; fail if any is critical or serious."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="+", type=Path)
    pages: list[Path] = parser.parse_args().pages
    found = [each for page in pages for view in VIEWS for each in check(page, view)]
    print("\n".join(lines(found)))
    print(table(found, pages))
    bad = [each for each in found if each.sure and each.impact in SEVERITIES[:2]]
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
