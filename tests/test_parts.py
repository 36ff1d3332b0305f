"""Draws in parts give the rows of one process, and refuse what does not belong together."""

import pickle
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import fastparquet
import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.feather as pf
import pyarrow.parquet as pq
import pytest
from data import pairs
from drawn_in_parts import WRITERS, decide, ids_of, messages, write_files
from fastsample import (
    ArgumentError,
    CorruptDataError,
    MissingDependencyError,
    OutputError,
    Smart,
    SourceChangedError,
    SourceNotFoundError,
    SourceTypeError,
    _fastsample,
)
from fastsample.parts import Decision, Draw, Part, PartOutput, merge
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

#: More rows than a pilot counts and than are looked at for text, so parts of both lie in parts.
ROWS = 3000


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, table: pa.Table) -> dict[str, Path]:
    """Write the same rows into five files of each format."""
    base = tmp_path_factory.mktemp("parts")
    cuts = (900, 901, 1500, 2400)
    return {ending: write_files(base / ending, table, ending, cuts) for ending in WRITERS}


RULES: list[bool | Smart] = [False, True, Smart.rare_text(), Smart(text=["prompt"])]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_parts_draw_the_rows_of_one_process(folders: dict[str, Path], data: st.DataObject) -> None:
    source = folders[data.draw(st.sampled_from(sorted(WRITERS)))]
    smart: bool | Smart = data.draw(st.sampled_from(RULES))
    n, seed = data.draw(st.integers(1, ROWS)), data.draw(st.integers(0, 3))
    largest = sum(path.stat().st_size for path in source.iterdir())
    size = largest // data.draw(st.integers(1, 13))
    job = Draw(source, n, smart=smart, seed=seed, target_bytes=size)
    decision = decide(job, data.draw(st.integers(0, 99)))
    expected = fastsample.sample(source, n, smart=smart, seed=seed)
    assert np.array_equal(ids_of(job, decision), expected.row_ids)
    assert decision.rows == ROWS
    assert decision.smart == expected.report.smart
    assert len(pickle.dumps(job)) < 10_000


@pytest.mark.parametrize("ending", WRITERS)
def test_gathered_and_written_rows_are_those_of_one_process(
    folders: dict[str, Path], ending: str, tmp_path: Path
) -> None:
    source = folders[ending]
    job = pickle.loads(pickle.dumps(Draw(source, 500, columns=["response"], target_bytes=40_000)))
    assert len(job.parts) > 3
    decision = pickle.loads(pickle.dumps(decide(job)))
    expected = fastsample.sample(source, 500, columns=["response"]).to_arrow()
    gathered = [job.gather(part, decision).read_all() for part in job.parts]
    assert pa.concat_tables(gathered).equals(expected)
    out = tmp_path / "out"
    files = [job.write(part, decision, out) for part in job.parts]
    again = [job.write(part, decision, out) for part in reversed(job.parts)]
    assert files == again[::-1], "bytes depend on the part alone"
    with pytest.raises(SourceNotFoundError, match="not committed"):
        fastsample.sample(out, 5)
    assert not ds.dataset(out).files
    made = job.commit([*files, *again[:2]], out)
    assert made.rows == 500
    assert sum(file.stat().st_size for file in made.files) == made.bytes
    assert pq.read_table(out).equals(expected)
    assert fastsample.sample(out, 500).to_arrow().equals(expected)
    assert job.commit(files, out) == made, "a second time"
    assert sorted(path.name for path in out.iterdir()) == sorted(
        ["_fastsample.json", *(path.name for path in made.files)]
    )


