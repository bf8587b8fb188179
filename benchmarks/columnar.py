"""A Parquet recording against the same lines: up to the columns, and to all rows."""

import time
from pathlib import Path
from typing import Final

from benchmarks.engines import fold_pieces
from benchmarks.found import Found
from benchmarks.inputs import columnar as parquet_of
from benchmarks.inputs import recording, scaled
from benchmarks.measure import Figures, Row, column, in_turns, middle, ratios, thousands
from operators.columns import ColumnReader
from operators.intake import Record, RowsRecord, take_in
from operators.profiles import Names
from simulators.bulk_blocks import BulkPlan
from stream.errors import InvariantError
from stream.parquet.schema import arrow
from stream.replay import pieces

EVENTS: Final = scaled(500_000, 50_000)
PLAN: Final = BulkPlan(
    EVENTS, rooms=50, tenants=8, viewers=2_000, products=100, minutes=EVENTS // 50_000
)


def columns(path: str) -> Figures:
    """From the file to checked columns, nothing folded; the second time, with warm caches."""
    reader = ColumnReader(Names())
    figures: Figures = {}
    for _ in range(2):
        started = time.process_time()
        seen = 0
        for piece in pieces(Path(path), "auto", b"bench"):
            record = Record("", 0, piece) if isinstance(piece, bytes) else RowsRecord("", 0, piece)
            seen += take_in([record], reader).seen
        figures = {"cpu_s": time.process_time() - started, "events": seen}
    return figures


def replay(path: str) -> Figures:
    """From the file to all rows."""
    # Loading the library is start-up, which is not measured.
    arrow()
    return fold_pieces(pieces(Path(path), "auto", b"bench"))


def columnar(rounds: int) -> Found:
    """Parquet against our own JSON path."""
    lines, table = recording(PLAN), parquet_of(PLAN)
    found = in_turns(
        {
            f"{name} {kind}": (task, path)
            for name, task in (("columns", "columns"), ("rows", "replay"))
            for kind, path in (("json", lines), ("parquet", table))
        },
        rounds,
    )
    if (
        len({entry["digest"] for kind in ("json", "parquet") for entry in found[f"rows {kind}"]})
        > 1
    ):
        raise InvariantError("Parquet and NDJSON gave other rows")
    cpu = {name: column(entries, "cpu_s") for name, entries in found.items()}
    speed = {name: EVENTS / middle(values) for name, values in cpu.items()}
    best, worst = (EVENTS / pick(cpu["columns parquet"]) for pick in (min, max))
    rows = [
        Row(
            "Parquet → columns, against JSON → columns",
            thousands(speed["columns parquet"]),
            thousands(speed["columns json"]),
            ratios(cpu["columns json"], cpu["columns parquet"]),
            3.0,
        ),
        Row(
            "Parquet → columns, events/s of one core",
            f"{thousands(speed['columns parquet'])} ({worst / 1e3:,.0f}–{best / 1e3:,.0f})",
            "",
            None,
            2e6,
            speed["columns parquet"],
            unit="events/s",
        ),
        Row(
            "replay of Parquet → rows out, whole catalogue, against JSON",
            thousands(speed["rows parquet"]),
            thousands(speed["rows json"]),
            ratios(cpu["rows json"], cpu["rows parquet"]),
            3.0,
        ),
    ]
    fold_us = 1e6 / speed["rows parquet"] - 1e6 / speed["columns parquet"]
    sizes = [path.stat().st_size / EVENTS for path in (lines, table)]
    words = [
        f"{EVENTS:,} events, {sizes[0]:.0f} B an event as NDJSON, {sizes[1]:.0f} B as Parquet "
        "(zstd). Both sides gave the same rows, byte for byte. The fold bounds the whole replay: "
        f"{fold_us:.2f} µs an event are the same for both, {1e6 / speed['columns json']:.2f} µs "
        f"of JSON become {1e6 / speed['columns parquet']:.2f}; were reading free, the ratio would "
        f"be {1e6 / speed['rows json'] / fold_us:.2f} ×."
    ]
    return Found(rows, words)
