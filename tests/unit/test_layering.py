"""Rules 1 to 3 of the house: imports go down; NEURON and mpi4py have one door; data rooms need neither."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from helpers import run_python

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "neurodamus_like"

LEVELS = [
    {"exceptions"},
    {"registry", "logs", "memory", "cache"},
    {"progress", "timing"},
    {"config"},
    {"io"},
    {"validation", "parallel"},
    {"engine"},
    {"targets"},
    {"distribution"},
    {"circuit"},
    {"connectivity", "stimuli", "reports"},
    {"simulation"},
    {"singlecell", "bionet"},
    {"hpc"},
    {"cli"},
    {"__main__"},
]
"""From the ground up; rooms of one level do not import each other."""

DATA_ROOMS = {"builder": 1, "analysis": 1, "plotting": 2}
"""Beside the staircase: they stand on io/; plotting also draws what analysis computes."""

LAZY_POINTS = {
    "__init__.py": "public names are loaded when first used",
    "cli/commands.py": "commands are loaded by name, so that one does not break the others",
    "cli/plot.py": "figures are loaded by name",
    "cli/electrodes.py": "NEURON is loaded after the command line was checked",
    "cli/run.py": "NEURON is loaded after the command line was checked",
}
"""Files that may import modules of the package inside a function, with the reason."""

SLOW = {"scipy", "jsonschema", "matplotlib"}

DOORS = {"neuron": {"engine/nrn.py"}, "mpi4py": {"parallel/mpi.py"}}


@cache
def source_files() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if "_core" not in p.parts)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(tree: ast.AST, package: tuple[str, ...]) -> Iterator[tuple[ast.AST, str]]:
    """Yield every import below `tree`: the node and the dotted name, also of import_module("...")."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            yield from ((node, f"{module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node, node.args[0].value


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports_in(path: Path, *, inside_functions: bool = False) -> list[tuple[int, str]]:
    package = ("neurodamus_like", *path.relative_to(PACKAGE).parent.parts)
    tree = tree_of(path)
    roots: list[ast.AST] = [tree]
    if inside_functions:
        roots = [
            n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        ]
    found = {(getattr(node, "lineno", 0), name) for root in roots for node, name in imports_of(root, package)}
    return sorted(found)


def own_rooms(path: Path) -> Iterator[tuple[int, str]]:
    for line, name in imports_in(path):
        parts = name.split(".")
        if parts[0] == "neurodamus_like" and len(parts) > 1:
            yield line, parts[1]


def level_of(room: str) -> int:
    return next((level for level, rooms in enumerate(LEVELS) if room in rooms), -1)


def is_allowed(room: str, target: str) -> bool:
    if target in (room, "__version__"):
        return True
    if room in DATA_ROOMS:
        below_io = 0 <= level_of(target) <= level_of("io")
        return below_io or DATA_ROOMS.get(target, 99) < DATA_ROOMS[room]
    if target in DATA_ROOMS:
        return room in ("cli", "singlecell")
    return 0 <= level_of(target) < level_of(room)


def test_every_room_has_a_place() -> None:
    rooms = {room_of(path) for path in source_files()} - {"__init__"}
    assert rooms <= set().union(*LEVELS) | set(DATA_ROOMS)


@pytest.mark.parametrize("path", source_files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    room = room_of(path)
    wrong = [f"line {line}: {room} imports {to}" for line, to in own_rooms(path) if not is_allowed(room, to)]
    assert wrong == []


@pytest.mark.parametrize("path", source_files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_import_is_hidden_in_a_function(path: Path) -> None:
    if path.relative_to(PACKAGE).as_posix() in LAZY_POINTS:
        return
    hidden = [
        f"line {line}: {name}"
        for line, name in imports_in(path, inside_functions=True)
        if name.split(".")[0] == "neurodamus_like"
    ]
    assert hidden == []


@pytest.mark.parametrize("library", sorted(SLOW))
def test_slow_libraries_are_loaded_where_they_are_used(library: str) -> None:
    """Each rank of each run pays for what stands at the top of a module."""
    found = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in source_files()
        for line, name in imports_in(path)
        if name.split(".")[0] == library
        and (line, name) not in imports_in(path, inside_functions=True)
        and line not in type_checking_lines(path)
    ]
    assert found == []


@pytest.mark.parametrize("library", DOORS)
def test_neuron_and_mpi4py_have_one_door(library: str) -> None:
    doors = {
        path.relative_to(PACKAGE).as_posix()
        for path in source_files()
        if any(name.split(".")[0] == library for _, name in imports_in(path))
    }
    assert doors <= DOORS[library]


def test_no_circles_between_modules() -> None:
    graph = {module_name(path): set(modules_imported(path)) for path in source_files()}
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " -> ".join([*above[above.index(module) :], module])
        if module not in done:
            for other in sorted(graph.get(module, ())):
                visit(other, (*above, module))
            done.add(module)

    for module in sorted(graph):
        visit(module, ())


def module_name(path: Path) -> str:
    parts = ("neurodamus_like", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def type_checking_lines(path: Path) -> set[int]:
    """Lines under ``if TYPE_CHECKING:``: an annotation may name what imports this module, it is no circle."""
    blocks = [n for n in ast.walk(tree_of(path)) if isinstance(n, ast.If)]
    blocks = [b for b in blocks if isinstance(b.test, ast.Name) and b.test.id == "TYPE_CHECKING"]
    return {line for b in blocks for line in range(b.lineno, (b.end_lineno or b.lineno) + 1)}


def modules_imported(path: Path) -> Iterator[str]:
    if path.relative_to(PACKAGE).as_posix() in LAZY_POINTS:
        return
    names = {module_name(p) for p in source_files()}
    for_types = type_checking_lines(path)
    for line, name in imports_in(path):
        if line in for_types:
            continue
        owner = name if name in names else name.rpartition(".")[0]
        if owner in names - {module_name(path), "neurodamus_like"}:
            yield owner


BLOCKED = """
import importlib, pkgutil, sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("neuron", "mpi4py"):
            raise ModuleNotFoundError(f"{name} is blocked", name=name)
        return None
sys.meta_path.insert(0, Block())
import neurodamus_like
for room in ("config", "io", "validation", "builder", "analysis", "plotting"):
    package = importlib.import_module(f"neurodamus_like.{room}")
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
        print(module.name)
assert not {"neuron", "mpi4py"} & set(sys.modules)
"""


def test_data_rooms_need_neither_neuron_nor_mpi() -> None:
    result = run_python(BLOCKED, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    assert "neurodamus_like.config.models" in result.stdout


def test_importing_the_package_loads_neither_neuron_nor_mpi_nor_hdf5() -> None:
    code = (
        "import sys, neurodamus_like; print(sorted({'neuron', 'mpi4py', 'h5py', 'numpy'} & set(sys.modules)))"
    )
    assert run_python(code, cwd=ROOT).stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("room", "target", "allowed"),
    [
        ("io", "config", True),
        ("config", "io", False),
        ("circuit", "connectivity", False),
        ("stimuli", "reports", False),
        ("builder", "io", True),
        ("builder", "engine", False),
        ("analysis", "plotting", False),
        ("plotting", "analysis", True),
        ("engine", "parallel", True),
        ("validation", "parallel", False),
        ("logs", "progress", False),
        ("simulation", "cli", False),
    ],
)
def test_the_rules_themselves(room: str, target: str, allowed: bool) -> None:
    assert is_allowed(room, target) == allowed


def test_test_modules_have_names_of_their_own() -> None:
    names = [path.name for path in Path(__file__).resolve().parents[1].rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
