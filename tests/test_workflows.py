"""The workflows call targets that exist; versions agree; nothing is asked for that a form lacks."""

import re
from pathlib import Path
from typing import Any

import fastsample
import pytest

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps(workflow: Any) -> list[Any]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_there_are_workflows_for_tests_wheels_and_docs() -> None:
    assert [path.stem for path in WORKFLOWS] == ["ci", "docs", "wheels"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_calls_targets_that_exist(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    workflow = read(path)
    commands = [step["run"] for step in steps(workflow) if "run" in step]
    assert commands
    for command in commands:
        program, target = command.split()
        assert program == "make"
        assert target in targets
    for job in workflow["jobs"].values():
        assert "runs-on" in job
        assert set(job.get("needs", [])) <= set(workflow["jobs"])
    actions = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+@(v\d+|stable|release/v1)", uses) for uses in actions)
    assert workflow["permissions"] == {"contents": "read"}
    # YAML 1.1 takes the key `on` for true.
    assert True in workflow


def test_ci_runs_what_any_machine_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (ci,) = [path for path in WORKFLOWS if path.stem == "ci"]
    called = {step["run"].split()[1] for step in steps(read(ci)) if "run" in step}
    assert called == {"lint", "test", "test-lowest"}
    made = {word for line in re.findall("^make (.*)$", script, re.M) for word in line.split()}
    assert called <= made


def test_only_the_job_that_publishes_may_ask_for_a_token() -> None:
    (wheels,) = [path for path in WORKFLOWS if path.stem == "wheels"]
    jobs = read(wheels)["jobs"]
    assert [name for name, job in jobs.items() if "permissions" in job] == ["publish"]
    assert jobs["publish"]["permissions"]["id-token"] == "write"
    assert "refs/tags" in jobs["publish"]["if"]


def test_the_citation_names_this_version() -> None:
    citation = read(ROOT / "CITATION.cff")
    assert citation["version"] == fastsample.__version__
    assert citation["license"] == "Apache-2.0"


def test_forms_and_updates_are_read() -> None:
    for form in ("bug", "idea"):
        found = read(ROOT / ".github" / "ISSUE_TEMPLATE" / f"{form}.yml")
        assert {"name", "description", "body"} <= set(found)
        assert all(part["attributes"]["label"] for part in found["body"])
    assert read(ROOT / ".github" / "dependabot.yml")["version"] == 2
    hooks = read(ROOT / ".pre-commit-config.yaml")["repos"][0]["hooks"]
    assert {"cargo-fmt", "ruff", "mypy"} <= {hook["id"] for hook in hooks}
