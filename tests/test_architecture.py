"""Who may import whom (design, section 6), and what the pure core must not touch."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = ("stream", "operators", "sinks", "simulators")

FLOOR: Final = frozenset(
    {"errors", "events", "ids", "codec", "validate", "settings", "assets", "schema", "parts"}
)
"""Modules of `stream` that every layer may import; the rest of `stream` is the roof."""

ALLOWED: Final[dict[str, frozenset[str]]] = {
    "floor": frozenset({"floor"}),
    "operators": frozenset({"floor", "operators"}),
    "sinks": frozenset({"floor", "operators", "sinks"}),
    "simulators": frozenset({"floor", "operators", "simulators"}),
    "roof": frozenset({"floor", "operators", "sinks", "simulators", "roof"}),
}
"""Layer to the layers that it may import."""

BYTEWAX_FILES: Final = frozenset({"stream/dataflow.py", "stream/sources.py"})

IMPURE_MODULES: Final = frozenset(
    {
        "asyncio", "bytewax", "http", "io", "logging", "multiprocessing", "os", "pathlib",
        "random", "redis", "requests", "secrets", "select", "shutil", "signal", "socket",
        "sqlite3", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid",
        "websockets",
    }
)  # fmt: skip
IMPURE_CALLS: Final = frozenset({"open", "print", "input", "exec", "eval", "breakpoint"})
IMPURE_ATTRIBUTES: Final = frozenset(
    {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "np.random", "numpy.random"}
)


def layer_of(module: str) -> str | None:
    """Layer of a dotted module name; None: not ours."""
    parts = module.split(".")
    if parts[0] not in PACKAGES:
        return None
    if parts[0] != "stream":
        return parts[0]
    return "floor" if len(parts) == 1 or parts[1] in FLOOR else "roof"


def imports_of(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every absolute module a file imports, with its line; `from a import b` gives `a.b` too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield "relative import", node.lineno
            elif node.module in PACKAGES:
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
            elif node.module is not None:
                yield node.module, node.lineno


def layer_faults(path: str, source: str) -> list[str]:
    """Import edges of a file that the table forbids, one text each."""
    own = layer_of(path.removesuffix(".py").replace("/", "."))
    faults = []
    for module, line in imports_of(ast.parse(source)):
        target = layer_of(module)
        if module == "relative import":
            faults.append(f"{path}:{line}: relative import")
        elif own is not None and target is not None and target not in ALLOWED[own]:
            faults.append(f"{path}:{line}: {own} must not import {module} ({target})")
        elif module.split(".")[0] == "bytewax" and path not in BYTEWAX_FILES:
            faults.append(f"{path}:{line}: bytewax only in {sorted(BYTEWAX_FILES)}")
    return faults


def purity_faults(path: str, source: str) -> list[str]:
    """Uses of IO, clock, environment, logging or chance, one text each."""
    tree = ast.parse(source)
    faults = [
        f"{path}:{line}: imports {module}"
        for module, line in imports_of(tree)
        if module.split(".")[0] in IMPURE_MODULES
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in IMPURE_CALLS:
                faults.append(f"{path}:{node.lineno}: calls {node.func.id}")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            if f"{owner}.{node.attr}" in IMPURE_ATTRIBUTES:
                faults.append(f"{path}:{node.lineno}: uses {owner}.{node.attr}")
    return faults


def sources(package: str) -> list[tuple[str, str]]:
    """(path from the root, text) of every Python file of a package."""
    return [
        (path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / package).rglob("*.py"))
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_import_is_an_allowed_edge(package: str) -> None:
    files = sources(package)
    assert files
    assert [fault for path, text in files for fault in layer_faults(path, text)] == []


def test_the_operators_are_pure() -> None:
    files = sources("operators")
    assert [fault for path, text in files for fault in purity_faults(path, text)] == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("stream/events.py", "import stream.cli.main"),
        ("stream/settings/table.py", "from stream import replay"),
        ("operators/x.py", "import sinks.redis_keys"),
        ("operators/x.py", "def late() -> None:\n    from stream.dataflow import flow"),
        ("sinks/x.py", "from simulators.plan import SimulationPlan"),
        ("sinks/x.py", "from stream.supervisor import Child"),
        ("simulators/x.py", "import sinks"),
        ("stream/replay.py", "import bytewax.dataflow"),
        ("sinks/x.py", "from . import redis_keys"),
    ],
)
def test_a_forbidden_import_is_found(path: str, source: str) -> None:
    assert len(layer_faults(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("stream/cli/main.py", "import sinks.redis_keys, simulators.plan, operators.results"),
        ("operators/x.py", "from stream.errors import ConfigError\nimport numpy"),
        ("stream/dataflow.py", "import bytewax.dataflow"),
        ("sinks/x.py", "from stream import assets"),
    ],
)
def test_an_allowed_import_is_not_reported(path: str, source: str) -> None:
    assert layer_faults(path, source) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from random import Random",
        "import os.path",
        "import asyncio",
        "import logging",
        "from datetime import datetime\nnow = datetime.now()",
        "import datetime\nnow = datetime.datetime.now()",
        "import numpy as np\nx = np.random.default_rng(1)",
        "open('x')",
        "def f() -> None:\n    print(1)",
    ],
)
def test_an_impure_line_is_found(source: str) -> None:
    assert len(purity_faults("operators/bad.py", source)) == 1
