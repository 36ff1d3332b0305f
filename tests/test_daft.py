"""The recipe of docs/scale.md for Daft gives the rows of one process, with both of its runners."""

import json
import subprocess
from pathlib import Path

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import DAFT
from data import snippets_of

SOURCES = Path(__file__).resolve().parents[1] / "python"

#: What runs before the recipe.
RUNNERS = {
    "native": "",
    "ray": """
import daft, ray
ray.init(num_cpus=2, object_store_memory=80 << 20, include_dashboard=False, log_to_driver=False)
daft.set_runner_ray()
""",
}

#: And behind it: what the DataFrame has.
TELL = """
import json
print(json.dumps(rows.sort("id").to_pydict()))
"""


@pytest.mark.daft
@pytest.mark.timeout(300)
@pytest.mark.parametrize("runner", RUNNERS)
def test_the_recipe_draws_the_rows_of_one_process(
    runner: str, tmp_path: Path, table: pa.Table
) -> None:
    table = table.select(["prompt", "response"]).add_column(0, "id", pa.array(range(len(table))))
    (tmp_path / "train").mkdir()
    for part in range(3):
        rows = table[part * 1000 :][:1000]
        pq.write_table(rows, tmp_path / f"train/{part}.parquet", row_group_size=100)
    (recipe,) = [text for text in snippets_of("scale.md") if "import daft" in text]
    assert "seed=42)" in recipe
    cut = recipe.replace("seed=42)", 'seed=42, target_bytes="20KiB")')
    (tmp_path / "recipe.py").write_text(RUNNERS[runner] + cut + TELL, encoding="utf-8")
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "DAFT_PROGRESS_BAR": "0", "DO_NOT_TRACK": "1"}
    done = subprocess.run(
        [DAFT, "-W", "ignore", "recipe.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(SOURCES), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **quiet},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = fastsample.sample(table, 1000, smart=True, seed=42).to_arrow()
    assert json.loads(done.stdout.splitlines()[-1]) == expected.to_pydict()
    files = sorted((tmp_path / "sample-daft").glob("*.parquet"))
    assert len(files) > 3
    assert pq.read_table(files).equals(expected)
