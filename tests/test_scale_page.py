"""The snippets of docs/scale.md run as written, and the sizes that it tells are those measured."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from data import pairs, snippets_of
from fastsample.parts import Draw, merge

PAGE = Path(__file__).resolve().parents[1] / "docs" / "scale.md"


def test_the_adapter_for_processes_draws_the_rows_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = pairs(3000)
    Path("train").mkdir()
    for part in range(2):
        pq.write_table(table[part * 1500 :][:1500], f"train/{part}.parquet", row_group_size=200)
    (adapter,) = [text for text in snippets_of("scale.md") if "ProcessPoolExecutor" in text]
    Path("adapter.py").write_text(adapter)
    done = subprocess.run(
        [sys.executable, "adapter.py"], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "rows=1000" in done.stdout
    local = fastsample.sample("train", 1000, smart=True, seed=42)
    assert pq.read_table("sample").equals(local.to_arrow())


def test_states_and_decisions_have_the_sizes_told(tmp_path: Path) -> None:
    pq.write_table(pairs(34_000), tmp_path / "a.parquet", row_group_size=4000)
    found: dict[bool, list[tuple[int, int]]] = {}
    for smart in (False, True):
        job, decision = Draw(tmp_path, 10_000, smart=smart, target_bytes="1MiB"), None
        rounds = found.setdefault(smart, [])
        while decision is None or not decision.is_final:
            states = [job.observe(part, decision) for part in job.parts]
            decision = job.decide(merge(states), decision)
            rounds.append((sum(map(len, states)) // len(states), len(decision.data)))
    print(found)
    page = PAGE.read_text(encoding="utf-8")
    (survey, uniform), parts = found[False][0], len(job.parts)
    told = re.search(r"\| (\d+) bytes a file \| (\d[\d,]*) bytes and 8 bytes a part", page)
    assert told is not None
    assert survey == pytest.approx(int(told[1]), rel=0.3)
    assert uniform - 8 * parts == pytest.approx(int(told[2].replace(",", "")), rel=0.3)
    features = found[True][-1][0] * parts
    assert features == pytest.approx(46 * 34_000, rel=0.01)
    assert found[True][-1][1] < 34_000 / 8 + uniform


def test_whole_groups_have_the_sizes_told(tmp_path: Path) -> None:
    groups = 2000
    table = pa.table({"talk": [f"conversation {row % groups}" for row in range(8000)]})
    pq.write_table(table, tmp_path / "a.parquet")
    job = Draw(tmp_path, group="talk", n_groups=500)
    rounds: list[tuple[int, int]] = []
    decision = None
    while decision is None or not decision.is_final:
        state = merge([job.observe(part, decision) for part in job.parts])
        decision = job.decide(state, decision)
        rounds.append((len(state), len(decision.data)))
    told = re.search(
        r"whole groups \| .* \| (\d+) bytes a group \| (\d+) bytes a group drawn", PAGE.read_text()
    )
    assert told is not None
    _, (state_bytes, decision_bytes), _ = rounds
    assert state_bytes / groups == pytest.approx(int(told[1]), rel=0.02)
    assert decision_bytes / 500 == pytest.approx(int(told[2]), rel=0.1)


def test_slices_read_the_shares_told(tmp_path: Path) -> None:
    table = pairs(10_000).select(["prompt", "response"])
    turns = pa.array([[{"text": text}] for text in table["response"].to_pylist()])
    pages: list[tuple[pa.Table, dict[str, Any]]] = [
        (table, {"data_page_size": 1 << 16, "write_page_index": True}),
        (table, {"data_page_size": 1 << 16}),
        (table.set_column(1, "turns", turns), {"data_page_size": 1 << 16}),
        (table, {"data_page_size": 1 << 30, "write_batch_size": 1 << 20}),
    ]
    told = re.findall(r"\| (?:(\d+) to )?(\d+) % \|", PAGE.read_text(encoding="utf-8"))
    assert len(told) == len(pages)
    for number, (rows, options) in enumerate(pages):
        path = tmp_path / f"{number}.parquet"
        pq.write_table(rows, path, compression="gzip", use_dictionary=False, **options)
        size = path.stat().st_size
        job = Draw(path, 4000, target_bytes=-(-size // 8))
        decision = job.decide(merge([job.observe(part) for part in job.parts]))
        shares = []
        for part in job.parts:
            before = _bytes_read()
            job.gather(part, decision).read_all()
            shares.append(100 * (_bytes_read() - before) / size)
        low, high = told[number]
        assert min(shares) == pytest.approx(int(low or high), abs=5), shares
        assert max(shares) == pytest.approx(int(high), abs=5), shares


def _bytes_read() -> int:
    return int(Path("/proc/self/io").read_text().split()[1])
