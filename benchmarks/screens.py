"""Rows of the fan-out: its own benchmarks (`benchmarks.fanout`) run and read."""

import sys
from typing import Final

from benchmarks.found import Found
from benchmarks.inputs import QUICK
from benchmarks.measure import ROOT, Row, column, middle, ratios, run_command
from benchmarks.plot import growth

NODE_PATH: Final = ROOT / ".peers" / "node_modules"
CLIENTS: Final = 200 if QUICK else 2_000
SCREENS: Final = (20, 50) if QUICK else (100, 300, 1_000)
RATE: Final = 500 if QUICK else 20_000
ASKED: Final = RATE * 575 // 1_000
"""What the simulator is asked for: it counts what viewers do, and orders, cards, heartbeats and
gauges come on top; the remark says what really went in."""
P50_MS: Final = 150.0
P99_MS: Final = 300.0


def deliveries(rounds: int) -> Found:
    """CPU of the gateway per delivered frame, against three servers that only write."""
    command = [sys.executable, "-m", "benchmarks.fanout.cpu", "--json", "--rounds", "1"]
    command += ["--clients", str(CLIENTS), *(["--seconds", "1"] if QUICK else [])]
    if (NODE_PATH / "ws").exists():
        command += ["--node-path", str(NODE_PATH)]
    found = [run_command(command) for _ in range(rounds)]
    rows = []
    for peer, loop, goal in (
        ("bare transport.write (asyncio)", "asyncio", 1.1),
        ("bare transport.write (uvloop)", "uvloop", 1.1),
        ("websockets.broadcast (asyncio)", "asyncio", None),
        ("node ws", "asyncio", None),
    ):
        if peer not in found[0]:
            continue
        own, other = column(found, f"liveroom ({loop})"), column(found, peer)
        rows.append(
            Row(
                f"CPU of a delivery, gateway on {loop}",
                f"{middle(own):.1f} µs",
                f"{peer}, {middle(other):.1f} µs",
                ratios(own, other),
                goal,
                at_most=True,
                note=f"{CLIENTS:,} clients × 5 Hz × 500 B",
            )
        )
    return Found(rows)


def latency(rounds: int) -> Found:
    """From XADD of an event to the frame at a client, all processes real."""
    series: dict[str, list[tuple[float, float]]] = {"p50": [], "p99": [], "any_p99": []}
    found: list[dict[str, float]] = []
    for screens in SCREENS:
        command = [sys.executable, "-m", "benchmarks.fanout.latency", "--json"]
        command += ["--screens", str(screens), "--rate", str(ASKED)]
        command += ["--rooms", "5", "--seconds", "4"] if QUICK else []
        found = [run_command(command) for _ in range(1 if screens != SCREENS[-1] else rounds)]
        for name, line in series.items():
            line.append((float(screens), middle(column(found, name))))
    rows = []
    for name, goal in (("p50", P50_MS), ("p99", P99_MS)):
        values = column(found, name)
        rows.append(
            Row(
                f"event → client frame, {SCREENS[-1]:,} screens, {RATE:,} events/s, {name}",
                f"{middle(values):.0f} ms ({min(values):.0f}–{max(values):.0f})",
                "",
                None,
                goal,
                middle(values),
                at_most=True,
                unit="ms",
                note="wall clock",
            )
        )
    words = [
        "Event → frame: Redis, engine, gateway, simulator and screens share the cores of this "
        f"machine. {middle(column(found, 'events_per_s')):,.0f} events/s really went in; measured "
        f"on {middle(column(found, 'updates')):,.0f} updates: age of the newest event in a frame; "
        "of an event whichever it is, those that waited for the frame before "
        f"included: p50 {middle(column(found, 'any_p50')):,.0f}, p99 "
        f"{middle(column(found, 'any_p99')):,.0f} ms. CPU in the window: engine "
        f"{middle(column(found, 'engine_cpu_s')):.1f} s, gateway "
        f"{middle(column(found, 'gateway_cpu_s')):.1f} s."
    ]
    plots = {"growth-screens.svg": growth("Event → client frame", "screens", "ms", series)}
    return Found(rows, words, plots)
