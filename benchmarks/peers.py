"""Sections whose peers are installed apart: `make bench-peers` makes `.peers`."""

import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

from benchmarks.inputs import recording
from benchmarks.measure import ROOT, Row, run_child, run_command, thousands
from benchmarks.sections import RATE, Found
from simulators.bulk_blocks import BulkPlan

PYTHON: Final = ROOT / ".peers" / "bin" / "python"
SMALL: Final = 200_000
LARGE: Final = 1_000_000


def _plan(events: int) -> BulkPlan:
    minutes = events // 50_000
    return BulkPlan(events, rooms=50, tenants=8, viewers=2_000, products=100, minutes=minutes)


def _flink_s(path: Path) -> float:
    with tempfile.TemporaryDirectory() as out:
        script = str(ROOT / "benchmarks" / "flink.py")
        return run_command([str(PYTHON), script, str(path), out], 900)["cpu_s"]


def _ours_s(path: Path) -> float:
    return run_child("fold", "query", path)["cpu_s"]


def flink(rounds: int) -> Found:
    """The same query as Flink SQL; rates are marginal, so that start-up does not count."""
    if not PYTHON.exists():
        return Found([], ["Flink was not measured: `make bench-peers` installs it first."])
    small, large = recording(_plan(SMALL)), recording(_plan(LARGE))
    rates: dict[str, list[float]] = {"ours": [], "flink": []}
    for _ in range(rounds):
        ours = _ours_s(large) - _ours_s(small)
        peer = _flink_s(large) - _flink_s(small)
        rates["ours"].append((LARGE - SMALL) / ours)
        rates["flink"].append((LARGE - SMALL) / peer)
    quotients = sorted(a / b for a, b in zip(rates["ours"], rates["flink"], strict=True))
    middles = {name: sorted(values)[len(values) // 2] for name, values in rates.items()}
    row = Row(
        "one query: tumbling conversion + product GMV",
        thousands(middles["ours"]),
        f"Flink SQL 2.2.1, {thousands(middles['flink'])} per core",
        (quotients[len(quotients) // 2], quotients[0], quotients[-1]),
        5.0,
        note=f"marginal, {SMALL:,} to {LARGE:,} events",
    )
    words = [
        "Flink: `benchmarks/flink.py`, parallelism 1, streaming mode; its CPU is that of the JVM "
        "with JIT and garbage collection; what the JIT spends late is in the marginal rate. Ours "
        "has a Plan of these figures alone but goes on with dedupe, presence, sessions, stock and "
        "boards, which the query does not ask for and a shard cannot leave out."
    ]
    return Found([row], words)


PROFILED: Final = 16


def profile(rounds: int) -> Found:
    """What py-spy sees of the whole catalogue: functions by inclusive share of samples."""
    spy = PYTHON.with_name("py-spy")
    if not spy.exists():
        return Found([], ["Not profiled: `make bench-peers` installs py-spy first."])
    path = recording(RATE)
    words = []
    for title, task in (
        ("JSON in → rows out", ["fold", "whole", str(path)]),
        ("batches of 250 events, step and flush", ["batch", str(path), "whole"]),
    ):
        with tempfile.TemporaryDirectory() as name:
            stacks = Path(name, "stacks")
            command = [str(spy), "record", "-r", "200", "-f", "raw", "-o", str(stacks), "--"]
            command += [sys.executable, "-m", "benchmarks.tasks", *task]
            subprocess.run(
                command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            top = _inclusive(stacks.read_text(encoding="utf-8"))
        lines = ["| function | share |", "|---|---|"]
        lines += [f"| `{name}` | {share:.1%} |" for name, share in top]
        words.append(f"py-spy, {title}, share of samples in or below a function:\n\n")
        words[-1] += "\n".join(lines)
    return Found([], words, once=True)


def _inclusive(stacks: str) -> list[tuple[str, float]]:
    """The functions of operators, sinks and stream seen most, of all samples below `main`."""
    seen: Counter[str] = Counter()
    total = 0
    for line in stacks.splitlines():
        frames, count = line.rsplit(" ", 1)
        if " main " not in frames and ";main " not in frames:
            continue
        total += int(count)
        names = {frame.rsplit(":", 1)[0] + ")" for frame in frames.split(";")}
        for name in names:
            if any(f"({part}/" in name for part in ("operators", "sinks", "stream")):
                seen[name] += int(count)
    return [(name, count / total) for name, count in seen.most_common(PROFILED)]
