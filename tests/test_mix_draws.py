"""`mix` by conditions, weights, text and epochs: of each source what `sample` draws of it."""

import json
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from data import write_parquet
from fastsample.cli import app
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from mixtures_made import SIZES, TABLES, given_shares, laid_out
from tokenizers_made import make

#: Conditions and weights of all sources, or of some by their names.
WHERE: list[Any] = [None, "id >= 3", {"wiki": "lang = 'zh'", "chat": "id < 31"}]
WEIGHT: list[Any] = [None, "id", {"code": "score"}]
SMART: list[Any] = [
    False,
    True,
    "entropy",
    fastsample.Smart(length=1.0, min_chars=3, text=["text"]),
    fastsample.Smart(target=TABLES["chat"], target_method="ratio"),
]


def of(value: Any, name: str) -> Any:
    """Return what a source has of an argument."""
    return value.get(name) if isinstance(value, dict) else value


def of_those(value: Any, names: list[str]) -> Any:
    """Return what an argument has of some sources."""
    if not isinstance(value, dict):
        return value
    return {name: each for name, each in value.items() if name in names}


@pytest.fixture(scope="module")
def layouts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    return laid_out(tmp_path_factory.mktemp("mix"))


@given(
    st.lists(st.sampled_from(["wiki", "code", "chat"]), min_size=1, max_size=3, unique=True),
    st.lists(st.integers(1, 9), min_size=3, max_size=3),
    st.sampled_from(WHERE),
    st.sampled_from(WEIGHT),
    st.sampled_from(SMART),
    st.sampled_from(["stop", "renormalise", "repeat"]),
    st.integers(1, 300),
    st.integers(0, 2**64 - 1),
    st.integers(0, 4),
    st.sampled_from([1, 2, 8]),
)
@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_each_source_gives_the_rows_of_its_draw(
    layouts: dict[str, list[Any]],
    names: list[str],
    parts: list[int],
    where: Any,
    weight: Any,
    smart: Any,
    exhausted: str,
    n: int,
    seed: int,
    layout: int,
    threads: int,
) -> None:
    assume(weight is None or smart != "entropy")
    where, weight = of_those(where, names), of_those(weight, names)
    shares = given_shares(parts[: len(names)])
    drawn = fastsample.mix(
        {name: (layouts[name][layout], share) for name, share in zip(names, shares, strict=True)},
        min(n, 20 * len(names)) if exhausted == "renormalise" else n,
        where=where,
        weight=weight,
        smart=smart,
        exhausted=exhausted,
        seed=seed,
        threads=threads,
    )
    for each in drawn.report.sources:
        ids = drawn.source_ids[each.name].tolist()
        assert (each.where, each.weight) == (of(where, each.name), of(weight, each.name))
        if not ids:
            assert each.smart is None or each.drawn == 0
            continue
        options = {"where": each.where, "weight": each.weight, "smart": smart, "seed": seed}
        source = TABLES[each.name]
        everything = fastsample.sample(source, each.rows, **options)
        whole, rest = divmod(len(ids), each.rows)
        wanted, alone = everything.row_ids.tolist() * whole, everything
        if rest:
            last = fastsample.sample(source, rest, **options)
            wanted, alone = wanted + last.row_ids.tolist(), everything if whole else last
        assert ids == wanted
        assert each.smart == alone.report.smart


@given(
    st.sampled_from(WHERE),
    st.sampled_from(WEIGHT),
    st.sampled_from(SMART),
    st.integers(400, 3000),
    st.integers(0, 2**64 - 1),
)
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_by_tokens_each_source_gives_the_rows_of_its_draw(
    tmp_path_factory: pytest.TempPathFactory,
    where: Any,
    weight: Any,
    smart: Any,
    budget: int,
    seed: int,
) -> None:
    assume(weight is None or smart != "entropy")
    weight = of_those(weight, ["wiki", "chat"])
    pytest.importorskip("tokenizers")
    words = tmp_path_factory.mktemp("words") / "tokenizer.json"
    make("bpe", words)
    sources = {name: (TABLES[name], share) for name, share in (("wiki", 0.75), ("chat", 0.25))}
    drawn = fastsample.mix(
        sources,
        budget_tokens=budget,
        tokenizer=words,
        text_columns=["text"],
        where=where,
        weight=weight,
        smart=smart,
        exhausted="renormalise",
        seed=seed,
    )
    for each in drawn.report.sources:
        alone = fastsample.sample(
            TABLES[each.name],
            budget_tokens=each.quota,
            tokenizer=words,
            text_columns=["text"],
            where=each.where,
            weight=each.weight,
            smart=smart,
            seed=seed,
        )
        assert drawn.source_ids[each.name].tolist() == alone.row_ids.tolist()
        assert each.tokens == alone.report.tokens
        assert each.smart == alone.report.smart