def test_values_of_all_files_make_the_types_of_lines(tmp_path: Path) -> None:
    """A type that one file alone would not tell."""
    rows = {"a": ["1", "null", "-2", "2.5"], "b": ["null", '"x"', "null", '{"c": 1}']}
    tmp_path.joinpath("j").mkdir()
    for number in range(3):
        line = f'{{"a": {rows["a"][number]}, "b": {rows["b"][number]}, "k{number}": [{number}]}}\n'
        (tmp_path / "j" / f"{number}.jsonl").write_text(line)
    tmp_path.joinpath("c").mkdir()
    for number, fields in enumerate(["id,x\n1,\n", "x,y\n0.5,true\n", 'x,id\n"",zwei\n']):
        (tmp_path / "c" / f"{number}.csv").write_text(fields)
    for source in [tmp_path / "j", tmp_path / "c", [tmp_path / "j", tmp_path / "c"]]:
        job = Draw(source, 3, target_bytes=1)
        decision = decide(job)
        expected = fastsample.sample(source, 3).to_arrow()
        gathered = [job.gather(part, decision).read_all() for part in job.parts]
        assert pa.concat_tables(gathered).equals(expected)
    (tmp_path / "j" / "3.jsonl").write_text('{"b": {"c": 1}}\n')
    refusal = r"3\.jsonl: line 1: column .b. is an object here, but a text in line 1"
    with pytest.raises(fastsample.SchemaError, match=refusal):
        fastsample.sample(tmp_path / "j", 3)
    with pytest.raises(fastsample.SchemaError, match=refusal):
        decide(Draw(tmp_path / "j", 3, target_bytes=1))


@pytest.mark.parametrize("smart", [False, Smart.rare_text()])
def test_states_that_do_not_belong_together_are_refused(
    folders: dict[str, Path], smart: bool | Smart
) -> None:
    job = Draw(folders["parquet"], 50, smart=smart, target_bytes=60_000)
    other = Draw(folders["parquet"], 50, smart=smart, seed=7, target_bytes=60_000)
    before: Decision | None = None
    decision = others = None
    while decision is None or not decision.is_final:
        states = [job.observe(part, decision) for part in job.parts]
        foreign = [other.observe(part, others) for part in other.parts]
        lost = merge([*states[:1], *states[2:]])
        with pytest.raises(CorruptDataError, match="are missing"):
            job.decide(lost, decision)
        with pytest.raises(CorruptDataError, match="come twice; merge each part once"):
            merge([*states, states[1]])
        with pytest.raises(CorruptDataError, match="come twice"):
            merge([states[0], states[0], *states[2:]])
        with pytest.raises(CorruptDataError, match="damaged or were cut short"):
            merge([*states[:-1], states[-1][:-1]])
        with pytest.raises(CorruptDataError, match="of another job"):
            merge([*states[:-1], foreign[-1]])
        with pytest.raises(CorruptDataError, match="of another job"):
            job.decide(merge(foreign), decision)
        before, decision = decision, job.decide(merge(states), decision)
        others = other.decide(merge(foreign), others)
        with pytest.raises(CorruptDataError, match="decisions of another job"):
            job.decide(merge(states), others)
        if not decision.is_final:
            with pytest.raises(CorruptDataError, match=r"a state of kind|of another job"):
                job.decide(merge(states), decision)
        torn = replace(decision, data=decision.data[:-1])
        with pytest.raises(CorruptDataError, match="decisions are damaged"):
            job.row_ids(job.parts[0], torn)
    with pytest.raises(ArgumentError, match="nothing to observe"):
        job.observe(job.parts[0], decision)
    if before is not None:
        with pytest.raises(ArgumentError, match="not decided yet"):
            job.row_ids(job.parts[0], before)


