"""A server that answers as the Hugging Face Hub does, and the place where its large files lie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from servers import serving

#: Longer files lie elsewhere, behind a link that is good for some time.
LARGE = 2000


@dataclass
class Hub:
    """Data sets by name, each with revisions, and these with files."""

    url: str = ""
    repositories: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    #: Methods and paths of all requests.
    requests: list[tuple[str, str]] = field(default_factory=list)
    #: What a token has to be, by the name of a data set.
    private: dict[str, str] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    #: Links are good as long as they have this number.
    link: int = 0
    #: Statuses of the next answers to requests for large files.
    faults: list[int] = field(default_factory=list)
    sends_parts: bool = True
    #: What repositories were called before.
    renamed: dict[str, str] = field(default_factory=dict)

    def push(self, name: str, files: dict[str, bytes], revision: str = "main") -> str:
        """Make a commit the newest of a revision, and return its id."""
        commit = hashlib.sha1(json.dumps(sorted((k, v.hex()) for k, v in files.items())).encode())
        revisions = self.repositories.setdefault(name, {})
        revisions[revision] = revisions[commit.hexdigest()] = dict(files)
        return commit.hexdigest()

    def commit_of(self, name: str, revision: str) -> str | None:
        """Return the id of the commit that a revision is, if there is one."""
        revisions = self.repositories[name]
        if revision not in revisions:
            return None
        of = (commit for commit, files in revisions.items() if len(commit) == 40)
        return next(commit for commit in of if revisions[commit] == revisions[revision])


def _told(path: str, data: bytes) -> dict[str, object]:
    oid = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    found = {"type": "file", "path": path, "size": len(data), "oid": oid}
    if len(data) > LARGE:
        digest = hashlib.sha256(data).hexdigest()
        found["lfs"] = {"oid": digest, "size": len(data), "pointerSize": 134}
    return found


@contextmanager
def hub_server() -> Iterator[Hub]:
    """Start a Hub without data sets."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_HEAD(self) -> None:
            self._answer(b"")

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, body: bytes) -> None:
            url = urlsplit(self.path)
            hub.requests.append((self.command, url.path))
            parts = [unquote(part) for part in url.path.strip("/").split("/")]
            if parts[0] == "large":
                return self._large(parts)
            parts = parts[parts[0] == "api" :]
            name, rest = "/".join(parts[1:3]), parts[3:] or ["revision", "main"]
            if name in hub.renamed:
                self.send_response(307)
                self.send_header("Location", self.path.replace(name, hub.renamed[name]))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return None
            if parts[0] != "datasets" or name not in hub.repositories:
                return self._refuse(401, "RepoNotFound")
            token = hub.private.get(name)
            if token is not None and self.headers.get("authorization") != f"Bearer {token}":
                return self._refuse(401, "RepoNotFound")
            if name in hub.gated:
                return self._refuse(403, "GatedRepo")
            commit = hub.commit_of(name, rest[1])
            if commit is None:
                return self._refuse(404, "RevisionNotFound")
            files, path = hub.repositories[name][commit], "/".join(rest[2:])
            if rest[0] == "revision":
                return self._json({"id": name, "sha": commit})
            if rest[0] == "paths-info":
                asked = parse_qs(body.decode())["paths"] if b"=" in body else []
                asked = asked or json.loads(body)["paths"]
                found = [_told(each, files[each]) for each in asked if each in files]
                folders = [
                    {"type": "directory", "path": each, "oid": "0" * 40}
                    for each in asked
                    if any(name.startswith(f"{each}/") for name in files)
                ]
                return self._json([*found, *folders])
            if rest[0] == "tree":
                inside = f"{path}/" if path else ""
                told = [_told(each, files[each]) for each in files if each.startswith(inside)]
                if not told:
                    return self._refuse(404, "EntryNotFound")
                return self._json(told)
            if path not in files:
                return self._refuse(404, "EntryNotFound")
            return self._file(commit, name, path, files[path])

        def _file(self, commit: str, name: str, path: str, data: bytes) -> None:
            if len(data) <= LARGE:
                return self._bytes(data, {"X-Repo-Commit": commit, "ETag": '"small"'})
            digest = hashlib.sha256(data).hexdigest()
            self.send_response(302)
            # Another host, as far as a client can tell.
            elsewhere = hub.url.replace("127.0.0.1", "localhost")
            self.send_header("Location", f"{elsewhere}/large/{hub.link}/{commit}/{name}/{path}")
            self.send_header("X-Repo-Commit", commit)
            self.send_header("X-Linked-Size", str(len(data)))
            self.send_header("X-Linked-ETag", f'"{digest}"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None

        def _large(self, parts: list[str]) -> None:
            assert "authorization" not in self.headers, "a token leaves the Hub"
            if hub.faults:
                return self._refuse(hub.faults.pop(0), "")
            if int(parts[1]) != hub.link:
                return self._refuse(403, "")
            data = hub.repositories["/".join(parts[3:5])][parts[2]]["/".join(parts[5:])]
            return self._bytes(data, {})

        def _bytes(self, data: bytes, headers: dict[str, str]) -> None:
            asked = self.headers.get("Range")
            body = data
            if asked is not None and hub.sends_parts:
                first, _, last = asked.removeprefix("bytes=").partition("-")
                body = data[int(first) : int(last) + 1]
            self.send_response(206 if asked is not None and hub.sends_parts else 200)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _json(self, found: object) -> None:
            body = json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _refuse(self, status: int, code: str) -> None:
            self.send_response(status)
            if code:
                self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as hub.url:
        yield hub


def set_endpoint(hub: Hub, patch: pytest.MonkeyPatch) -> None:
    """Let a server be the Hub, as HF_ENDPOINT does where it is set before the first import."""
    import huggingface_hub.constants as of_hub

    template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
    patch.setattr(of_hub, "ENDPOINT", hub.url)
    patch.setattr(of_hub, "HUGGINGFACE_CO_URL_TEMPLATE", template)
