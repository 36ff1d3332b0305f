"""Files in object stores, on web servers and on the Hugging Face Hub, read in ranges."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from fastsample._committed import MANIFEST, STAGING, check_size, not_committed, parsed
from fastsample._hub import find_on_hub, is_hub
from fastsample._public import public
from fastsample._stored import (
    StoredObject,
    changed,
    check_length,
    choose,
    folder_of,
    is_pattern,
    no_parts,
)
from fastsample.errors import (
    ArgumentError,
    CorruptDataError,
    FastSampleError,
    MissingDependencyError,
    ReadError,
    SourceNotFoundError,
    SourceTypeError,
)

_URL = re.compile(r"(s3|s3a|gs|az|azure|abfs|abfss|hf|http|https)://", re.IGNORECASE)

#: The beginning of a URL of a web server, and who asks.
_USER = re.compile(r"(https?://)[^/]*@", re.IGNORECASE)

#: Where each kind of store looks for what proves who asks.
_CREDENTIALS = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or pass them in storage_options "
    '("access_key_id", "secret_access_key"); of a public bucket, pass {"skip_signature": True}',
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account, or pass "
    '{"service_account_path": ...} in storage_options; of a public bucket, pass '
    '{"skip_signature": True}',
    "az": "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or pass "
    '"account_name" and "account_key" in storage_options',
    "http": 'pass {"client_options": {"default_headers": {"authorization": ...}}} in '
    "storage_options",
}


@public
class RemoteFiles:
    """Files in an object store or on a web server, as a source of rows.

    A plain URL may be passed wherever a source is; this class adds options, or a store that is made
    already.

    Parameters
    ----------
    location
        A URL of a file, a folder or a glob: ``s3://bucket/data/*.parquet``, ``gs://``, ``az://``,
        ``hf://datasets/org/name@revision/data`` (the Hugging Face Hub), ``https://`` (files only).
        With `store`, the path in it. A list of those, read in order.
    storage_options
        Options of the store, as obstore names them: ``{"region": "eu-central-1"}``; of the Hub
        ``token`` and ``endpoint``. What is not given is taken from the environment.
    store
        Any store of obstore, such as ``obstore.store.S3Store("bucket")``.

    Examples
    --------
    >>> import fastsample
    >>> import obstore.store  # doctest: +SKIP
    >>> files = fastsample.RemoteFiles("pairs.parquet", store=obstore.store.MemoryStore())
    ... # doctest: +SKIP
    """

    def __init__(
        self,
        location: str | Sequence[str],
        *,
        storage_options: Mapping[str, Any] | None = None,
        store: Any = None,
    ) -> None:
        self._locations = [location] if isinstance(location, str) else list(location)
        if not self._locations:
            raise SourceTypeError("the list of locations is empty; name at least one")
        for each in self._locations:
            if not isinstance(each, str):
                raise SourceTypeError(
                    f"a location is {type(each).__qualname__}; it must be a string"
                )
            if store is None and not is_url(each):
                raise ArgumentError(
                    f"{each!r} is no URL of a store; begin it with s3://, gs://, az://, hf:// or "
                    "https://, or pass store="
                )
        if storage_options is not None and store is not None:
            raise ArgumentError("storage_options and store exclude each other; make the store so")
        self._options = dict(storage_options or {})
        self._store = store

    def __repr__(self) -> str:
        return f"<fastsample.RemoteFiles: {', '.join(self._locations)}>"


def is_url(value: object) -> bool:
    """Return whether a value is a URL of something that can be read here."""
    return isinstance(value, str) and _URL.match(value) is not None


def public_url(url: str) -> str:
    """Return a URL without the name and password of a user of a web server."""
    return _USER.sub(r"\1", url, count=1)


def names_of(files: RemoteFiles) -> list[str]:
    """Return the locations of remote files as messages name them, without credentials.

    They are URLs that can be read again, unless the files have a store of their own.
    """
    if files._store is None:
        return [public_url(each) for each in files._locations]
    places = [_place(each, files._store, {}) for each in files._locations]
    return [place.url(place.path) for place in places]


def remote_files(source: object) -> RemoteFiles | None:
    """Return the source as remote files, if it is a URL, a list of URLs, or such files."""
    if isinstance(source, RemoteFiles):
        return source
    if is_url(source):
        return RemoteFiles(str(source))
    if not isinstance(source, (list, tuple)) or not any(map(is_url, source)):
        return None
    if not all(map(is_url, source)):
        raise SourceTypeError(
            "a list of sources holds URLs and paths; draw from each alone, or mix them with "
            "fastsample.mix"
        )
    return RemoteFiles([str(each) for each in source])


def find(files: RemoteFiles) -> tuple[list[StoredObject], list[str]]:
    """Return the objects that remote files stand for, and URLs of others that lie there."""
    objects: list[StoredObject] = []
    passed_over: list[str] = []
    for location in files._locations:
        if files._store is None and is_hub(location):
            found, others = find_on_hub(location, files._options)
        else:
            found, others = _find(_place(location, files._store, files._options))
        objects += found
        passed_over += others
    return objects, passed_over


def place_of(files: RemoteFiles) -> Place:
    """Return the store and the path of a location that is the only one."""
    return _place(files._locations[0], files._store, files._options)


def why_not(url: str, kind: str, error: BaseException) -> str:
    """Return what an error of obstore says of a URL, without its name."""
    return str(_failure(url, kind, error)).removeprefix(f"{url}: ").removeprefix("cannot read: ")


def some_of(files: RemoteFiles, urls: Sequence[str]) -> RemoteFiles:
    """Return those of the files whose URLs, as :func:`find` gave them, are named."""
    if files._store is None:
        return RemoteFiles(urls, storage_options=files._options)
    base = _place("", files._store, {}).base
    return RemoteFiles([url[len(base) + 1 :] for url in urls], store=files._store)


class Place(NamedTuple):
    """A store, a path in it, and how to name what lies there."""

    store: Any
    path: str
    base: str
    kind: str

    def url(self, path: str) -> str:
        """Return the URL of a path in the store."""
        return f"{self.base}/{path}" if path else self.base


#: The process that used obstore first.
_process: int | None = None


def _obstore() -> Any:
    global _process
    _process = _process or os.getpid()
    if _process != os.getpid():
        raise ReadError(
            "this process was forked from one that had read files in object stores, and has none "
            "of the threads that do it; start processes by spawn, or hand them a sample's cache()"
        )
    try:
        import obstore
        import obstore.store
    except ImportError:
        raise MissingDependencyError(
            "files in object stores need obstore; install it with: pip install 'fastsample[cloud]'"
        ) from None
    return obstore


def _place(location: str, store: Any, options: dict[str, Any]) -> Place:
    obstore = _obstore()
    if store is not None:
        if not type(store).__module__.startswith("obstore"):
            raise SourceTypeError(
                f"store is {type(store).__module__}.{type(store).__qualname__}; pass a store of "
                "obstore, such as obstore.store.S3Store('bucket')"
            )
        url = getattr(store, "url", None)
        name = f"{type(store).__name__}:/{_container(store)}"
        if url is not None:  # that of a web server, which may be signed
            name = public_url(str(url)).partition("?")[0]
        return Place(store, location.strip("/"), name.rstrip("/"), _kind(name))
    parts = urlsplit(location)
    scheme = parts.scheme.lower()
    base = f"{location[: len(scheme)]}://{parts.netloc}"
    if not parts.netloc:
        raise ArgumentError(
            f"{location}: the URL names no bucket or host; write {scheme}://NAME/PATH"
        )
    if scheme in ("http", "https"):
        if parts.query:
            raise ArgumentError(
                f"{location}: URLs with a query (such as presigned ones) are not read; "
                "pass a URL of the store itself with its credentials, or download the file"
            )
        if scheme == "http":
            client = {"allow_http": True, **options.get("client_options", {})}
            options = {**options, "client_options": client}
        path = unquote(parts.path).lstrip("/")
    else:
        # All behind the host is the name, even what looks like a query.
        path = location[len(base) :].lstrip("/")
    try:
        made = obstore.store.from_url(base, **options)
    except (obstore.exceptions.BaseError, TypeError, ValueError) as error:
        if type(error).__name__ == "UnknownConfigurationKeyError" or isinstance(error, TypeError):
            raise ArgumentError(f"storage_options: {_first_words(error)}") from None
        raise _failure(location, scheme, error) from None
    return Place(made, path, base, _kind(scheme))


def _kind(name: str) -> str:
    lower = name.lower()
    kinds = {"s3": "s3", "gs": "gs", "gcs": "gs", "az": "az", "abfs": "az", "http": "http"}
    return next((kind for start, kind in kinds.items() if lower.startswith(start)), "")


def _container(store: Any) -> str:
    config = getattr(store, "config", None) or {}
    name = config.get("bucket") or config.get("container_name") or ""
    prefix = getattr(store, "prefix", None)
    parts = (str(part).strip("/") for part in (name, prefix) if part)
    return "".join(f"/{part}" for part in parts)


def _find(place: Place) -> tuple[list[StoredObject], list[str]]:
    """Return the files that a place stands for, in order, and URLs of others that lie there."""
    obstore = _obstore()
    url = place.url(place.path)
    has_pattern = is_pattern(place.path)
    is_web = place.kind == "http"
    if is_web and (has_pattern or not place.path or place.path.endswith("/")):
        raise ArgumentError(
            f"{url}: a web server does not list its files; name each file, as a list of URLs"
        )
    if place.path and not has_pattern and not place.path.endswith("/"):
        try:
            return [_object(place, obstore.head(place.store, place.path))], []
        except FileNotFoundError:
            if is_web:
                raise SourceNotFoundError(f"{url}: no such file; check the URL") from None
        except Exception as error:
            raise _failure(url, place.kind, error) from None
    folder = folder_of(place.path)
    try:
        chunks = obstore.list(place.store, prefix=folder or None)
        metas = {meta["path"]: meta for chunk in chunks for meta in chunk}
    except Exception as error:
        raise _failure(url, place.kind, error) from None
    if not has_pattern and (named := _committed(place, folder, metas)) is not None:
        return [_object(place, metas[name]) for name in named], []
    names = list(metas)
    chosen, others = choose(url, place.path, names)
    found = [_object(place, metas[names[index]]) for index in chosen]
    return found, [place.url(names[index]) for index in others]


def _committed(
    place: Place, folder: str, metas: Mapping[str, Mapping[str, Any]]
) -> list[str] | None:
    """Return the names of the files that the manifest of a folder names, None if it has none."""
    inside = f"{folder}/" if folder else ""
    where = inside + MANIFEST
    if where not in metas:
        if any(name.startswith(f"{inside}{STAGING}/") for name in metas):
            raise not_committed(place.url(folder), place.url(f"{inside}{STAGING}/"))
        return None
    try:
        text = bytes(_obstore().get(place.store, where).bytes()).decode("utf-8", "replace")
    except Exception as error:
        raise _failure(place.url(where), place.kind, error) from None
    files = parsed(place.url(where), text)["files"]
    for file in files:
        name = inside + file["path"]
        if name not in metas:
            raise CorruptDataError(
                f"{place.url(name)}: no such file, but {MANIFEST} names it; write the output again"
            )
        check_size(place.url(name), metas[name]["size"], file)
    return [inside + file["path"] for file in files]


def _object(place: Place, meta: Mapping[str, Any]) -> StoredObject:
    url = place.url(meta["path"])
    tag = meta["e_tag"]
    condition: dict[str, Any] = {"if_unmodified_since": meta["last_modified"]}
    # A weak tag never matches.
    if tag is not None and not tag.startswith("W/"):
        condition = {"if_match": tag}
    version = tag or f"{meta['last_modified']}"
    read = _Reader(place, meta["path"], url, tag, condition)
    return url, meta["size"], version, tag, meta.get("version"), read


class _Reader:
    """Read ranges of one version of an object; called by threads of the core."""

    def __init__(
        self, place: Place, path: str, url: str, tag: str | None, condition: dict[str, Any]
    ) -> None:
        self._place, self._path, self._url = place, path, url
        self._tag, self._condition = tag, condition

    def __call__(self, start: int, end: int) -> bytes:
        obstore = _obstore()
        options = {"range": (start, end), **self._condition}
        try:
            result = obstore.get(self._place.store, self._path, options=options)
            data = bytes(result.bytes())
        except Exception as error:
            raise _failure(self._url, self._place.kind, error) from None
        if self._tag is not None and result.meta["e_tag"] not in (None, self._tag):
            raise changed(self._url)
        return check_length(self._url, data, start, end)


def _first_words(error: BaseException) -> str:
    """Return what an error of obstore says, without its parts and the body of the answer."""
    text = str(error).partition("\n\nDebug source")[0]
    return " ".join(text.split())[:400]


def _failure(url: str, kind: str, error: BaseException) -> FastSampleError:
    """Return the error of this package that an error of obstore stands for."""
    kind, name, text = _kind(kind), type(error).__name__, _first_words(error)
    if name == "PreconditionError" or "412 Precondition" in text:
        return changed(url)
    if "NoSuchBucket" in text or "ContainerNotFound" in text:
        return SourceNotFoundError(
            f"{url}: there is no such bucket; check its name, and the region and endpoint in "
            "storage_options"
        )
    if isinstance(error, FileNotFoundError):
        return SourceNotFoundError(f"{url}: no such file; check the URL ({text})")
    denied = ("PermissionDeniedError", "UnauthenticatedError")
    credentials = _CREDENTIALS.get(kind, "check the credentials of the store")
    if name in denied:
        return ReadError(
            f"{url}: cannot read: access is denied; check the credentials: {credentials} ({text})"
        )
    # Machines of a cloud are asked for theirs, at these places.
    signs = ("/api/token", "metadata", "token request", "must be specified", "credential")
    if any(sign in text.lower() for sign in signs):
        return ReadError(f"{url}: cannot read: no credentials were found; {credentials} ({text})")
    if "non-partial" in text or name == "NotSupportedError":
        return no_parts(url, text)
    return ReadError(
        f"{url}: cannot read: {text}; check the network and the address, and try again"
    )