def test_bad_arguments_are_refused(folders: dict[str, Path], table: pa.Table) -> None:
    source = folders["parquet"]
    with pytest.raises(SourceTypeError, match="a draw in parts reads files"):
        Draw(table, 5)
    with pytest.raises(ArgumentError, match="with target="):
        Draw(source, 5, smart=Smart(target=source))
    with pytest.raises(ArgumentError, match="with avoid="):
        Draw(source, 5, smart=Smart(avoid=source))
    with pytest.raises(ArgumentError, match="'entropy'"):
        Draw(source, 5, smart="entropy")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="write a number of bytes"):
        Draw(source, 5, target_bytes="many")
    with pytest.raises(ArgumentError, match="only 3000 rows"):
        decide(Draw(source, ROWS + 1))
    with pytest.raises(fastsample.ColumnError, match='no column "nope"'):
        decide(Draw(source, 5, columns=["nope"]))
    with pytest.raises(ArgumentError, match="no state to merge"):
        merge([])
    with pytest.raises(SourceTypeError, match="must be bytes"):
        merge(["x"])  # type: ignore[list-item]
    with pytest.raises(CorruptDataError, match="no state of a part"):
        merge([b"anything"])
    job = Draw(source, 5)
    with pytest.raises(ArgumentError, match="one of another draw"):
        job.observe(Part(0, ()))
    with pytest.raises(SourceTypeError, match="one of the parts"):
        job.observe(3)  # type: ignore[arg-type]


def test_a_worker_with_other_files_or_versions_is_refused(tmp_path: Path, table: pa.Table) -> None:
    source = write_files(tmp_path / "s", table, "parquet", ())
    job = Draw(source, 5)
    sent = pickle.dumps(job)
    other = sent.replace(fastsample.__version__.encode(), b"9.9.9")
    with pytest.raises(MissingDependencyError, match=r"has fastsample 0\.\S+, but .* by 9\.9\.9"):
        pickle.loads(other)
    write_files(source, table[:2000], "parquet", ())
    with pytest.raises(SourceChangedError, match="another size or time of change"):
        job.observe(job.parts[0])
    next(source.iterdir()).unlink()
    with pytest.raises(SourceNotFoundError, match="does not see the file"):
        job.observe(job.parts[0])


