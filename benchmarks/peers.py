"""Sections whose peers are installed apart: `make bench-peers` makes `.peers`."""

import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.found import Found
from benchmarks.inputs import recording, scaled
from benchmarks.measure import ROOT, Row, middle, ratios, run_child, run_command, thousands
from simulators.bulk_blocks import BulkPlan

PYTHON: Final = ROOT / ".peers" / "bin" / "python"
PATHWAY: Final = ROOT / ".peers" / "pathway" / "bin" / "python"
SMALL: Final = scaled(200_000)
LARGE: Final = scaled(1_000_000)


def _plan(events: int) -> BulkPlan:
    minutes = max(1, events // 50_000)
    return BulkPlan(events, rooms=50, tenants=8, viewers=2_000, products=100, minutes=minutes)


def _ours_s(path: Path) -> float:
    return run_child("fold", "query", path)["cpu_s"]


def flink(rounds: int) -> Found:
    """The same query as Flink SQL."""
    if not PYTHON.exists():
        return Found([], ["Flink was not measured: `make bench-peers` installs it first."])
    command = [str(PYTHON), str(ROOT / "benchmarks" / "flink.py")]
    found = _beside(rounds, "Flink SQL 2.2.1", command, 5.0)
    found.words.append(
        "Flink: `benchmarks/flink.py`, parallelism 1, streaming mode; its CPU is that of the JVM "
        "with JIT and garbage collection; what the JIT spends late is in the marginal rate. Ours "
        "has a Plan of these figures alone and leaves out boards, terms, stock and alerts; it goes "
        "on with exact dedupe, sessions, the order ledger and the checks of every line, which the "
        "query does not ask for and a shard cannot leave out."
    )
    return found


def pathway(rounds: int) -> Found:
    """The same query in Pathway."""
    if not PATHWAY.exists():
        return Found([], ["Pathway was not measured: `make bench-peers` installs it first."])
    command = [str(PATHWAY), str(ROOT / "benchmarks" / "pathway_query.py")]
    found = _beside(rounds, "Pathway 0.33.0", command, None)
    found.words.append(
        "Pathway: `benchmarks/pathway_query.py`, one thread, the file as a static input; minutes "
        "are a column and not a temporal window, so it keeps no clock and forgets nothing."
    )
    return found


def duckdb(rounds: int) -> Found:
    """The same query in DuckDB, as one batch."""
    command = [sys.executable, "-m", "benchmarks.duckdb_query"]
    found = _beside(rounds, "DuckDB, batch, one thread", command, None)
    found.words.append(
        "DuckDB: `benchmarks/duckdb_query.py` sees the whole file at once and keeps no state for "
        "the next event: not a stream, a lower bound of what the query costs."
    )
    return found


def _beside(rounds: int, title: str, command: list[str], goal: float | None) -> Found:
    """Marginal rates of both between two sizes, so that start-up does not count."""
    small, large = (recording(_plan(events)) for events in (SMALL, LARGE))
    rates: dict[str, list[float]] = {"ours": [], "peer": []}
    for _ in range(rounds):
        ours = _ours_s(large) - _ours_s(small)
        peer = _peer_s(command, large) - _peer_s(command, small)
        rates["ours"].append((LARGE - SMALL) / ours)
        rates["peer"].append((LARGE - SMALL) / peer)
    row = Row(
        "one query: tumbling conversion + product GMV",
        thousands(middle(rates["ours"])),
        f"{title}, {thousands(middle(rates['peer']))} per core",
        ratios(rates["ours"], rates["peer"]),
        goal,
        note=f"marginal, {SMALL:,} to {LARGE:,} events",
    )
    return Found([row])


def _peer_s(command: list[str], path: Path) -> float:
    with tempfile.TemporaryDirectory() as out:
        return run_command([*command, str(path), out], 900)["cpu_s"]
