"""Servers for tests of object stores: S3 (moto), and HTTP that can be told to fail."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

#: Made by `make setup-cloud`.
PYTHON = Path(sys.prefix) / "servers" / "bin" / "python"

BUCKET = "bucket"


@dataclass
class S3:
    """A server of S3."""

    endpoint: str
    log: Path
    environment: dict[str, str]

    def store(self) -> Any:
        """Return the bucket as a store of obstore, whose requests are signed."""
        from obstore.store import S3Store

        return S3Store(
            BUCKET,
            endpoint=self.endpoint,
            region="us-east-1",
            access_key_id="test",
            secret_access_key="test",
            client_options={"allow_http": True},
        )

    def put(self, key: str, data: bytes) -> None:
        """Write an object, signed: others can't be replaced."""
        import obstore

        obstore.put(self.store(), key, data, use_multipart=False)

    def get(self, key: str) -> bytes:
        """Return what an object holds."""
        import obstore

        return bytes(obstore.get(self.store(), key).bytes())

    def delete(self, key: str) -> None:
        """Remove an object."""
        import obstore

        obstore.delete(self.store(), key)

    def names(self, folder: str) -> list[str]:
        """Return the names of the objects in a folder and below, sorted."""
        import obstore

        found = [m["path"] for chunk in obstore.list(self.store(), prefix=folder) for m in chunk]
        return sorted(name.removeprefix(f"{folder}/") for name in found)

    def keep_versions(self) -> None:
        """Let the bucket keep what is replaced from now on."""
        body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        url, kind = f"{self.endpoint}/{BUCKET}?versioning", {"Content-Type": "application/xml"}
        urlopen(Request(url, body, kind, method="PUT"), timeout=60).close()

    def requests(self) -> list[str]:
        """Return all requests so far, as ``GET /bucket/key``."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        # Colours stand before the method of some.
        told = [line.split('"')[1] for line in lines if line.count('"') == 2]
        return [re.sub("\x1b\\[[0-9;]*m", "", line) for line in told]


@contextmanager
def s3_server(folder: Path) -> Iterator[S3]:
    """Start a server of S3 with an empty bucket."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endpoint, log = f"http://127.0.0.1:{port}", folder / "requests.log"
    command = [str(PYTHON), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=out)
    try:
        server = S3(
            endpoint,
            log,
            {
                "AWS_ENDPOINT_URL": endpoint,
                "AWS_ALLOW_HTTP": "true",
                "AWS_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                # Nobody is asked for credentials outside this machine.
                "AWS_METADATA_ENDPOINT": "http://127.0.0.1:1",
            },
        )
        end = time.monotonic() + 60
        while True:
            try:
                urlopen(Request(f"{endpoint}/{BUCKET}", method="PUT"), timeout=60).close()
                break
            except URLError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < end, "the server does not answer"
                time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        process.wait(30)


#: What a request does besides answering: its number, its path and its range decide.
Fault = Callable[[int, str, "tuple[int, int] | None"], "str | None"]


@dataclass
class Web:
    """A web server that answers requests for ranges, counts them, and fails as it is told."""

    files: dict[str, bytes] = field(default_factory=dict)
    #: The ranges of all GET requests.
    ranges: list[tuple[int, int]] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    fault: Fault | None = None
    tags: bool = True
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
    under_way: int = 0
    most_under_way: int = 0
    stalled: threading.Event = field(default_factory=threading.Event)


@contextmanager
def web_server() -> Iterator[Web]:
    """Start a web server."""
    web = Web()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(None)

        def do_GET(self) -> None:
            value = self.headers.get("Range")
            wanted = None
            if value is not None:
                first, _, last = value.removeprefix("bytes=").partition("-")
                wanted = (int(first), int(last) + 1)
            with web.lock:
                web.under_way += 1
                web.most_under_way = max(web.most_under_way, web.under_way)
            try:
                self._answer(wanted)
            finally:
                with web.lock:
                    web.under_way -= 1

        def _answer(self, wanted: tuple[int, int] | None) -> None:
            with web.lock:
                number = len(web.methods)
                web.methods.append(self.command)
                if wanted is not None:
                    web.ranges.append(wanted)
            fault = web.fault(number, self.path, wanted) if web.fault is not None else None
            data = web.files.get(self.path)
            if fault is not None and fault.isdigit():
                return self._status(int(fault))
            if data is None:
                return self._status(404)
            tag = f'"{hash(data) & 0xFFFFFFFF:x}"'
            match = self.headers.get("If-Match")
            if match is not None and match != tag and fault != "ignore-if-match":
                return self._status(412)
            if fault == "stall":
                web.stalled.wait(60)
            if fault == "reset":
                # With data left to read, closing resets.
                self.close_connection = True
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                self.connection.close()
                return None
            body = data
            ranged = wanted is not None and fault != "no-ranges"
            if wanted is not None and ranged:
                body = data[wanted[0] : wanted[1]]
            self.send_response(206 if ranged else 200)
            if wanted is not None and ranged:
                self.send_header(
                    "Content-Range", f"bytes {wanted[0]}-{wanted[0] + len(body) - 1}/{len(data)}"
                )
            if web.tags:
                self.send_header("ETag", tag)
            self.send_header("Last-Modified", formatdate(0, usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "HEAD":
                return None
            if fault == "short":
                self.wfile.write(body[: len(body) // 2])
                self.close_connection = True
                return None
            self.wfile.write(body)
            return None

        def _status(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as web.url:
        try:
            yield web
        finally:
            web.stalled.set()


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Answer requests in a thread of this process; give the URL of the server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
