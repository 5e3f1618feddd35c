"""The rules of the house that a reader cannot keep in his head (ARCHITECTURE.md), read from the source."""

from __future__ import annotations

import ast
import os
import statistics
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from parts import ROOT

GROUND = "heating"
WINGS = ("collector", "analyzer", "alerts", "dashboards", "firmware_sim")
ROOF = "heatwatch"
HOUSE = (GROUND, *WINGS, ROOF)

# A driver and the files or folders that may import it.
DRIVERS = {
    "paho": (
        "collector/session.py",
        "collector/client.py",
        "firmware_sim/broker.py",
        "firmware_sim/publish.py",
        "alerts/receivers/mqtt.py",
    ),
    "duckdb": ("heating/store/",),
    "pyarrow": ("heating/store/",),
    "influxdb_client": ("heating/store/",),
    "sqlalchemy": ("heating/ledger/",),
    "apscheduler": ("analyzer/",),
    "litestar": ("dashboards/console/",),
    "typer": ("heatwatch/",),
    "rich": ("heatwatch/",),
}
CLOCKS = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {"time", "time_ns", "sleep", "localtime", "gmtime"},
}
MAY_ASK_THE_MACHINE = ("heating/clock.py",)
LONGEST_FILE, LONGEST_FUNCTION, MEDIAN_FUNCTION = 400, 60, 10

# Written in two parts, so that this file does not hold what it looks for.
PLACES_OF_A_SESSION = tuple("/" + place for place in ("work/main", "work/shared", "tmp/hw", "tmp/bash_jobs"))
NOT_OURS = {
    ".git",
    ".venv",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    "__pycache__",
    "build",
    "var",
}


def sources() -> list[Path]:
    return sorted(path.relative_to(ROOT) for room in HOUSE for path in (ROOT / room).rglob("*.py"))


@cache
def tree(source: Path) -> ast.Module:
    return ast.parse((ROOT / source).read_text("utf-8"), str(source))


def imports(source: Path) -> Iterator[tuple[str, int]]:
    """Top-level names that a file imports, anywhere in it."""
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0] if not node.level else source.parts[0], node.lineno


def functions(source: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring and decorators."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def allowed(room: str) -> set[str]:
    """Rooms that a room may import from: itself and what lies below it."""
    if room == ROOF:
        return set(HOUSE)
    return {room, GROUND}


def test_the_house_has_all_its_rooms_and_only_them() -> None:
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert rooms == set(HOUSE)
    assert not (ROOT / "tests" / "__init__.py").exists()
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]["find"]
    assert {name.rstrip("*") for name in packages["include"]} == set(HOUSE)


def test_imports_go_down_only() -> None:
    wrong = [
        f"{source}:{line} imports {name}"
        for source in sources()
        for name, line in imports(source)
        if name in HOUSE and name not in allowed(source.parts[0])
    ]
    assert not wrong, "roof -> wings -> ground, and no wing sees another:\n" + "\n".join(wrong)


def test_nothing_that_is_shipped_imports_the_tests() -> None:
    helpers = {path.stem for path in (ROOT / "tests").glob("*.py")} | {"tests", "pytest", "hypothesis"}
    assert not [f"{source}:{line}" for source in sources() for name, line in imports(source) if name in helpers]


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_driver_is_imported_where_it_lives(driver: str) -> None:
    users = {source.as_posix() for source in sources() for name, _ in imports(source) if name == driver}
    assert not [user for user in users if not user.startswith(DRIVERS[driver])]


def test_only_the_clock_asks_the_machine_for_the_time() -> None:
    wrong = []
    for source in sources():
        if source.as_posix() in MAY_ASK_THE_MACHINE:
            continue
        for node in ast.walk(tree(source)):
            if isinstance(node, ast.Attribute) and node.attr in CLOCKS.get(_name(node.value), ()):
                wrong.append(f"{source}:{node.lineno} {_name(node.value)}.{node.attr}")
            if isinstance(node, ast.ImportFrom) and node.module == "time":
                wrong += [f"{source}:{node.lineno} {a.name}" for a in node.names if a.name in CLOCKS["time"]]
    assert not wrong, "time is passed in (`now`, `heating.clock.Clock`):\n" + "\n".join(wrong)


def _name(node: ast.expr) -> str:
    """Last name of `datetime` and `datetime.datetime` alike."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def test_files_stay_short() -> None:
    lengths = {source: len((ROOT / source).read_text("utf-8").splitlines()) for source in sources()}
    assert not [f"{source}: {lines}" for source, lines in lengths.items() if lines > LONGEST_FILE]


def test_functions_do_one_thing() -> None:
    lengths = {(source, f.name, f.lineno): length(f) for source in sources() for f in functions(source)}
    assert not [f"{s}:{line} {name}: {n}" for (s, name, line), n in lengths.items() if n > LONGEST_FUNCTION]
    assert statistics.median(lengths.values()) <= MEDIAN_FUNCTION


def test_no_broad_except_outside_the_loop_of_a_stage() -> None:
    """Each one carries its reason behind `noqa: BLE001`, so that a review sees it."""
    for source in sources():
        for line in (ROOT / source).read_text("utf-8").splitlines():
            if "noqa: BLE001" in line:
                assert len(line.split("noqa: BLE001", 1)[1].strip(" -—#")) > 10, f"{source}: {line.strip()}"


def test_nothing_in_the_tree_names_the_place_where_it_was_written() -> None:
    wrong = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS and not name.endswith(".egg-info")]
        for path in (Path(folder, name) for name in files):
            data = path.read_bytes()
            wrong += [f"{path.relative_to(ROOT)}: {place}" for place in PLACES_OF_A_SESSION if place.encode() in data]
    assert not wrong
