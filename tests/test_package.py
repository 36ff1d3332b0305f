"""What a wheel and an sdist hold. ``make test-lowest`` builds them and runs this."""

from __future__ import annotations

import os
import re
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DIST = os.environ.get("FASTSAMPLE_DIST")
pytestmark = pytest.mark.skipif(DIST is None, reason="FASTSAMPLE_DIST names no folder of packages")

TEXTS = ("LICENSE", "THIRD_PARTY_NOTICES")


def built(pattern: str) -> Path:
    (found,) = Path(DIST or "").glob(pattern)
    return found


def test_the_wheel_holds_the_licence_and_the_notices() -> None:
    with zipfile.ZipFile(built("*.whl")) as wheel:
        for name in TEXTS:
            (path,) = (path for path in wheel.namelist() if path.endswith(f"/licenses/{name}"))
            assert wheel.read(path) == (ROOT / name).read_bytes()


def test_the_sdist_holds_the_licence_and_the_notices() -> None:
    with tarfile.open(built("*.tar.gz")) as sdist:
        for name in TEXTS:
            (path,) = (path for path in sdist.getnames() if re.fullmatch(rf"[^/]+/{name}", path))
            file = sdist.extractfile(path)
            assert file is not None
            assert file.read() == (ROOT / name).read_bytes()


def test_the_shared_object_names_no_folder_of_the_machine_that_built_it() -> None:
    with zipfile.ZipFile(built("*.whl")) as wheel:
        (path,) = (path for path in wheel.namelist() if path.endswith(".so"))
        code = wheel.read(path)
    # The sources of crates are named, by a path that is the same everywhere.
    assert b"/crates/" in code
    home = Path.home()
    for folder in (ROOT, home, Path(os.environ.get("CARGO_HOME", home / ".cargo"))):
        assert f"{folder}/".encode() not in code
