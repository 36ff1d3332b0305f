"""Draws by groups in parts: of each group the rows that one process draws."""

import re
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from drawn_in_parts import WRITERS, decide, ids_of, messages, write_files
from fastsample import ArgumentError, CorruptDataError, _fastsample
from fastsample.parts import Draw, merge
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROWS = 1200


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write rows of groups large and small into files, some of which lack a column, or rows."""
    rng = np.random.default_rng(4)
    names = np.array(["wiki", "code", "chat", None, "旧书", "rare"], object)
    source = names[rng.choice(6, ROWS, p=[0.5, 0.3, 0.14, 0.04, 0.015, 0.005])]
    table = pa.table({
        "id": pa.array(range(ROWS), pa.int64()),
        "source": pa.array(source, pa.string()),
        "stars": pa.array(rng.integers(0, 3, ROWS), pa.int64()),
        "talk": pa.array(rng.integers(0, 300, ROWS), pa.int64()),
    })  # fmt: skip
    base, made = tmp_path_factory.mktemp("by"), {}
    for ending in WRITERS:
        made[ending] = folder = write_files(base / ending, table[:900], ending, (100, 101, 500))
        rest = table[900:].drop_columns(["stars"]) if ending != "csv" else table[900:]
        WRITERS[ending](rest, folder / f"9.{ending}")
    return made


BY = [["source"], ["stars", "source"], ["talk"]]
ALLOCATIONS: list[Any] = ["proportional", "equal", "sqrt", 2.5, "shares"]
SHARES: dict[str, dict[Any, float]] = {
    "source": {"wiki": 0.2, "code": 0.5, None: 0.3},
    "stars source": {(0, "wiki"): 0.25, (1, "code"): 0.75},
    "talk": {7: 0.5, 8: 0.5},
}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_groups_give_the_rows_of_one_process(folders: dict[str, Path], data: st.DataObject) -> None:
    source = folders[data.draw(st.sampled_from(sorted(folders)))]
    by, allocation = data.draw(st.sampled_from(BY)), data.draw(st.sampled_from(ALLOCATIONS))
    options: dict[str, Any] = {
        "by": by if len(by) > 1 else data.draw(st.sampled_from([by, by[0]])),
        "allocation": SHARES[" ".join(by)] if allocation == "shares" else allocation,
        "where": data.draw(st.sampled_from([None, None, "id > 300", "stars = 1 OR id < 50"])),
        "columns": data.draw(st.sampled_from([None, ["id"]])),
        "seed": data.draw(st.integers(0, 3)),
    }
    n = data.draw(st.integers(1, ROWS))
    job = Draw(
        source,
        n,
        target_bytes=data.draw(st.sampled_from(["2KiB", "9KiB", "1MiB"])),
        threads=data.draw(st.sampled_from([1, 2, 8])),
        **options,
    )
    try:
        expected = fastsample.sample(source, n, **options)
    except ArgumentError as error:
        with pytest.raises(ArgumentError, match=re.escape(str(error))):
            decide(job)
        return
    decision = decide(job, data.draw(st.integers(0, 99)))
    assert np.array_equal(ids_of(job, decision), expected.row_ids)
    assert (decision.groups, decision.matching) == (
        expected.report.groups,
        expected.report.matching,
    )
    gathered = [job.gather(part, decision).read_all() for part in job.parts]
    assert pa.concat_tables(gathered).equals(expected.to_arrow())


@pytest.mark.parametrize(
    "options",
    [
        {"by": "nope"}, {"by": []}, {"by": ["source", "source"]}, {"allocation": "equal"},
        {"by": "source", "allocation": {"no": 1.0}}, {"by": "source", "allocation": "all"},
        {"by": "source", "allocation": {"wiki": 0.7}}, {"by": "turns"},
        {"by": "source", "allocation": {"rare": 1.0}},
    ],
)  # fmt: skip
def test_groups_that_do_not_fit_are_refused_as_in_one_process(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    rows = {"source": ["wiki", "code", "wiki", "rare"] * 9, "turns": [[1, 2]] * 36}
    source = write_files(tmp_path / "s", pa.table(rows), "parquet", (20,))
    with pytest.raises(fastsample.FastSampleError) as alone:
        fastsample.sample(source, 15, **options)
    with pytest.raises(type(alone.value), match=re.escape(str(alone.value))):
        decide(Draw(source, 15, target_bytes=1, **options))


def test_what_is_not_drawn_by_groups_in_parts_is_refused(folders: dict[str, Path]) -> None:
    for others in ({"weight": "id"}, {"smart": True}):
        with pytest.raises(ArgumentError, match=r"by and \w+ exclude each other in draws in parts"):
            Draw(folders["parquet"], 5, by="source", **others)


def test_states_of_groups_that_do_not_belong_together_are_refused(
    folders: dict[str, Path],
) -> None:
    source = folders["parquet"]
    job = Draw(source, 50, by="source", target_bytes="2KiB")
    other = Draw(source, 50, by="talk", target_bytes="2KiB")
    decision = others = None
    rounds = 0
    while decision is None or not decision.is_final:
        states = [job.observe(part, decision) for part in job.parts]
        foreign = [other.observe(part, others) for part in other.parts]
        if rounds:
            for bad, told in (
                ([*states[:1], *states[2:]], "are missing"),
                (foreign, "of another job"),
            ):
                with pytest.raises(CorruptDataError, match=told):
                    job.decide(merge(bad), decision)
            with pytest.raises(CorruptDataError, match="come twice"):
                merge([*states, states[1]])
            with pytest.raises(CorruptDataError, match="damaged or were cut short"):
                merge([*states[:-1], states[-1][:-1]])
        decision, before = job.decide(merge(states), decision), decision
        others = other.decide(merge(foreign), others)
        if not decision.is_final:
            with pytest.raises(CorruptDataError, match=r"a state of kind"):
                job.decide(merge(states), decision)
        rounds += 1
    assert rounds == 3
    assert before is not None
    assert before.groups == decision.groups


def test_a_few_bytes_a_group_and_a_bit_a_row_are_sent(tmp_path: Path) -> None:
    rows = 200_000
    kinds = pa.array(np.arange(rows) % 5)
    source = tmp_path / "s.parquet"
    pq.write_table(pa.table({"kind": kinds}), source, row_group_size=50_000)
    job = Draw(source, 20_000, by="kind", target_bytes="1MiB")
    first = job.decide(merge([job.observe(part) for part in job.parts]))
    counted = merge([job.observe(part, first) for part in job.parts])
    assert len(counted) < 500
    second = job.decide(counted, first)
    near = merge([job.observe(part, second) for part in job.parts])
    windows = sum(2 * (8 * 4000**0.5 + 32) * 16 for _ in range(5))
    assert rows / 8 < len(near) < rows / 8 + 1.1 * windows
    last = job.decide(near, second)
    assert len(last.data) < rows / 8 + 2000
    assert np.array_equal(ids_of(job, last), fastsample.sample(source, 20_000, by="kind").row_ids)


def test_the_bytes_of_states_and_decisions_are_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen: parts of one job may be made by other builds of one version."""
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").write_text('{"x": "a", "y": 1}\n{"x": null, "y": 2}\n{"x": "a", "y": 3}\n')
    Path("b.csv").write_text("x,y\nb,4\na,5\n")
    by = (["x"], "equal")
    job = _fastsample.PartedDraw(
        3, 5, None, columns=["y"], parts=2, fingerprint=7, condition="y > 1", by=by
    )
    found = messages(job, ["a.jsonl", "b.csv"])
    assert found == PINNED, found


PINNED = [
    (481, "7017a6fafddc05e8"),
    (138, "13a0dc66945430d4"),
    (865, "1f5ca3e2a2c42f0c"),
    (105, "c2300e2adbc13436"),
    (105, "4ad084f67d40310c"),
    (812, "c82621ca8eefb1a3"),
    (171, "ca10664986fe8a34"),
    (172, "828b8ba1ba37ce9e"),
    (940, "f8e5f0eadcb186b0"),
    (169, "dbd7cf7fc0fe4e40"),
    (169, "7da790d391802930"),
    (675, "cafc256e75197c3b"),
]
