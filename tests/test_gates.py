"""Each gate of `make lint` really fails on a file that must fail it."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
CONFIG: Final = str(ROOT / "pyproject.toml")
GOOD: Final = '"""A module."""\n\nANSWER: int = 42\n'

GATES: Final = {
    "ruff": ("ruff", "check", "--no-cache", "--config", CONFIG),
    "format": ("ruff", "format", "--check", "--no-cache", "--config", CONFIG),
    "mypy": ("mypy", "--config-file", CONFIG, "--cache-dir"),
}


def gate(name: str, path: Path) -> int:
    extra = [str(path.parent / "cache")] if name == "mypy" else []
    command = [sys.executable, "-m", *GATES[name], *extra, str(path)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ruff", '"""A module."""\n\nimport os\n'),
        ("ruff", "ANSWER: int = 42\n"),
        ("ruff", '"""A module."""\n\nprint(42)\n'),
        ("format", '"""A module."""\n\nANSWER = {  "a":1 }\n'),
        ("mypy", '"""A module."""\n\nANSWER: int = "42"\n'),
        ("mypy", '"""A module."""\n\n\ndef untyped(x):\n    """Doc."""\n    return x\n'),
    ],
)
def test_a_bad_file_fails_its_gate(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text(text, encoding="utf-8")
    assert gate(name, path) == 1


@pytest.mark.parametrize("name", sorted(GATES))
def test_a_good_file_passes(name: str, tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text(GOOD, encoding="utf-8")
    assert gate(name, path) == 0


def test_make_lint_runs_every_gate_over_code_and_tests() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in ("ruff check $(CODE)", "ruff format --check $(CODE)", "mypy $(CODE)"):
        assert command in recipe
    assert "CODE  := stream operators sinks simulators tests" in recipe
    assert "test: lint pytest" in recipe
