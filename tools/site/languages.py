"""Hook of mkdocs: the switch between a page and the same page in the other language.

`page.md` is English and `page.zh.md` Chinese. Where one of the two is missing, there is no switch.
"""

from __future__ import annotations

from typing import Any

from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

#: By the ending of a page's name before `.md`: language of the page, and its name in the menu.
_LANGUAGES = {"": ("en", "English"), ".zh": ("zh", "中文")}


def on_env(env: Any, config: Any, files: Files) -> Any:
    """Keep the addresses of all pages."""
    config.extra["addresses"] = {file.src_uri: file.url for file in files.documentation_pages()}
    return env


def on_page_context(context: Any, page: Page, config: Any, **_: Any) -> Any:
    """Set the language of the page's frame, and the pages that the switch leads to."""
    addresses: dict[str, str] = config.extra["addresses"]
    both = counterparts(page.file.src_uri)
    here = next(ending for ending, name in both.items() if name == page.file.src_uri)
    config.theme["language"] = _LANGUAGES[here][0]
    links = [
        {"lang": _LANGUAGES[ending][0], "name": _LANGUAGES[ending][1], "link": addresses[name]}
        for ending, name in both.items()
        if name in addresses
    ]
    config.extra["alternate"] = links if len(links) == len(both) else []
    return context


def counterparts(uri: str) -> dict[str, str]:
    """Return the names of a page in all languages."""
    stem = uri.removesuffix(".md").removesuffix(".zh")
    return {ending: f"{stem}{ending}.md" for ending in _LANGUAGES}
