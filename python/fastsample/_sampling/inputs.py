"""Inputs of a draw as outputs tell of them: files, objects of stores, and how they differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fastsample._remote import public_url
from fastsample._stored import ToldObject

#: What tells the content of an input, or of several, from others of the same size.
_IDENTITIES = ("sha256", "fingerprint", "etag", "etags")


def told_object(told: ToldObject) -> dict[str, Any]:
    """Return what is told of an object of a store: its URL, and by what the store knows it.

    The time of change is not among that: the same bytes have another one when they are put again.
    """
    url, size, _, etag, version_id = told
    facts = {"path": public_url(url), "bytes": size, "etag": etag}
    return facts if version_id is None else {**facts, "version_id": version_id}


def is_stored(told: Mapping[str, Any]) -> bool:
    """Return whether this was told of an object of a store, or of several."""
    return "etag" in told or "etags" in told


def difference(old: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """Return how an input differs from what was told of it, or None."""
    tags = f"ETag {now['etag']}, not {old['etag']}" if "etag" in _common(old, now) else ""
    if old["bytes"] != now["bytes"]:
        sizes = f"{now['bytes']:,} bytes, not {old['bytes']:,}"
        return f"{sizes}; {tags}" if tags and old["etag"] != now["etag"] else sizes
    if all(old[key] == now[key] for key in _common(old, now)):
        return None
    if not tags:
        return "as long as before, but with other content"
    version = old.get("version_id")
    kept = "" if version is None else f" (the version of before is {version})"
    return f"the object was replaced by one of the same size: {tags}{kept}"


def sizes_alone(pairs: Iterable[tuple[str, Mapping[str, Any], Mapping[str, Any]]]) -> str | None:
    """Return a sentence on inputs of which nothing but the size could be compared, or None.

    Each has its name, what was told of it, and what is now.
    """
    found = [(name, old, now) for name, old, now in pairs if not _common(old, now)]
    if not found:
        return None
    name, old, now = found[0]
    why = "a local file has no ETag, and a store tells no hash of the content"
    if is_stored(old) and is_stored(now):
        why = "the server gives no ETag"
    others = "" if len(found) == 1 else f" and of {len(found) - 1:,} more"
    return f"only the size of {name}{others} was compared with that of before: {why}"


def _common(old: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what is known of both that tells their contents apart."""
    return [key for key in _IDENTITIES if old.get(key) is not None and now.get(key) is not None]
