"""The rows of the table, section by section. Each measures and says what it found."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.found import Found
from benchmarks.inputs import recording, scaled
from benchmarks.inside import FULL_EVERY
from benchmarks.measure import Row, column, in_turns, middle, ratios, run_child, thousands
from benchmarks.plot import bars
from simulators.bulk_blocks import BulkPlan

RATE_EVENTS: Final = scaled(200_000)
RATE: Final = BulkPlan(
    RATE_EVENTS,
    rooms=50,
    tenants=8,
    viewers=2_000,
    products=100,
    minutes=max(1, RATE_EVENTS // 50_000),
)
"""17 events/s a room; a viewer meets a room about twice in the four minutes."""


def rate(rounds: int) -> Found:
    """JSON in, all rows out, against the naive flow."""
    path = recording(RATE)
    found = in_turns(
        {
            "first": ("fold", "first", path),
            "naive": ("naive", "room", path),
            "whole": ("fold", "whole", path),
            "naive by all": ("naive", "all", path),
        },
        rounds,
    )
    cpu = {name: column(entries, "cpu_s") for name, entries in found.items()}
    speed = {name: thousands(RATE_EVENTS / middle(values)) for name, values in cpu.items()}
    rows = [
        Row(
            f"{title}, against {peer_title}",
            speed[ours],
            speed[peer],
            ratios(cpu[peer], cpu[ours]),
            goal,
        )
        for ours, title, goal in (
            ("first", "JSON in → rows out, first catalogue", 10.0),
            ("whole", "JSON in → rows out, whole catalogue", 6.0),
        )
        for peer, peer_title in (
            ("naive", "naive Bytewax by room only"),
            ("naive by all", "naive Bytewax by the same splits"),
        )
    ]
    made = {name: int(entries[0]["rows"]) for name, entries in found.items()}
    words = [
        f"Rows made from the {RATE_EVENTS:,} events: first catalogue {made['first']:,}, whole "
        f"{made['whole']:,}; naive by room {made['naive']:,} of 6 figures, by all splits "
        f"{made['naive by all']:,}. The naive flow has one window (1 minute) and counts, sums and "
        "sets; ours has five windows, exact presence by the second, boards, stock, dedupe and "
        "revisions in either catalogue."
    ]
    return Found(rows, words)


def weights(rounds: int) -> Found:
    """Bytes of state."""
    plan = BulkPlan(
        RATE_EVENTS, rooms=50, tenants=8, viewers=scaled(100_000), products=100, minutes=4
    )
    path = recording(plan)
    idle = run_child("idle", 1_000)
    held = run_child("memory", "whole", path)
    rows = [
        Row(
            "bytes an idle room",
            f"{idle['bytes_per_room']:,.0f} B",
            "",
            None,
            4_096,
            idle["bytes_per_room"],
            True,
            "B",
            "traced",
        ),
        Row(
            "bytes a (cell, measure, viewer)",
            f"{held['bytes_per_mark']:.0f} B",
            "",
            None,
            40,
            held["bytes_per_mark"],
            True,
            "B",
            "array capacity",
        ),
        Row(
            "bytes a distinct viewer, its marks and presences included",
            f"{held['bytes_per_viewer_in_all']:.0f} B",
            "",
            None,
            320,
            held["bytes_per_viewer_in_all"],
            True,
            "B",
            "array capacity",
        ),
    ]
    words = [
        f"Memory: {held['viewers']:,.0f} viewers seen in {held['presences']:,.0f} (room, viewer) "
        f"pairs made {held['marks']:,.0f} marks, {held['marks_per_viewer']:.1f} a viewer; without "
        f"them a viewer takes {held['bytes_per_viewer']:,.0f} B (everything traced by "
        f"tracemalloc, over viewers: {held['traced_per_viewer']:,.0f} B). Per mark and viewer: "
        "bytes of the arrays as allocated, growth reserve included. Per room: tracemalloc, 1,000 "
        "live rooms without an event, after a beat and a flush."
    ]
    return Found(rows, words, once=True)


def live(rounds: int) -> Found:
    """The batch of the live rhythm."""
    path = recording(RATE)
    sides = {p: ("batch", path, p) for p in ("whole", "first")}
    found = in_turns({**sides, "watched": ("batch", path, "whole", "3")}, rounds)
    ms = {
        f"{plan} {name}": middle(column(entries, f"{name}_ms"))
        for plan, entries in found.items()
        for name in ("quick", "full", "step", "beat", "mean")
    }
    rows = [
        Row(
            f"250 events: step + {what}, whole catalogue{seen}, {how}",
            f"{middle(values):.2f} ms ({min(values):.2f}–{max(values):.2f})",
            "",
            None,
            1.0,
            middle(values),
            at_most=True,
            unit="ms",
        )
        for side, seen in (("whole", ""), ("watched", ", readers on 3 of 50 rooms"))
        for what, how, values in (
            ("quick flush", "median", column(found[side], "quick_ms")),
            ("flush, beats", "mean", column(found[side], "mean_ms")),
        )
    ]
    words = [
        f"A batch of 250 events of 50 rooms, CPU: `step` alone {ms['whole step']:.2f} ms; with the "
        f"full flush that every {FULL_EVERY}th batch has instead {ms['whole full']:.1f} ms; with a "
        f"beat in it (every 5 s) {ms['whole beat']:.1f} ms. A quick flush says "
        f"{middle(column(found['whole'], 'quick_fields')):,.0f} changed fields, a full one "
        f"{middle(column(found['whole'], 'full_fields')):,.0f}. First catalogue: "
        f"{ms['first quick']:.2f} ms, full {ms['first full']:.1f} ms, beat "
        f"{ms['first beat']:.1f} ms. With readers on three rooms a quick flush says "
        f"{middle(column(found['watched'], 'quick_fields')):,.0f} fields, with `step` in "
        f"{ms['watched quick']:.2f} ms, a full one {ms['watched full']:.1f} ms. `liveroom run` "
        "gives flushes half of its time at most."
    ]
    return Found(rows, words)


def redis(rounds: int) -> Found:
    """Our log writer and reader against redis-benchmark."""
    found = in_turns({"write to": ("redis_write",), "read from": ("redis_read",)}, rounds)
    rows = []
    for name, entries in found.items():
        ours, peer = column(entries, "ours_per_s"), column(entries, "peer_per_s")
        rows.append(
            Row(
                f"{name} Redis, 4 KB entries",
                thousands(middle(ours)),
                f"redis-benchmark -P 16, {thousands(middle(peer))}",
                ratios(ours, peer),
                0.5,
                note="wall clock",
            )
        )
    return Found(rows, [])


def snapshots(rounds: int) -> Found:
    """Freeze and thaw of much state."""
    plan = BulkPlan(
        scaled(300_000), rooms=1_000, tenants=8, viewers=scaled(1_000_000), products=100, minutes=2
    )
    found = run_child("snapshot", recording(plan))
    words = [
        f"Snapshot of {found['viewers']:,.0f} viewers in {found['rooms']:,.0f} rooms with "
        f"{found['marks']:,.0f} marks: {found['bytes'] / 1e6:,.0f} MB, freeze "
        f"{found['freeze_s'] * 1e3:,.0f} ms of CPU (median of 3), thaw "
        f"{found['thaw_s'] * 1e3:,.0f} ms."
    ]
    return Found([], words, once=True)


STAGES: Final = ("parse", "decode", "columns", "fold", "rows")


def split(rounds: int) -> Found:
    """Where one event's time goes."""
    path = recording(RATE)
    both = in_turns({"stages": ("stages", path), "naive": ("naive", "room", path)}, rounds)
    found = both["stages"]
    naive = middle(column(both["naive"], "cpu_s")) / RATE_EVENTS * 1e6
    events = found[0]["events"]
    until = {name: middle(column(found, name)) / events * 1e6 for name in STAGES}
    before = 0.0
    own: dict[str, float] = {}
    for name in STAGES:
        own[name] = max(0.0, until[name] - before)
        before = until[name]
    labels = {
        "parse": "msgspec parser",
        "decode": "line checks",
        "columns": "columns",
        "fold": "fold, beats",
        "rows": "row JSON",
    }
    lines = ["| stage | µs an event | share |", "|---|---|---|"]
    lines += [f"| {labels[n]} | {t:.2f} | {t / before:.0%} |" for n, t in own.items()]
    scan = middle(column(found, "scan")) / events * 1e6
    gb_s = found[0]["bytes"] / middle(column(found, "scan")) / 1e9
    words = [
        "Where one event's time goes (whole catalogue, CPU, each stage by itself over the same "
        "input and subtracted from the next):\n\n" + "\n".join(lines),
        f"Reading the bytes once (`bytes.count`): {scan:.3f} µs an event, {gb_s:.1f} GB/s; the "
        f"parser alone {until['parse']:.2f} µs; all {until['rows']:.2f} µs, "
        f"{until['rows'] / until['parse']:.0f} × the parser.",
        f"What bounds the goals of the first rows: naive Bytewax by room takes {naive:.2f} µs an "
        f"event; our parser and columns {until['columns']:.2f} µs before any fold: were the rest "
        f"free, the ratio would be {naive / until['columns']:.1f} ×. Most of the rest "
        "goes into rows: each minute a row for every product, channel, host, segment, campaign and "
        "platform of a room in which something was, a quarter of a row an event at 17 events a "
        "second a room; each has up to 60 metrics with numerator and denominator, made as Python "
        "dicts, and is about as long as six events. Of the same breadth, the dict-per-event flow "
        "pays for each split of each event, and that is where columns gain.",
    ]
    plots = {
        "stages.svg": bars(
            "Where one event's time goes", "µs", {labels[n]: t for n, t in own.items()}
        )
    }
    return Found([], words, plots)


SECTIONS: Final[dict[str, Callable[[int], Found]]] = {
    "rate": rate,
    "memory": weights,
    "live": live,
    "redis": redis,
    "snapshot": snapshots,
    "stages": split,
}


def load() -> float:
    """Load average of the last minute: what else the machine was doing."""
    return os.getloadavg()[0]


def folder() -> Path:
    """Where the page's plots and figures lie."""
    return Path(__file__).resolve().parent.parent / "docs" / "performance"
