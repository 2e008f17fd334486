"""The rooms of the house: a room imports only from the rooms above it, and without torch where none is needed.

Run as a program it lists what it finds: ``python -m tests.test_layers``.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "tumorlens"

# In the order of docs/explanation/design.md; a room may use those above it.
ROOMS = (
    "errors",
    "stats",
    "scan",
    "report",
    "metrics",
    "datasets",
    "models",
    "auditing",
    "training",
    "evaluation",
    "comparison",
    "explanation",
    "experiments",
    "model_card",
    "deploy",
    "studies",
    "dicom_results",
    "predictions",
    "benchmarking",
    "demo",
    "cli",
)


@cache
def modules() -> dict[str, Path]:
    """Dotted name without the package -> file."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Every node of a file, in the order of `ast.walk`."""
    return tuple(ast.walk(parsed(path)))


def imports(path: Path, *, typing: bool = True) -> Iterator[tuple[str, int]]:
    """Every module of the package that a file imports, with the line; also inside of functions.

    Args:
        path: of the file.
        typing: also what is imported for type checkers only.
    """
    hidden: set[int] = set()
    if not typing:
        for node in nodes(path):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                hidden |= {id(inner) for inner in ast.walk(node)}
    known = modules()
    for node in nodes(path):
        if (
            id(node) in hidden
            or not isinstance(node, ast.ImportFrom)
            or not (node.module or "").startswith("tumorlens")
        ):
            continue
        base = (node.module or "").removeprefix("tumorlens").lstrip(".")
        for alias in node.names:
            full = f"{base}.{alias.name}".lstrip(".")
            yield (full if full in known else base), node.lineno


def room(module: str) -> str:
    """The room of a module; private plumbing and the package itself are of none."""
    first = module.partition(".")[0]
    return "" if first.startswith("_") or not first else first


def against_the_order() -> list[str]:
    """Imports of a room below, as ``file:line imports module``."""
    found = []
    for module, path in modules().items():
        here = room(module)
        if not here:
            continue
        for imported, line in imports(path):
            there = room(imported)
            if there and there != here and ROOMS.index(there) > ROOMS.index(here):
                found.append(f"{path.relative_to(SOURCE)}:{line} imports {imported}")
    return found


def circles() -> list[list[str]]:
    """Modules that import each other when they are loaded, by way of others or not."""
    known = modules()
    edges: dict[str, set[str]] = {
        module: {imported for imported, _ in top_level(path) if imported in known and imported != module}
        for module, path in known.items()
    }
    found, done = [], set()
    for start in edges:
        stack, seen = [(start, [start])], set()
        while stack:
            at, trail = stack.pop()
            for after in edges[at]:
                if after == start:
                    if frozenset(trail) not in done:
                        done.add(frozenset(trail))
                        found.append([*trail, start])
                elif after not in seen:
                    seen.add(after)
                    stack.append((after, [*trail, after]))
    return found


def top_level(path: Path) -> Iterator[tuple[str, int]]:
    """Imports that happen when a module is loaded, of modules and not of packages, whose ``__init__`` may be lazy."""
    every = nodes(path)
    inside = {id(inner) for node in every if isinstance(node, ast.FunctionDef) for inner in ast.walk(node)}
    lines = {node.lineno for node in every if isinstance(node, ast.ImportFrom) and id(node) not in inside}
    packages = {module for module, file in modules().items() if file.name == "__init__.py"}
    for imported, line in imports(path, typing=False):
        if line in lines and imported not in packages:
            yield imported, line


def basenames() -> dict[str, list[str]]:
    """Names of modules that occur more than once; the three files of an analysis are named alike on purpose."""
    found: dict[str, list[str]] = defaultdict(list)
    for module, path in modules().items():
        alike = module.startswith("evaluation.analyses.") and path.stem in ("measure", "result", "section")
        if path.stem != "__init__" and not alike:
            found[path.stem].append(module)
    return {name: places for name, places in found.items() if len(places) > 1}


def class_names() -> dict[str, list[str]]:
    """Public classes whose name occurs more than once."""
    found: dict[str, list[str]] = defaultdict(list)
    for module, path in modules().items():
        for node in nodes(path):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(module)
    return {name: places for name, places in found.items() if len(places) > 1}