def test_outputs_that_do_not_belong_together_are_refused(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    job = Draw(folders["parquet"], 50, target_bytes=60_000)
    decision, out = decide(job), tmp_path / "out"
    files = [job.write(part, decision, out) for part in job.parts]
    with pytest.raises(CorruptDataError, match="part 1 is missing"):
        job.commit([*files[:1], *files[2:]], out)
    twisted = PartOutput(**{**vars(files[1]), "sha256": "0"})
    with pytest.raises(CorruptDataError, match="twice with other rows"):
        job.commit([*files, twisted], out)
    with pytest.raises(CorruptDataError, match="of another draw"):
        Draw(folders["parquet"], 50, seed=1).commit(files, out)
    other = Draw(folders["parquet"], 40, target_bytes=60_000)
    job.commit(files, out)
    decided = decide(other)
    more = [other.write(part, decided, out) for part in other.parts]
    with pytest.raises(OutputError, match="the output of another draw"):
        other.commit(more, out)
    assert fastsample.inspect(out).rows == 50, "the old output is read while another is written"
    other.commit(more, out, overwrite=True)
    assert fastsample.inspect(out).rows == pq.read_table(out).num_rows == 40
    (out / "more.parquet").write_bytes(next(folders["parquet"].iterdir()).read_bytes())
    assert fastsample.inspect(out).rows == 40, "readers go by the manifest"
    with pytest.raises(OutputError, match="holds other data files"):
        other.commit(more, out)


def test_a_manifest_that_lies_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    job = Draw(folders["parquet"], 50)
    decision = decide(job)
    made = job.commit([job.write(part, decision, tmp_path) for part in job.parts], tmp_path)
    kept = made.files[0].read_bytes()
    made.files[0].write_bytes(kept + b"x")
    with pytest.raises(CorruptDataError, match="bytes, but"):
        fastsample.sample(tmp_path, 5)
    made.files[0].unlink()
    with pytest.raises(CorruptDataError, match="names the file"):
        fastsample.sample(tmp_path, 5)
    for text in ("{", "[]", '{"manifest": 2}', '{"manifest": 1, "files": [{"path": "../x"}]}'):
        (tmp_path / "_fastsample.json").write_text(text)
        with pytest.raises(CorruptDataError, match=r"manifest|names no files"):
            fastsample.sample(tmp_path, 5)


def test_debris_of_another_attempt_is_swept(folders: dict[str, Path], tmp_path: Path) -> None:
    job = Draw(folders["parquet"], 50, target_bytes=60_000)
    decision = decide(job)
    debris = tmp_path / "_fastsample" / "0123"
    debris.mkdir(parents=True)
    (debris / "part-00000-of-00001.parquet").write_bytes(b"PAR1")
    job.commit([job.write(part, decision, tmp_path) for part in job.parts], tmp_path)
    assert not (tmp_path / "_fastsample").exists()


def test_an_interrupted_commit_is_finished(folders: dict[str, Path], tmp_path: Path) -> None:
    job = Draw(folders["parquet"], 50, target_bytes=60_000)
    decision = decide(job)
    files = [job.write(part, decision, tmp_path) for part in job.parts]
    moved = Path(next(file.path for file in files if file.rows))
    moved.rename(tmp_path / moved.name)
    with pytest.raises(SourceNotFoundError, match="not committed"):
        fastsample.sample(tmp_path, 5)
    made = job.commit(files, tmp_path)
    assert (made.rows, pq.read_table(tmp_path).num_rows) == (50, 50)


#: Conditions on columns of which the second is not kept and not in the first file.
CONDITIONS = [None, "score > 40", "score IS NULL OR lang = 'zh'", "lang = 'de' AND score < 3"]


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write rows with a number and a language, in files of which the first has no language."""
    table = pairs(900).select(["prompt", "response"])
    score = pa.array([None if row % 7 == 0 else row % 90 for row in range(900)], pa.float64())
    table = table.append_column("score", score).append_column("w", pa.array(range(900)))
    lang = table.append_column(
        "lang", pa.array([["zh", "de", "en"][row % 3] for row in range(900)])
    )
    base, made = tmp_path_factory.mktemp("scored"), {}
    for ending in ("parquet", "jsonl", "csv"):
        made[ending] = folder = write_files(base / ending, table[:200], ending, ())
        for number, start in enumerate((200, 500)):
            WRITERS[ending](lang[start : start + 400], folder / f"1{number}.{ending}")
    return made


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_conditions_and_weights_are_those_of_one_process(
    scored: dict[str, Path], data: st.DataObject
) -> None:
    source = scored[data.draw(st.sampled_from(sorted(scored)))]
    options: dict[str, Any] = {
        "where": data.draw(st.sampled_from(CONDITIONS)),
        "columns": data.draw(st.sampled_from([None, ["prompt", "response"]])),
    }
    if data.draw(st.booleans()):
        options["weight"] = "w"
    else:
        options["smart"] = data.draw(st.booleans())
    n = data.draw(st.integers(1, 300))
    try:
        expected = fastsample.sample(source, n, **options)
    except ArgumentError as error:
        with pytest.raises(ArgumentError, match=re.escape(str(error))):
            decide(Draw(source, n, target_bytes="20KiB", **options))
        return
    job = Draw(source, n, target_bytes=data.draw(st.sampled_from(["5KiB", "20KiB"])), **options)
    decision = decide(job, data.draw(st.integers(0, 99)))
    assert np.array_equal(ids_of(job, decision), expected.row_ids)
    assert decision.matching == expected.report.matching
    assert decision.smart == expected.report.smart
    gathered = [job.gather(part, decision).read_all() for part in job.parts]
    assert pa.concat_tables(gathered).equals(expected.to_arrow())


def test_conditions_and_weights_that_do_not_fit_are_refused(scored: dict[str, Path]) -> None:
    source = scored["parquet"]
    for options in (
        {"where": "score >"}, {"where": "nope = 1"}, {"where": "score = 'x'"},
        {"weight": "nope"}, {"weight": "prompt"}, {"weight": "score"}, {"where": 3},
        {"where": "score > 40", "columns": ["nope"]},
    ):  # fmt: skip
        with pytest.raises(fastsample.FastSampleError) as alone:
            fastsample.sample(source, 5, **options)
        with pytest.raises(type(alone.value), match=re.escape(str(alone.value)[:60])):
            decide(Draw(source, 5, target_bytes="20KiB", **options))
    with pytest.raises(fastsample.ArgumentError, match="weight and smart exclude"):
        Draw(source, 5, weight="w", smart=True)


#: Ways to write one row group: what is known of its pages differs.
ONE_GROUP: dict[str, dict[str, object]] = {
    "a page": {"data_page_size": 1 << 30, "compression": "gzip"},
    "pages": {"data_page_size": 4096, "compression": "gzip", "write_batch_size": 16},
    "an index": {"data_page_size": 4096, "write_page_index": True, "write_batch_size": 16},
    "pages of version 2": {"data_page_size": 4096, "data_page_version": "2.0"},
}


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write files of one row group, with a nested column whose pages don't tell their rows."""
    table = pairs(900)
    turns = pa.array([[{"n": row, "s": str(row)}] * (row % 4) for row in range(900)])
    table = table.append_column("turns", turns)
    base = tmp_path_factory.mktemp("groups")
    for name, options in ONE_GROUP.items():
        pq.write_table(table, base / f"{name}.parquet", use_dictionary=False, **options)
    frame = table.select(["prompt", "response"]).to_pandas().astype(object)
    fastparquet.write(str(base / "fastparquet.parquet"), frame, compression="GZIP")
    whole = table.combine_chunks()
    pf.write_feather(whole, base / "batch.arrow", chunksize=900, compression="zstd")
    return {path.stem: path for path in base.iterdir()}


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_row_group_is_cut_between_rows(groups: dict[str, Path], data: st.DataObject) -> None:
    source = groups[data.draw(st.sampled_from(sorted(groups)))]
    smart, n = data.draw(st.booleans()), data.draw(st.integers(1, 900))
    count = data.draw(st.integers(2, 9))
    job = Draw(source, n, smart=smart, target_bytes=-(-source.stat().st_size // count))
    decision = decide(job, data.draw(st.integers(0, 99)))
    firsts = job.first_rows(decision)
    assert all(first < last for first, last in pairwise(firsts)), "no part is empty"
    expected = fastsample.sample(source, n, smart=smart)
    assert np.array_equal(ids_of(job, decision), expected.row_ids)
    assert decision.smart == expected.report.smart
    gathered = [job.gather(part, decision).read_all() for part in job.parts]
    assert pa.concat_tables(gathered).equals(expected.to_arrow())


@pytest.mark.shared
@pytest.mark.parametrize("smart", [False, True])
def test_the_users_own_file_is_cut(shared: Path, smart: bool) -> None:
    source = shared / "data" / "my_train_dataset_3k.parquet"
    job = Draw(source, 1000, smart=smart, target_bytes="200KiB")
    decision = decide(job)
    assert [end - start for start, end in pairwise(job.first_rows(decision))] == [600] * 5
    expected = fastsample.sample(source, 1000, smart=smart)
    assert np.array_equal(ids_of(job, decision), expected.row_ids)
    gathered = [job.gather(part, decision).read_all() for part in job.parts]
    assert pa.concat_tables(gathered).equals(expected.to_arrow())


def test_parts_are_slices_of_large_files_and_groups_of_small_ones(
    tmp_path: Path, table: pa.Table
) -> None:
    for number, rows in enumerate([3, 3, 3000, 3, 3]):
        pq.write_table(table[:rows], tmp_path / f"{number}.parquet", row_group_size=100)
    size = (tmp_path / "2.parquet").stat().st_size
    job = Draw(tmp_path, 5, target_bytes=f"{size // 4 // 1024}KiB")
    shapes = [[(Path(f.path).stem, f.slice) for f in part.files] for part in job.parts]
    assert shapes[0] == [("0", 0), ("1", 0)]
    assert shapes[-1] == [("3", 0), ("4", 0)]
    assert shapes[1:-1] == [[("2", slice_)] for slice_ in range(len(shapes) - 2)]
    decision = decide(job)
    firsts = job.first_rows(decision)
    assert (firsts[0], firsts[1], firsts[-1]) == (0, 6, 3012)
    assert np.array_equal(ids_of(job, decision), fastsample.sample(tmp_path, 5).row_ids)


def test_files_of_a_store(folders: dict[str, Path]) -> None:
    store = pytest.importorskip("obstore.store")
    memory = store.MemoryStore()
    for path in sorted(folders["parquet"].iterdir()):
        memory.put(f"rows/{path.name}", path.read_bytes())
    files = fastsample.RemoteFiles("rows", store=memory)
    for smart in (False, True):
        job = Draw(files, 500, smart=smart, target_bytes=60_000)
        decision = decide(job)
        expected = fastsample.sample(folders["parquet"], 500, smart=smart)
        assert np.array_equal(ids_of(job, decision), expected.row_ids)
        gathered = [job.gather(part, decision).read_all() for part in job.parts]
        assert pa.concat_tables(gathered).equals(expected.to_arrow())
    memory.put("rows/000.parquet", b"another")
    with pytest.raises(SourceChangedError, match=r"000\.parquet: the file has another size"):
        job.observe(job.parts[0])


def test_more_rows_than_a_pilot(tmp_path: Path) -> None:
    """Parts of the pilot, and of the rows that are looked at for text, lie in parts of the rows."""
    table = pairs(34_000).rename_columns(["id", "frage", "antwort"])
    kinds = pa.array(["abc", "def"] * 17_000)
    table = table.append_column("kennung", kinds)
    source = write_files(tmp_path / "s", table, "parquet", (7000, 20_000))
    smart = Smart.rare_text()
    job = Draw(source, 4000, smart=smart, target_bytes="400KiB")
    assert len(job.parts) >= 5
    first = job.decide(merge([job.observe(part) for part in job.parts]))
    strings = merge([job.observe(part, first) for part in job.parts])
    assert len(strings) < 150_000, "of 4,096 rows"
    expected = fastsample.sample(source, 4000, smart=smart)
    decision = decide(job)
    assert np.array_equal(ids_of(job, decision), expected.row_ids)
    assert decision.smart == expected.report.smart


def test_the_bytes_of_states_and_decisions_are_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen: parts of one job may be made by other builds of one version."""
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").write_text('{"text": "kurz", "x": [1, {}]}\n{"text": null, "y": -2.5}\n')
    Path("b.csv").write_text("text,z\nein Satz,1\n,true\n")
    found = []
    smart = _fastsample.Rule.weighted(Smart.rare_text(), [], None)
    for rule, columns in ((None, ["text"]), (smart, ["text"])):
        job = _fastsample.PartedDraw(3, 5, rule, columns=columns, parts=2, fingerprint=7)
        found += messages(job, ["a.jsonl", "b.csv"])
    assert found == PINNED, found


PINNED = [
    (727, "e0be475c69ef8013"),
    (141, "87b5d49f7a54c801"),
    (754, "e62e9d4167ec3ff9"),
    (727, "e0be475c69ef8013"),
    (141, "87b5d49f7a54c801"),
    (729, "fc82a8d3cf915992"),
    (88, "12c6ae09ada2f439"),
    (88, "8089d4fcd71f6f78"),
    (745, "44ff5bba65c5b3e6"),
    (186, "bb64db486deff594"),
    (186, "4fc1ac59b0b3be59"),
    (739, "61c5672171083ace"),
]
