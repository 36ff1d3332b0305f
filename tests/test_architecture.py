"""Modules are layers: each imports lower layers only, and no two import each other."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / "python" / "fastsample"

#: The layers of the Python package from the bottom up. A folder is one layer. Modules of a layer
#: that is a set do not import each other.
PYTHON_LAYERS: tuple[tuple[str, ...], ...] = (
    ("_fastsample", "errors"),
    ("_arguments", "_facts_table", "_files", "_progress", "_text_lengths"),
    ("_figure", "_source"),
    ("_training",),
    ("_sampling",),
    ("_inspection",),
    ("_planning",),
    ("_comparison",),
    ("",),  # fastsample itself: the public names
    ("cli",),
    ("__main__",),
)

CORE = ROOT / "rust" / "fastsample" / "src"

#: The layers of the Rust core, as docs/architecture.md lists them.
CORE_LAYERS: tuple[tuple[str, ...], ...] = (
    ("error",),
    ("exec", "hash"),
    ("files",),
    ("sketch", "select", "text"),
    ("source",),
    ("scan", "gather"),
    ("columns",),
    ("reservoir", "smart"),
    ("tokens",),
    ("sample",),
    ("write", "inspect", "training"),
    ("compare", "split"),
    ("lib",),
)

Imports = Mapping[str, set[str]]


def python_imports(package: Path) -> dict[str, set[str]]:
    """Return for each module those of the package that it imports anywhere in its text.

    Imports in functions and under TYPE_CHECKING count: they are knowledge of another module, too.
    """
    modules = {_name(file, package): file for file in sorted(package.rglob("*.py"))}
    modules["_fastsample"] = package / "_fastsample.pyi"
    return {name: set(_imported(file, modules)) for name, file in modules.items()}


def _name(file: Path, package: Path) -> str:
    parts = file.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(file: Path, modules: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            dotted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            # `from fastsample import errors` names a module, `from fastsample import Plan` doesn't.
            dotted = [
                inner if (inner := f"{node.module}.{alias.name}")[11:] in modules else node.module
                for alias in node.names
                if node.module is not None
            ]
        else:
            continue
        for each in dotted:
            if each == "fastsample" or each.startswith("fastsample."):
                yield each[11:]


def upward(imports: Imports, layers: Iterable[tuple[str, ...]]) -> list[str]:
    """Return each import of a module that is not lower, as a sentence."""
    floor = {name: number for number, layer in enumerate(layers) for name in layer}
    found = []
    for module, others in imports.items():
        mine = module.partition(".")[0]
        for other in others:
            theirs = other.partition(".")[0]
            if mine not in floor or theirs not in floor:
                found.append(f"{mine} or {theirs} is in no layer")
            elif mine != theirs and floor[theirs] >= floor[mine]:
                found.append(f"{module or 'fastsample'} imports {other or 'fastsample'}")
    return found


def circle(imports: Imports) -> list[str]:
    """Return modules that import each other in a circle, or nothing."""
    done: set[str] = set()
    path: list[str] = []

    def visit(module: str) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        path.append(module)
        for other in sorted(imports.get(module, ())):
            if other != module and (found := visit(other)):
                return found
        path.pop()
        done.add(module)
        return []

    return next((found for module in sorted(imports) if (found := visit(module))), [])


def test_python_modules_import_lower_layers_only() -> None:
    imports = python_imports(PYTHON)
    assert len(imports) > 30
    assert "_files" in imports["_comparison.report"]
    assert upward(imports, PYTHON_LAYERS) == []


def test_python_modules_have_no_circle() -> None:
    assert circle(python_imports(PYTHON)) == []


def core_imports(source: Path) -> dict[str, set[str]]:
    """Return for each file of the core the modules that it names after ``crate::``.

    Tests at the end of a file, comments, and what `lib.rs` re-exports at the root don't count.
    """
    imports = {}
    for file in sorted(source.rglob("*.rs")):
        text = file.read_text(encoding="utf-8").partition("#[cfg(test)]\nmod tests {")[0]
        text = re.sub(r"//.*", "", text)
        found = re.findall(r"\bcrate::(?:(\w+)|\{([^}]*)\})", text)
        names = {name for one, group in found for name in (one, *re.findall(r"\w+(?=::)", group))}
        parts = file.relative_to(source).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "mod" else parts)
        if parts[-1] != "tests":
            imports[module] = {name for name in names if name.islower() and name != "Result"}
    return imports


def test_core_modules_import_lower_layers_only() -> None:
    imports = core_imports(CORE)
    assert len(imports) > 60
    assert "scan" in imports["smart.extract"]
    assert upward(imports, CORE_LAYERS) == []


def test_a_planted_upward_import_of_the_core_is_found(tmp_path: Path) -> None:
    for file in CORE.rglob("*.rs"):
        copy = tmp_path / file.relative_to(CORE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    with (tmp_path / "select" / "mod.rs").open("a", encoding="utf-8") as module:
        module.write("\nuse crate::source::Source;\n")
    assert upward(core_imports(tmp_path), CORE_LAYERS) == ["select imports source"]


def test_the_page_on_architecture_lists_all_modules() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    listed = re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`.*?) \|", page, re.M)))
    modules = {
        module.partition(".")[0] for module in [*core_imports(CORE), *python_imports(PYTHON)]
    }
    assert modules - set(listed) <= {"", "lib", "__main__", "_fastsample"}


def _plant(package: Path, module: str, text: str) -> dict[str, set[str]]:
    """Copy the package with an import added to one of its modules."""
    for file in PYTHON.rglob("*.py*"):
        if file.suffix in (".py", ".pyi"):
            copy = package / file.relative_to(PYTHON)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    with (package / module).open("a", encoding="utf-8") as planted:
        planted.write(text)
    return python_imports(package)


def test_a_planted_upward_import_is_found(tmp_path: Path) -> None:
    hidden = "\nif TYPE_CHECKING:\n    from fastsample._comparison.report import Comparison\n"
    imports = _plant(tmp_path, "_sampling/sample.py", hidden)
    assert upward(imports, PYTHON_LAYERS) == ["_sampling.sample imports _comparison.report"]
    public = _plant(tmp_path, "_figure.py", "\ndef f():\n    import fastsample\n")
    assert "_figure imports fastsample" in upward(public, PYTHON_LAYERS)


def test_a_module_outside_the_layers_is_found(tmp_path: Path) -> None:
    imports = _plant(tmp_path, "_new.py", "from fastsample import errors\n")
    assert upward(imports, PYTHON_LAYERS) == ["_new or errors is in no layer"]


def test_a_planted_circle_is_found(tmp_path: Path) -> None:
    imports = _plant(tmp_path, "_planning/model.py", "\nimport fastsample._planning.report\n")
    found = circle(imports)
    assert found[0] == found[-1]
    assert {"_planning.model", "_planning.report"} <= set(found)
