"""docs/add-a-metric.md, carried out on a copy of the code."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs/add-a-metric.md"
NAME: Final = "gifts_per_viewer"
LOG: Final = "calm", 2


def blocks() -> list[str]:
    """Return the Python blocks of the page: the entry, then the second definition."""
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def put(path: Path, block: str, before: str) -> None:
    """Insert a block before the last place of a text."""
    text = path.read_text(encoding="utf-8")
    at = text.rindex(before)
    path.write_text(text[:at] + block + text[at:], encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the code with the blocks of the page in it."""
    folder = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("stream", "operators", "sinks", "simulators", "tests/operators", "tests/stream"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("pyproject.toml", "tests/__init__.py"):
        shutil.copy(ROOT / name, folder / name)
    entry, definition = blocks()
    put(folder / "operators/catalogue/traffic.py", entry, ")\n")
    put(folder / "stream/oracle/measures.py", definition, '}\n"""Metric name to its definition')
    return folder


def run(copy: Path, *arguments: str) -> str:
    """Run Python in the copy; its output."""
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_catalogue_and_its_page_have_the_metric(copy: Path) -> None:
    told = json.loads(run(copy, "stream.cli", "metrics", "--json"))
    (entry,) = (metric for metric in told["metrics"] if metric["name"] == NAME)
    assert (entry["num"], entry["den"], entry["unit"]) == ("gifts", "viewers", "times")
    run(copy, "stream.cli", "docs")
    assert f"| `{NAME}` |" in (copy / "docs/metrics.md").read_text(encoding="utf-8")


def test_rows_have_its_value_and_the_oracle_agrees(copy: Path) -> None:
    scenario, minutes = LOG
    size = ("--scenario", scenario, "--minutes", str(minutes), "--rate", "20")
    run(copy, "stream.cli", "simulate", *size, "--out", "recording.ndjson")
    run(copy, "stream.cli", "replay", "recording.ndjson", "--results", "out.ndjson")
    rows = [json.loads(line) for line in (copy / "out.ndjson").read_text().splitlines()]
    values = {
        (row["dimension"], row["window"]): row["metrics"][NAME]
        for row in rows
        if row["kind"] == "metric" and NAME in row["metrics"]
    }
    assert {window for _, window in values} == {"session", "1m", "r1", "r5", "r10"}
    assert values["room", "session"]["num"] > 0
    assert " 0 mismatches" in run(copy, "stream.cli", "verify", "recording.ndjson")


def test_the_property_tests_run_for_it(copy: Path) -> None:
    out = run(copy, "pytest", "tests/operators/test_plan.py", "-v", "-k", NAME)
    passed = re.search(r"(\d+) passed", out)
    assert passed is not None
    assert int(passed[1]) >= 2
