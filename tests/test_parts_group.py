"""Draws of whole groups in parts: the groups that one process draws, however parts cut them."""

import re
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
from drawn_in_parts import WRITERS, decide, ids_of, write_files
from fastsample import ArgumentError, CorruptDataError
from fastsample.parts import Draw, merge
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROWS = 1200


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write conversations whose turns lie far apart, rows of none, and files that lack a column."""
    rng = np.random.default_rng(5)
    talk = rng.zipf(1.4, ROWS).clip(1, 400)
    table = pa.table({
        "id": pa.array(range(ROWS), pa.int64()),
        "talk": pa.array(talk, pa.int64(), mask=talk % 7 == 3),
        "user": pa.array([None if row % 11 == 0 else f"用户 {row % 37}" for row in range(ROWS)]),
    })  # fmt: skip
    base, made = tmp_path_factory.mktemp("group"), {}
    for ending in WRITERS:
        made[ending] = folder = write_files(base / ending, table[:900], ending, (100, 101, 500))
        rest = table[900:].drop_columns(["user"]) if ending != "csv" else table[900:]
        WRITERS[ending](rest, folder / f"9.{ending}")
    return made


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_groups_are_those_of_one_process(folders: dict[str, Path], data: st.DataObject) -> None:
    source = folders[data.draw(st.sampled_from(sorted(folders)))]
    amount = data.draw(
        st.one_of(
            st.fixed_dictionaries({"n": st.integers(1, ROWS)}),
            st.fixed_dictionaries({"n_groups": st.integers(1, 120)}),
        )
    )
    options: dict[str, Any] = {
        **amount,
        "group": data.draw(st.sampled_from(["talk", ["talk"], ["user", "talk"], "user", "id"])),
        "where": data.draw(st.sampled_from([None, None, "id > 300", "talk = 1 OR id < 50"])),
        "columns": data.draw(st.sampled_from([None, ["id"]])),
        "seed": data.draw(st.integers(0, 2**64 - 1)),
    }
    job = Draw(
        source,
        target_bytes=data.draw(st.sampled_from(["2KiB", "9KiB", "1MiB"])),
        threads=data.draw(st.sampled_from([1, 2, 8])),
        **options,
    )
    try:
        expected = fastsample.sample(source, **options)
    except ArgumentError as error:
        with pytest.raises(ArgumentError, match=re.escape(str(error))):
            decide(job)
        return
    decision = decide(job, data.draw(st.integers(0, 99)))
    assert np.array_equal(ids_of(job, decision), expected.row_ids)
    assert (decision.drawn, decision.matching) == (len(expected), expected.report.matching)
    assert decision.whole is not None
    assert decision.whole[1] == expected.report.n_groups
    gathered = [job.gather(part, decision).read_all() for part in job.parts]
    assert pa.concat_tables(gathered).equals(expected.to_arrow())


def test_no_group_is_cut_by_a_part(tmp_path: Path) -> None:
    talk = [row % 50 for row in range(1000)]  # each lies in every part
    source = write_files(tmp_path / "s", pa.table({"talk": talk}), "parquet", range(50, 1000, 50))
    job = Draw(source, group="talk", n_groups=7, target_bytes=1)
    assert len(job.parts) > 10
    decision = decide(job)
    drawn = np.array(talk)[ids_of(job, decision).astype(int)]
    assert sorted(np.unique(drawn, return_counts=True)[1]) == [20] * 7
    assert decision.whole == (50, 7, 0)


def test_folders_have_the_rows_of_whole_groups(tmp_path: Path) -> None:
    table = pa.table({"talk": [row // 3 % 90 for row in range(1000)], "id": range(1000)})
    source = write_files(tmp_path / "s", table, "parquet", (300, 600))
    job = Draw(source, 100, group="talk", target_bytes=1)
    decision = decide(job)
    files = [job.write(part, decision, tmp_path / "out") for part in job.parts]
    with pytest.raises(CorruptDataError, match="is missing"):
        job.commit(files[:-1], tmp_path / "out")
    done = job.commit(files, tmp_path / "out")
    expected = fastsample.sample(source, 100, group="talk")
    assert done.rows == len(expected) <= 100
    found = fastsample.sample(tmp_path / "out", 1000, at_most=True).to_arrow()
    assert found.equals(expected.to_arrow())
    told = fastsample.inspect(tmp_path / "out")
    assert told.rows == len(expected)


WRONG: list[dict[str, Any]] = [
    {"group": "nope", "n": 5},
    {"group": [], "n": 5},
    {"group": ["talk", "talk"], "n": 5},
    {"group": "turns", "n": 5},
    {"group": "talk", "n_groups": 99},
    {"group": "talk", "n": 1},
    {"group": "talk", "n": 99},
    {"group": "talk", "n_groups": 3, "where": "talk > 9"},
]


@pytest.mark.parametrize("options", WRONG)
def test_groups_that_do_not_fit_are_refused_as_in_one_process(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    rows = {"talk": [row // 3 for row in range(36)], "turns": [[1, 2]] * 36}
    source = write_files(tmp_path / "s", pa.table(rows), "parquet", (20,))
    with pytest.raises(fastsample.FastSampleError) as alone:
        fastsample.sample(source, **options)
    with pytest.raises(type(alone.value), match=re.escape(str(alone.value))):
        decide(Draw(source, target_bytes=1, **options))


def test_what_is_not_drawn_in_groups_in_parts_is_refused(folders: dict[str, Path]) -> None:
    source = folders["parquet"]
    for others in ({"weight": "id"}, {"smart": True}, {"by": "user"}):
        with pytest.raises(ArgumentError, match=r"exclude each other in draws in parts"):
            Draw(source, 5, group="talk", **others)
    with pytest.raises(ArgumentError, match="key and group exclude each other"):
        Draw(source, 5, group="talk", key="id")
    with pytest.raises(ArgumentError, match="n_groups counts groups that are drawn whole"):
        Draw(source, n_groups=5)
    with pytest.raises(ArgumentError, match="n and n_groups exclude each other"):
        Draw(source, 5, group="talk", n_groups=5)


def test_states_of_other_groups_are_refused(folders: dict[str, Path]) -> None:
    source = folders["parquet"]
    job = Draw(source, 50, group="talk", target_bytes="2KiB")
    other = Draw(source, 51, group="talk", target_bytes="2KiB")
    decision = others = None
    while decision is None or not decision.is_final:
        states = [job.observe(part, decision) for part in job.parts]
        foreign = [other.observe(part, others) for part in other.parts]
        if decision is not None:
            for bad, told in ((states[1:], "are missing"), (foreign, "of another job")):
                with pytest.raises(CorruptDataError, match=told):
                    job.decide(merge(bad), decision)
            with pytest.raises(CorruptDataError, match="come twice"):
                merge([*states, states[1]])
        decision, before = job.decide(merge(states), decision), decision
        others = other.decide(merge(foreign), others)
        assert before is None or before.drawn is None