@pytest.mark.parametrize("options", [{}, {"where": "id >= 4"}, {"weight": "id"}, {"smart": True}])
def test_epochs_have_other_rows_until_all_have_come(options: dict[str, Any]) -> None:
    sources = {"wiki": (TABLES["wiki"], 0.75), "code": (TABLES["code"], 0.25)}
    epochs = [fastsample.mix(sources, 100, epoch=epoch, **options) for epoch in range(3)]
    for name, n in (("wiki", 75), ("code", 25)):
        alone = fastsample.epochs(TABLES[name], n, **options)
        ids = [drawn.source_ids[name].tolist() for drawn in epochs]
        assert ids == [alone[epoch].row_ids.tolist() for epoch in range(3)]
        assert len({row for each in ids for row in each}) == 3 * n
    order = [drawn.to_arrow()["source"].to_pylist() for drawn in epochs]
    assert order[0] == order[1] == order[2]


@pytest.mark.parametrize("options", [{}, {"where": "id >= 4"}, {"weight": "id"}, {"smart": True}])
def test_epochs_by_tokens_go_on_in_each_source(options: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    by_tokens: dict[str, Any] = {
        "tokenizer": make("bpe", tmp_path / "tokenizer.json"),
        "text_columns": ["text"],
        **options,
    }
    sources = {"wiki": (TABLES["wiki"], 0.5), "code": (TABLES["code"], 0.5)}
    epochs = [
        fastsample.mix(sources, budget_tokens=1600, epoch=epoch, **by_tokens) for epoch in range(3)
    ]
    for name in sources:
        alone = fastsample.epochs(TABLES[name], budget_tokens=800, **by_tokens)
        for epoch, drawn in enumerate(epochs):
            (source,) = [each for each in drawn.report.sources if each.name == name]
            assert drawn.source_ids[name].tolist() == alone[epoch].row_ids.tolist()
            assert (source.tokens, source.quota) == (alone[epoch].report.tokens, 800)
    with pytest.raises(
        fastsample.ArgumentError, match=r"epoch .* is behind its last row: there are"
    ):
        fastsample.mix(sources, budget_tokens=1600, epoch=500, **by_tokens)
    repeated = fastsample.mix(
        {"chat": TABLES["chat"]}, budget_tokens=3000, exhausted="repeat", epoch=1, **by_tokens
    )
    assert repeated.report.sources[0].epochs > 1


def test_uniform_epochs_begin_again_and_others_end() -> None:
    sources = {"wiki": (TABLES["wiki"], 0.5), "chat": (TABLES["chat"], 0.5)}
    alone = fastsample.epochs(TABLES["chat"], 30)
    for epoch in (1, 2, 7):
        drawn = fastsample.mix(sources, 60, epoch=epoch)
        assert drawn.source_ids["chat"].tolist() == alone[epoch].row_ids.tolist()
    with pytest.raises(fastsample.ArgumentError, match='source "chat": rows 30 to 60 in the order'):
        fastsample.mix(sources, 60, epoch=1, smart=True)


def test_whole_passes_stay_in_every_epoch() -> None:
    sources = {"wiki": (TABLES["wiki"], 0.5), "chat": (TABLES["chat"], 0.5)}
    drawn = [fastsample.mix(sources, 110, exhausted="repeat", epoch=epoch) for epoch in range(2)]
    alone = fastsample.epochs(TABLES["chat"], 15)
    for epoch, each in enumerate(drawn):
        ids = each.source_ids["chat"].tolist()
        assert ids[:40] == list(range(40))
        assert ids[40:] == alone[epoch].row_ids.tolist()


def test_columns_that_are_not_kept_are_not_judged() -> None:
    rows = 200
    table = pa.table(
        {
            "prompt": [f"one of {i} questions that nobody asks" for i in range(rows)],
            "answer": [f"the answer number {i % 20} comes ten times" for i in range(rows)],
        }
    )
    kept, all_of_them = (
        fastsample.mix({"a": table}, 50, smart=True, columns=columns)
        for columns in (["prompt"], None)
    )
    for drawn, columns in ((kept, ["prompt"]), (all_of_them, None)):
        alone = fastsample.sample(table, 50, smart=True, columns=columns)
        assert drawn.source_ids["a"].tolist() == alone.row_ids.tolist()
        assert drawn.report.sources[0].smart == alone.report.smart
    # What is asked about a row need not be kept.
    drawn = fastsample.mix(
        {"a": TABLES["wiki"]}, 50, where="lang = 'zh'", weight="id", columns=["text"]
    )
    alone = fastsample.sample(TABLES["wiki"], 50, where="lang = 'zh'", weight="id")
    assert drawn.source_ids["a"].tolist() == alone.row_ids.tolist()
    assert drawn.schema.names == ["text", "source"]


def test_shares_by_size_are_of_the_rows_that_may_be_drawn() -> None:
    sources = {"wiki": TABLES["wiki"], "code": TABLES["code"]}
    drawn = fastsample.mix(sources, 44, where={"wiki": "lang = 'zh'"})
    assert [(each.rows, each.drawn) for each in drawn.report.sources] == [(100, 20), (120, 24)]
    everything = fastsample.mix(sources, repeat={"wiki": 2}, where={"wiki": "id < 10"})
    assert [each.drawn for each in everything.report.sources] == [20, 120]


def test_a_source_without_a_share_is_not_judged() -> None:
    # It has no text, and no column of weights.
    numbers = pa.table({"number": range(9)})
    sources = {"chat": (TABLES["chat"], 1.0), "numbers": (numbers, 0.0)}
    drawn = fastsample.mix(sources, 10, smart=True, weight="id")
    assert [each.drawn for each in drawn.report.sources] == [10, 0]
    with pytest.raises(fastsample.ColumnError, match=r'source "numbers": .*no column "id"'):
        fastsample.mix({"chat": TABLES["chat"], "numbers": numbers}, 10, weight="id")


def test_the_report_tells_how_each_source_was_drawn() -> None:
    drawn = fastsample.mix(
        {"wiki": (TABLES["wiki"], 0.5), "chat": (TABLES["chat"], 0.5)},
        40,
        where={"wiki": "lang = 'zh'"},
        weight={"chat": "id"},
        smart=True,
    )
    told = str(drawn.report)
    assert "where lang = 'zh'" in told
    assert "by weight id" in told
    assert told.count("copies found") == told.count("judged by") == 2
    found = json.loads(json.dumps(drawn.report.to_dict()))["sources"]
    assert [each["where"] for each in found] == ["lang = 'zh'", None]
    assert found[1]["smart"]["copies"] == drawn.report.sources[1].smart.copies  # type: ignore[union-attr]


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"where": "lang ="}, fastsample.ArgumentError, "lang ="),
    ({"where": "lang = 'zh'"}, fastsample.ColumnError, 'source "chat": where, at character 1'),
    ({"where": {"wikis": "id > 3"}}, fastsample.ArgumentError, "where has 'wikis', but"),
    ({"where": {"wiki": 3}}, fastsample.SourceTypeError, "where of 'wiki' is 3"),
    ({"where": 3}, fastsample.SourceTypeError, "where is 3"),
    ({"where": "id < 0"}, fastsample.ArgumentError, "source \"wiki\": none of the 300 rows match"),
    ({"weight": {"chat": "score"}}, fastsample.ColumnError, 'source "chat": .*no column "score"'),
    ({"weight": "text"}, fastsample.ColumnError, 'source "wiki": .*"text"'),
    ({"weight": ["id"]}, fastsample.SourceTypeError, "weight is"),
    ({"weight": "zero"}, fastsample.ArgumentError, "source \"wiki\": none of the 300 rows have a"),
    ({"smart": "clever"}, fastsample.ArgumentError, "smart is 'clever'"),
    ({"smart": True, "text_columns": ["body"]}, fastsample.ColumnError, '"body" in any source'),
    ({"smart": True, "columns": ["id"]}, fastsample.ColumnError, "text"),
    ({"smart": "entropy", "weight": "id"}, fastsample.ArgumentError, "weight and entropy exclude"),
    ({"text_columns": ["text"]}, fastsample.ArgumentError, "for budget_tokens= and smart="),
    ({"epoch": -1}, fastsample.ArgumentError, "epoch is -1"),
    ({"epoch": "1"}, fastsample.SourceTypeError, "epoch is '1'"),
    ({"epoch": 1, "n": None, "repeat": {"chat": 2}}, fastsample.ArgumentError, "epoch is for n="),
    ({"epoch": 9, "weight": "id"}, fastsample.ArgumentError, "rows .* in the order of weights"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "kind", "message"), WRONG)