def loose_dictionaries() -> list[str]:
    """Public functions outside of ``to_dict`` and ``from_dict`` that take or return ``dict[str, Any]``.

    Private modules and methods that Lightning calls by these names are left out.
    """
    exempt = ("to_dict", "from_dict", "state_dict", "load_state_dict")
    found = []
    for module, path in modules().items():
        if module.startswith("_"):
            continue
        for node in nodes(path):
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_") or node.name in exempt:
                continue
            kinds = [node.returns, *(argument.annotation for argument in (*node.args.args, *node.args.kwonlyargs))]
            if any(kind is not None and "dict[str, Any]" in ast.unparse(kind) for kind in kinds):
                found.append(f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}")
    return found


def reexports() -> list[str]:
    """Names that a room's ``__init__`` takes from another room: kept for an old place."""
    found = []
    for module, path in modules().items():
        if path.name != "__init__.py" or not module:
            continue
        exported = _exported(path)
        for node in nodes(path):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tumorlens."):
                there = room((node.module or "").removeprefix("tumorlens."))
                names = [alias.name for alias in node.names if alias.name in exported]
                if there and there != room(module) and names:
                    found.append(f"{path.relative_to(SOURCE)} exports {', '.join(names)} of {there}")
    return found


def private_progress() -> list[str]:
    """Functions outside of ``cli`` that show their progress in a way of their own.

    The one protocol is ``tumorlens._progress``: a parameter `progress` of type `Progress` or `ProgressOption`.
    """
    found = []
    for module, path in modules().items():
        if room(module) == "cli" or module == "_progress":
            continue
        for node in nodes(path):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
                kind = ast.unparse(argument.annotation) if argument.annotation else ""
                other = argument.arg == "progress" and kind not in ("Progress", "ProgressOption")
                if other or argument.arg in ("console", "on_progress") or "Console" in kind:
                    found.append(f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}({argument.arg}: {kind})")
    return found


def printed() -> list[str]:
    """Places outside of ``cli`` that print, warn or import rich: messages go to the logger, bars to the progress."""
    found = []
    for module, path in modules().items():
        if room(module) == "cli":
            continue
        for node in nodes(path):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            source = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
            rich = module != "_progress" and any(name.partition(".")[0] == "rich" for name in (*names, source))
            if rich or called in ("print", "warnings.warn"):
                found.append(f"{path.relative_to(SOURCE)}:{getattr(node, 'lineno', 0)} {called or 'rich'}")
    return found


def _exported(path: Path) -> set[str]:
    for node in parsed(path).body:
        if (
            isinstance(node, ast.Assign)
            and getattr(node.targets[0], "id", "") == "__all__"
            and isinstance(node.value, ast.List)
        ):
            return {element.value for element in node.value.elts if isinstance(element, ast.Constant)}
    return set()


def test_every_room_of_the_house_is_in_the_order() -> None:
    assert {room(module) for module in modules()} - {""} == set(ROOMS)


def test_a_room_imports_only_from_the_rooms_above_it() -> None:
    assert against_the_order() == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles() == []


def test_every_module_has_a_name_of_its_own() -> None:
    assert basenames() == {}


def test_every_class_has_a_name_of_its_own() -> None:
    assert class_names() == {}


def test_no_public_function_takes_or_returns_a_dictionary_of_anything() -> None:
    assert loose_dictionaries() == []


def test_no_room_exports_what_another_defines() -> None:
    assert reexports() == []


def test_progress_has_one_protocol() -> None:
    assert private_progress() == []


def test_only_the_command_line_prints() -> None:
    assert printed() == []


def test_files_and_functions_stay_short() -> None:
    long_files = [str(path) for path in modules().values() if path.read_text(encoding="utf-8").count("\n") > 500]
    long_functions = [
        f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}"
        for path in modules().values()
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 80
    ]
    assert (long_files, long_functions) == ([], [])


if __name__ == "__main__":
    for name, check in list(globals().items()):
        if name in (
            "against_the_order", "circles", "basenames", "class_names", "loose_dictionaries", "reexports",
            "private_progress", "printed",
        ):  # fmt: skip
            print(f"{name}: {check()}")
