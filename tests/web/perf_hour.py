"""An hour of updates on a page, packed: does its memory stay flat?

The clock of page, gateway grid and stage runs `pace` times as fast as that of the wall, so that
the page gets, merges and draws what it would in an hour: four updates a second of its own time,
drawn at its own rhythm. At each sample the feed is held and the garbage collected.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from playwright.sync_api import sync_playwright

from sinks.gateway import gateway
from sinks.gateway.protocol import GRID_MS
from tests.web.conftest import ASSETS, CHROMIUM_ARGS, find_chromium
from tests.web.script import Patches, Script
from tests.web.script_cast import alert
from tests.web.stage import Stage

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page, ViewportSize

SIZE: "ViewportSize" = {"width": 1920, "height": 1080}
UPDATES_A_SECOND = 4
WARM_MIN = 10
"""Until then charts, caches and the compiler's code settle."""
SAMPLE_MIN = 5
GROWTH = 0.10
CAME = 0.8
"""So much of what is fed must come one by one: a busy machine merges some."""
SETTLE_S = 0.5
COUNTS = {"heap_mb": "JSHeapUsedSize", "nodes": "Nodes", "listeners": "JSEventListeners"}

FAST_CLOCK = """(pace) => {
  const real = {
    now: performance.now.bind(performance), date: Date.now,
    later: setTimeout.bind(globalThis), every: setInterval.bind(globalThis),
  };
  const [zero, began] = [real.date(), real.now()];
  Object.assign(globalThis, { updates: 0, draws: 0 });
  performance.now = () => began + (real.now() - began) * pace;
  Date.now = () => zero + (real.date() - zero) * pace;
  globalThis.setTimeout = (act, ms = 0, ...rest) => real.later(act, ms / pace, ...rest);
  globalThis.setInterval = (act, ms = 0, ...rest) => real.every(() => {
    if (ms === 250) draws += 1;
    act(...rest);
  }, ms / pace);
  globalThis.WebSocket = class extends WebSocket {
    constructor(...of) {
      super(...of);
      this.addEventListener("message", ({ data }) => {
        if (data.includes('"upd"') && data.includes('"room:t1/r1"')) updates += 1;
      });
    }
  };
}"""


@dataclass(frozen=True)
class Sample:
    """What the page held after so many minutes of its own time."""

    minute: int
    heap_mb: float
    nodes: float
    listeners: float
    updates: int
    draws: int

    def __str__(self) -> str:
        return (
            f"{self.minute:>6} {self.heap_mb:>8.2f} {self.nodes:>7.0f} {self.listeners:>9.0f}"
            f" {self.updates:>8} {self.draws:>7}"
        )


HEAD = "minute  heap MB   nodes listeners  updates   draws"


@contextmanager
def fast_gateway(pace: float) -> Iterator[None]:
    """Let the gateways of this process write `pace` times as often."""
    vars(gateway)["GRID_MS"] = GRID_MS / pace
    try:
        yield
    finally:
        vars(gateway)["GRID_MS"] = GRID_MS


def quarters(patches: Patches) -> list[Patches]:
    """A second's changes as four updates: every fourth field of each channel, each in one."""
    parts: list[Patches] = [{} for _ in range(UPDATES_A_SECOND)]
    for channel, fields in patches.items():
        for place, (name, value) in enumerate(fields.items()):
            parts[place % UPDATES_A_SECOND].setdefault(channel, {})[name] = value
    return parts


def sample(session: "CDPSession", page: "Page", minute: int) -> Sample:
    """Count what is left after a collection."""
    time.sleep(SETTLE_S)
    session.send("HeapProfiler.collectGarbage")
    told = session.send("Performance.getMetrics")["metrics"]
    metrics = {one["name"]: float(one["value"]) for one in told}
    heap, nodes, listeners = (metrics[name] for name in COUNTS.values())
    updates, draws = page.evaluate("[updates, draws]")
    return Sample(minute, heap / 1e6, nodes, listeners, updates, draws)


def play(stage: Stage, minutes: int, pace: float) -> Iterator[int]:
    """Feed minute by minute at the pace; an alert comes or goes each minute."""
    pause_s = 1 / (UPDATES_A_SECOND * pace)
    for minute in range(1, minutes + 1):
        state = "firing" if minute % 2 else "resolved"
        stage.alert(alert("traffic_drop", f"r1/{(minute + 1) // 2}", state=state))
        due_s = time.monotonic()
        for _ in range(60):
            for part in quarters(stage.script.advance(1)):
                stage.publish(part)
                # Who is late goes on from there: updates in a burst would be merged.
                due_s = max(due_s + pause_s, time.monotonic() - pause_s)
                time.sleep(max(0.0, due_s - time.monotonic()))
        yield minute


def measure(stage: Stage, page: "Page", minutes: int, pace: float) -> list[Sample]:
    """Samples of a page that is open for so long; printed as they come."""
    page.add_init_script(f"({FAST_CLOCK})({pace:g})")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    page.goto(stage.url(rooms="t1/r1", lang="en"))
    page.wait_for_function("() => document.querySelectorAll('canvas').length >= 3")
    sys.stdout.write(HEAD + "\n")
    samples: list[Sample] = []
    for minute in play(stage, minutes, pace):
        if minute % SAMPLE_MIN == 0:
            samples.append(sample(session, page, minute))
            sys.stdout.write(f"{samples[-1]}\n")
            sys.stdout.flush()
    return samples


def verdicts(samples: list[Sample]) -> list[tuple[str, bool]]:
    """A line for each count: its slope and growth since the warm-up, and whether it is flat."""
    warm = [one for one in samples if one.minute >= WARM_MIN]
    lines = []
    for name in COUNTS:
        values = np.array([getattr(one, name) for one in warm])
        hours = np.array([one.minute for one in warm]) / 60
        slope = float(np.polyfit(hours, values, 1)[0])
        growth = float(values[-1] / values[0] - 1)
        good = growth <= GROWTH
        verdict = "ok" if good else "MISSED"
        lines.append(
            (
                f"{name:<10} {values[0]:>9.2f} -> {values[-1]:>9.2f}  {slope:>+9.2f} an hour"
                f"  {100 * growth:>+6.1f} %  bar {100 * GROWTH:.0f} %  {verdict}",
                good,
            )
        )
    return lines


def run(minutes: int, pace: float) -> bool:
    """Measure and print; whether all counts are flat and the updates came."""
    with (
        tempfile.TemporaryDirectory() as folder,
        fast_gateway(pace),
        Stage(Path(folder), Script(3), ASSETS, pace) as stage,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=list(CHROMIUM_ARGS)
        )
        began_s = time.monotonic()
        samples = measure(stage, browser.new_page(viewport=SIZE), minutes, pace)
        took_s = time.monotonic() - began_s
        browser.close()
    fed = minutes * 60 * UPDATES_A_SECOND
    last = samples[-1]
    came = last.updates >= CAME * fed
    sys.stdout.write(
        f"{fed} updates fed in {took_s:.0f} s, {last.updates} came to the page one by one,"
        f" {last.draws} drawings  {'ok' if came else 'MISSED: too many were merged'}\n"
    )
    lines = verdicts(samples)
    sys.stdout.writelines(f"{line}\n" for line, _ in lines)
    return came and all(good for _, good in lines)