def test_what_is_wrong_is_told(
    options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    zero = pa.array([0] * SIZES["wiki"])
    sources = {"wiki": TABLES["wiki"].append_column("zero", zero), "chat": TABLES["chat"]}
    with pytest.raises(kind, match=message):
        fastsample.mix(sources, **{"n": 40, **options})


def test_the_command_draws_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("wiki", "chat"):
        write_parquet(TABLES[name], tmp_path / f"{name}.parquet")
    sources = {"wiki": ("wiki.parquet", 0.5), "chat": ("chat.parquet", 0.5)}
    options: dict[str, Any] = {"where": "id >= 2", "weight": "id", "epoch": 1}
    smart = fastsample.Smart(length=0.5, max_chars=40)
    wanted = fastsample.mix(sources, 20, **options, smart=smart)
    given = ["--source", "wiki=wiki.parquet:0.5", "--source", "chat=chat.parquet:0.5", "-n", "20"]
    given += ["--where", "id >= 2", "--weight", "id", "--smart", "--strength", "length=0.5"]
    given += ["--max-chars", "40", "--epoch", "1", "-o", "o.parquet", "--json", "--manifest"]
    done = CliRunner().invoke(app, ["mix", *given])
    assert done.exit_code == 0, done.output
    found = pq.read_table("o.parquet")
    assert found["id"].to_pylist() == wanted.to_arrow()["id"].to_pylist()
    told = json.loads(done.stdout)["sources"]
    assert [each["smart"]["copies"] for each in told] == [
        each.smart.copies for each in wanted.report.sources if each.smart
    ]
    again = fastsample.reproduce("o.parquet.manifest.json")
    assert again.row_ids.tolist() == wanted.row_ids.tolist()


def test_the_command_says_what_is_wrong_in_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_parquet(TABLES["wiki"].append_column("source", TABLES["wiki"]["text"]), Path("a.parquet"))
    for options, told in (
        (["-n", "5"], "give the column that names the source another name with --source-column"),
        (
            ["--repeat", "a=2", "--epoch", "1"],
            "--epoch is for --num_samples and --budget-tokens, not for all rows; give one",
        ),
        (
            ["-n", "5", "--weight", "w", "--source-column", ""],
            'source "a": weight: there is no column "w"',
        ),
    ):
        done = CliRunner().invoke(app, ["mix", "--source", "a=a.parquet", "-o", "o.csv", *options])
        assert done.exit_code in (1, 2)
        assert told in " ".join(done.output.split())
        assert not Path("o.csv").exists()


def test_a_file_says_how_each_source_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("wiki", "code"):
        write_parquet(TABLES[name], tmp_path / f"{name}.parquet")
    wiki = {"name": "wiki", "path": "wiki.parquet", "share": 0.5, "where": "lang = 'zh'"}
    code = {"name": "code", "path": "code.parquet", "share": 0.5, "weight": "score"}
    described = {"sources": [wiki, code], "n": 40, "smart": True}
    Path("m.json").write_text(json.dumps(described), encoding="utf-8")
    done = CliRunner().invoke(app, ["mix", "m.json", "-o", "o.parquet"])
    assert done.exit_code == 0, done.output
    wanted = fastsample.mix(
        {"wiki": ("wiki.parquet", 0.5), "code": ("code.parquet", 0.5)},
        40,
        where={"wiki": "lang = 'zh'"},
        weight={"code": "score"},
        smart=True,
    )
    found = pq.read_table("o.parquet")
    assert found["id"].to_pylist() == wanted.to_arrow()["id"].to_pylist()
    Path("m.json").write_text(json.dumps({**described, "smart": "yes"}), encoding="utf-8")
    done = CliRunner().invoke(app, ["mix", "m.json", "-o", "p.parquet"])
    assert done.exit_code == 2
    assert "'smart' is 'yes'; it must be true or false" in " ".join(done.output.split())
    assert not Path("p.parquet").exists()


def test_a_target_is_an_input_of_the_mixture(
    tmp_path: Path,
) -> None:
    path = write_parquet(TABLES["wiki"], tmp_path / "wiki.parquet")
    target = write_parquet(TABLES["chat"], tmp_path / "chat.parquet")
    smart = fastsample.Smart(target=target, target_method="ratio")
    drawn = fastsample.mix({"wiki": path}, 30, smart=smart, where={"wiki": "id > 5"})
    drawn.write_parquet(tmp_path / "o.parquet", manifest=True)
    again = fastsample.reproduce(tmp_path / "o.parquet.manifest.json")
    assert again.row_ids.tolist() == drawn.row_ids.tolist()
    with pytest.raises(fastsample.OutputError):
        drawn.write_parquet(target)
