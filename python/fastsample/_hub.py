"""Files of repositories on the Hugging Face Hub, read in ranges; huggingface_hub knows the way.

::

    hf://datasets/org/name@revision/data/*.parquet
      ─▶ the commit that the revision is now ─▶ files, each with a hash of its content
      ─▶ where a file lies, asked once ─▶ ranges
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from fastsample._stored import (
    StoredObject,
    check_length,
    choose,
    folder_of,
    is_pattern,
    no_parts,
)
from fastsample.errors import (
    ArgumentError,
    FastSampleError,
    MissingDependencyError,
    ReadError,
    SourceNotFoundError,
)

_URL = re.compile(r"hf://", re.IGNORECASE)

#: The kinds of repositories, as URLs begin.
_KINDS = {"datasets": "dataset", "models": "model", "spaces": "space"}

#: Revisions that have a slash in their names.
_REF = re.compile(r"refs/(?:convert/[^/]+|pr/\d+)")

#: Answers of a place that a file has moved away from: links are good for some time only.
_EXPIRED = (401, 403, 404, 410)


#: Names that a repository may have had one after the other, and seconds until an answer.
_MOVES, _TIMEOUT = 5, 30


@dataclass(frozen=True)
class _Repository:
    """A repository at a revision, and a path in it."""

    kind: str
    name: str
    revision: str | None
    path: str
    #: The URL of the repository, as it was given.
    base: str

    def url(self, path: str) -> str:
        return f"{self.base}/{path}" if path else self.base


def is_hub(url: str) -> bool:
    """Return whether a URL names files on the Hub."""
    return _URL.match(url) is not None


def find_on_hub(url: str, options: Mapping[str, Any]) -> tuple[list[StoredObject], list[str]]:
    """Return the files that a URL stands for, in order, and URLs of others that lie there.

    All are those of one commit, whatever is pushed meanwhile.
    """
    hub = _hub()
    if unknown := sorted(set(options) - {"token", "endpoint"}):
        raise ArgumentError(
            f"storage_options: there is no option {unknown[0]!r} of the Hub; there are token and "
            "endpoint"
        )
    place = _repository(url)
    api = hub.HfApi(endpoint=options.get("endpoint"), token=options.get("token"))
    try:
        commit = api.repo_info(place.name, revision=place.revision, repo_type=place.kind).sha
        files = _files(api, place, commit)
    except Exception as error:
        raise _failure(url, error) from None
    names = [file.path for file in files]
    if place.path in names and not is_pattern(place.path):
        chosen, others = [names.index(place.path)], list[int]()
    else:
        chosen, others = choose(url, place.path, names)
    found: list[StoredObject] = []
    for index in chosen:
        file = files[index]
        tag = file.lfs.sha256 if file.lfs is not None else file.blob_id
        reader = _Reader(api, place, commit, file.path)
        found.append((place.url(file.path), file.size, tag, tag, commit, reader))
    return found, [place.url(names[index]) for index in others]


def _files(api: Any, place: _Repository, commit: str) -> list[Any]:
    """Return the files below the folder of a path, or the file that it is."""
    where = {"revision": commit, "repo_type": place.kind}
    if place.path and not is_pattern(place.path) and not place.path.endswith("/"):
        found = api.get_paths_info(place.name, [place.path], **where)
        if any(hasattr(each, "blob_id") for each in found):
            return [each for each in found if hasattr(each, "blob_id")]
    folder = folder_of(place.path)
    listed = api.list_repo_tree(place.name, folder or None, recursive=True, **where)
    return [each for each in listed if hasattr(each, "blob_id")]


def _repository(url: str) -> _Repository:
    body = url[len("hf://") :]
    kind, _, rest = body.partition("/")
    named = kind in _KINDS
    parts = (rest if named else body).split("/", 2)
    if len(parts) < 2 or not all(parts[:2]):
        raise ArgumentError(
            f"{url}: the URL names no repository; write hf://datasets/ORGANISATION/NAME/PATH"
        )
    organisation, name, path = parts[0], parts[1], parts[2] if len(parts) > 2 else ""
    name, at, revision = name.partition("@")
    if at and not revision:
        raise ArgumentError(f"{url}: there is no revision behind the @; write one, or leave it out")
    if at and path and (ref := _REF.match(f"{revision}/{path}")):
        revision, path = ref[0], f"{revision}/{path}"[ref.end() :].lstrip("/")
    path = path.strip("/") + "/" * (path.endswith("/") and path.strip("/") != "")
    base = url[: len(url) - len(path)].rstrip("/") if path else url.rstrip("/")
    kinds = _KINDS.get(kind, "model")
    return _Repository(kinds, f"{organisation}/{name}", unquote(revision) or None, path, base)


class _Reader:
    """Read ranges of a file of one commit; called by threads of the core."""

    def __init__(self, api: Any, place: _Repository, commit: str, path: str) -> None:
        self._api, self._place, self._commit, self._path = api, place, commit, path
        self._lock = threading.Lock()
        self._location: str | None = None

    @property
    def _url(self) -> str:
        hub = _hub()
        url: str = hub.hf_hub_url(
            self._place.name,
            self._path,
            repo_type=self._place.kind,
            revision=self._commit,
            endpoint=self._api.endpoint,
        )
        return url

    def _find(self, old: str | None) -> str:
        """Return where the file lies; asked again if it is not at the `old` place any more."""
        with self._lock:
            if self._location is None or self._location == old:
                self._location = self._locate()
            return self._location

    def _locate(self) -> str:
        """Ask the Hub where the file lies: with itself, or at another host."""
        hub, url = _hub(), self._url
        for _ in range(_MOVES):
            answer = hub.utils.http_backoff(
                "HEAD",
                url,
                headers=hub.utils.build_hf_headers(token=self._api.token),
                follow_redirects=False,
                timeout=_TIMEOUT,
            )
            if not 300 <= answer.status_code < 400:
                hub.utils.hf_raise_for_status(answer)
                return url
            there = urljoin(url, str(answer.headers["Location"]))
            if _host(there) != _host(url):
                return there
            url = there  # the repository was renamed
        raise ReadError(f"{self._place.url(self._path)}: cannot read: the Hub sends in circles")

    def __call__(self, start: int, end: int) -> bytes:
        name = self._place.url(self._path)
        try:
            location = self._find(None)
            answer = self._get(location, start, end)
            if answer.status_code in _EXPIRED:
                answer = self._get(self._find(location), start, end)
            answer.raise_for_status()
            data = bytes(answer.content)
        except Exception as error:
            raise _failure(name, error) from None
        if answer.status_code != 206:
            raise no_parts(name, f"status {answer.status_code}")
        return check_length(name, data, start, end)

    def _get(self, location: str, start: int, end: int) -> Any:
        hub = _hub()
        headers = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
        if _host(location) == _host(self._url):
            headers |= hub.utils.build_hf_headers(token=self._api.token)
        return hub.utils.http_backoff("GET", location, headers=headers, timeout=_TIMEOUT)


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _hub() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.utils
    except ImportError:
        raise MissingDependencyError(
            "files on the Hugging Face Hub need huggingface_hub; install it with: "
            "pip install 'fastsample[hub]'"
        ) from None
    return huggingface_hub


#: What is to be done where access is denied.
_LOGIN = (
    "log in with: hf auth login; or set HF_TOKEN, or pass "
    'storage_options={"token": ...} to fastsample.RemoteFiles'
)


def _failure(url: str, error: BaseException) -> FastSampleError:
    """Return the error of this package that an error of huggingface_hub stands for."""
    if isinstance(error, FastSampleError):
        return error
    import huggingface_hub.errors as of_hub

    text = " ".join(str(error).split())[:300]
    if isinstance(error, of_hub.GatedRepoError):
        return ReadError(
            f"{url}: cannot read: access has to be granted on the page of the repository, and then "
            f"{_LOGIN}"
        )
    if isinstance(error, of_hub.RepositoryNotFoundError):
        return SourceNotFoundError(
            f"{url}: there is no such repository, or it is private; check the name (data sets are "
            f"hf://datasets/...); of a private one, {_LOGIN}"
        )
    if isinstance(error, of_hub.RevisionNotFoundError):
        return SourceNotFoundError(f"{url}: the repository has no such revision; check it")
    if isinstance(error, of_hub.EntryNotFoundError):
        return SourceNotFoundError(f"{url}: no such file or folder; check the URL")
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return ReadError(f"{url}: cannot read: access is denied; {_LOGIN} ({text})")
    return ReadError(f"{url}: cannot read: {text}; check the network, and try again")
