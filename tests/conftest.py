"""Fixtures that many tests share."""

import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import pyarrow as pa
import pytest
from data import pairs
from servers import S3, s3_server

SHARED = Path(__file__).resolve().parents[2] / "shared"

#: The dependency group `train`.
TRAINERS = ("torch", "torchdata", "accelerate", "transformers", "lightning")

#: The interpreter with the dependency group `servers`.
SERVERS = Path(sys.prefix) / "servers" / "bin" / "python"

#: That with the dependency group `daft`.
DAFT = Path(sys.prefix) / "daft" / "bin" / "python"


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("shared") is not None and not SHARED.is_dir():
        _skip(f"the real data is not there: {SHARED}", "FASTSAMPLE_REQUIRE_SHARED")
    if item.get_closest_marker("torch") is not None:
        missing = [name for name in TRAINERS if find_spec(name) is None]
        if missing:
            _skip(f"not installed: {', '.join(missing)}", "FASTSAMPLE_REQUIRE_TORCH")
    if item.get_closest_marker("daft") is not None and not DAFT.exists():
        _skip("not installed: daft (make setup-daft)", "FASTSAMPLE_REQUIRE_DAFT")
    if item.get_closest_marker("dask") is not None and find_spec("distributed") is None:
        _skip("not installed: dask (make setup-dask)", "FASTSAMPLE_REQUIRE_DASK")
    if item.get_closest_marker("ray") is not None and find_spec("ray") is None:
        _skip("not installed: ray (make setup-ray)", "FASTSAMPLE_REQUIRE_RAY")
    if item.get_closest_marker("spark") is not None and find_spec("pyspark") is None:
        _skip("not installed: pyspark (make setup-spark)", "FASTSAMPLE_REQUIRE_SPARK")
    if item.get_closest_marker("spark") is not None and which("java") is None:
        _skip("not installed: Java 17, which Spark runs on", "FASTSAMPLE_REQUIRE_SPARK")
    is_there = find_spec("obstore") is not None and SERVERS.exists()
    if item.get_closest_marker("cloud") is not None and not is_there:
        _skip("not installed: obstore, moto (make setup-cloud)", "FASTSAMPLE_REQUIRE_CLOUD")


def _skip(reason: str, required: str) -> None:
    """Skip a test, but fail it where the environment says that it has to run."""
    if os.environ.get(required) == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared() -> Path:
    return SHARED


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """Start a server of S3 with an empty bucket, which the environment names."""
    with pytest.MonkeyPatch.context() as patch, s3_server(tmp_path_factory.mktemp("s3")) as server:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        yield server


@pytest.fixture(scope="session")
def table() -> pa.Table:
    """3,000 rows of Chinese pairs."""
    return pairs(3000)


@pytest.fixture(autouse=True)
def _cache_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tests out of the user's cache."""
    monkeypatch.setenv("FASTSAMPLE_CACHE", str(tmp_path / "fastsample-cache"))
