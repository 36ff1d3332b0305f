"""Modules are layers: each imports lower layers only, and no two files import each other.

A name stands for one type in the whole core.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / "python" / "fastsample"

#: The layers of the Python package from the bottom up. A folder is one layer. Modules of a layer
#: that is a set do not import each other.
PYTHON_LAYERS: tuple[tuple[str, ...], ...] = (
    ("_fastsample", "_public", "errors"),
    ("_arguments", "_files", "_layout", "_progress", "_stored", "_text_lengths"),
    ("_committed", "_figure", "_hub"),
    ("_remote",),
    ("_destination",),
    ("_source",),
    ("_training",),
    ("_sampling",),
    ("_inspection",),
    ("_planning",),
    ("_comparison", "_verification"),
    ("parts",),
    ("_engines",),
    ("_keyed",),
    ("dask", "lightning", "ray", "spark"),
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
    ("columns", "predicate"),
    ("population",),
    ("exclusion", "partition", "reservoir", "row_weights", "smart"),
    ("chat",),
    ("tokens",),
    ("sample",),
    ("draw", "inspect", "training", "write"),
    ("compare", "mixture", "parts", "split"),
    ("fuzz",),
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


def core_code(source: Path) -> dict[str, str]:
    """Return the code of each module of the core, without comments and tests."""
    code = {}
    for file in sorted(source.rglob("*.rs")):
        parts = file.relative_to(source).with_suffix("").parts
        if parts[-1] not in ("tests", "lib"):
            text = file.read_text(encoding="utf-8").partition("#[cfg(test)]\nmod tests {")[0]
            module = ".".join(parts[:-1] if parts[-1] == "mod" else parts)
            code[module] = re.sub(r"//.*|\bpub\(in [^)]*\)", "", text)
    return code


def use_tree(tree: str) -> Iterator[list[str]]:
    """Yield the paths of a tree such as ``self::{a, b::{C, D as E}}``, by their names."""
    head, brace, rest = tree.strip().partition("{")
    if not brace:
        yield [name.strip() for name in head.partition(" as ")[0].split("::")]
        return
    depth, branch = 0, ""
    for letter in rest[: rest.rindex("}")] + ",":
        depth += (letter == "{") - (letter == "}")
        if letter == "," and depth == 0:
            if branch.strip():
                for path in use_tree(branch):
                    yield [*head.split("::")[:-1], *path]
            branch = ""
        else:
            branch += letter


def core_file_imports(source: Path) -> dict[str, set[str]]:
    """Return for each module of the core the modules whose items it names.

    What a module only hands on (`pub use`) it does not import; who uses it there imports the
    module that has it.
    """
    code = core_code(source)
    handed_on: dict[tuple[str, str], list[str]] = {}

    def absolute(module: str, path: list[str]) -> list[str] | None:
        here = module.split(".")
        if path[0] == "crate":
            return path[1:]
        if path[0] == "self":
            return [*here, *path[1:]]
        if path[0] == "super":
            above = next(index for index, name in enumerate(path) if name != "super")
            return [*here[:-above], *path[above:]]
        return [*here, *path] if f"{module}.{path[0]}" in code else None

    def owner(path: list[str]) -> str:
        module = ""
        for name in path:
            if (inner := f"{module}.{name}".lstrip(".")) in code:
                module = inner
            elif (module, name) in handed_on:
                return owner(handed_on[module, name])
            else:
                break
        return module

    public = re.compile(r"\bpub(?:\(\w+\))?\s+use\s+([^;]+);")
    for module, text in code.items():
        for tree in public.findall(text):
            for path in (absolute(module, path) for path in use_tree(tree)):
                if path is not None:
                    handed_on[module, path[-1]] = path
    imports = {}
    for module, text in code.items():
        own = public.sub("", text)
        private = re.compile(r"\buse\s+([^;]+);")
        paths = [path for tree in private.findall(own) for path in use_tree(tree)]
        inline = re.findall(r"\b(?:crate|super|self)(?:::\w+)+", private.sub("", own))
        paths += [path.split("::") for path in inline]
        found = [absolute(module, path) for path in paths if path[-1] not in ("self", "super")]
        imports[module] = {owner(path) for path in found if path} - {module, ""}
    return imports


def same_names(source: Path) -> dict[str, list[str]]:
    """Return the names that several types of the core share, with the modules of each."""
    kinds = re.compile(r"^(?:pub(?:\(\w+\))? )?(?:struct|enum|trait|type|union) (\w+)", re.M)
    places: dict[str, list[str]] = {}
    for module, text in core_code(source).items():
        for name in kinds.findall(text):
            places.setdefault(name, []).append(module)
    return {name: modules for name, modules in places.items() if len(modules) > 1}


def test_files_of_the_core_have_no_circle() -> None:
    imports = core_file_imports(CORE)
    assert len(imports) > 100
    assert "source.parquet.decoder" in imports["source.parquet.stream"]
    assert "source.projected" in imports["scan"]
    assert circle(imports) == []


def test_a_name_of_the_core_is_one_type() -> None:
    assert same_names(CORE) == {}


def _plant_core(copies: Path, module: str, text: str) -> None:
    """Copy the core with lines added to one of its files."""
    for file in CORE.rglob("*.rs"):
        copy = copies / file.relative_to(CORE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    with (copies / module).open("a", encoding="utf-8") as planted:
        planted.write(text)


def test_a_planted_upward_import_of_the_core_is_found(tmp_path: Path) -> None:
    _plant_core(tmp_path, "select/mod.rs", "\nuse crate::source::Source;\n")
    assert upward(core_imports(tmp_path), CORE_LAYERS) == ["select imports source"]


def test_a_planted_circle_of_files_is_found(tmp_path: Path) -> None:
    # A folder's own file hands `Zip` on: it is `zip` that is imported.
    _plant_core(tmp_path, "source/parquet/zip.rs", "\nuse super::{file::ParquetFile, read};\n")
    found = circle(core_file_imports(tmp_path))
    assert found[0] == found[-1]
    assert {"source.parquet.zip", "source.parquet.read"} <= set(found)


def test_a_planted_second_type_of_a_name_is_found(tmp_path: Path) -> None:
    _plant_core(tmp_path, "smart/score.rs", "\npub(super) struct Span {\n    rows: u64,\n}\n")
    assert same_names(tmp_path) == {"Span": ["smart.score", "source"]}


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
