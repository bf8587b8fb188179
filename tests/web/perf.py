"""What the page costs, measured through the DevTools protocol: `python -m tests.web.perf`.

First useful paint (the GMV figure drawn; with an empty browser cache, and on a reload), share of
the main thread at four updates a second, and how long an operator's answer takes through the
real engine to another window. `--hour` instead: memory over an hour of updates, see
`tests.web.perf_hour`. Exits 1 when a bar is missed.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tests.web.conftest import ASSETS, CHROMIUM_ARGS, find_chromium
from tests.web.live import PLAN, Live, broadcast, draw_with_alert
from tests.web.perf_hour import SIZE, run
from tests.web.script import Script
from tests.web.stage import STATES, Stage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAINTS = 5
ANSWERS = 9
ANSWER_MS = 1_000
PAINT_MS = 1_000
THREAD_SHARE = 0.20


@dataclass(frozen=True)
class Figure:
    """One measured figure and its bar."""

    name: str
    value: float
    bar: float
    unit: str

    @property
    def good(self) -> bool:
        """Whether the bar is held."""
        return self.value <= self.bar

    def __str__(self) -> str:
        verdict = "ok" if self.good else "MISSED"
        return f"{self.name:<48} {self.value:>9.1f} {self.unit:<4} bar {self.bar:>7.1f}  {verdict}"


def first_paint(page: "Page", url: str) -> float:
    """Milliseconds from navigation to the painted GMV figure, on a fresh page."""
    page.goto("about:blank")
    page.add_init_script(
        """globalThis.usefulAt = undefined; new MutationObserver((_, watch) => {
          if (!/[0-9]/.test(document.querySelector(".hero-figure")?.textContent ?? "")) return;
          watch.disconnect();
          const drawn = () => { globalThis.usefulAt = performance.now(); };
          requestAnimationFrame(() => setTimeout(drawn));
        }).observe(document, { childList: true, subtree: true, characterData: true });"""
    )
    page.goto(url)
    page.wait_for_function("() => globalThis.usefulAt !== undefined")
    return float(page.evaluate("usefulAt"))


def first_visit(page: "Page", url: str) -> float:
    """As `first_paint`, in a browser context that has nothing in its cache."""
    browser = page.context.browser
    if browser is None:
        raise RuntimeError("the page has no browser")
    context = browser.new_context(viewport=page.viewport_size)
    try:
        return first_paint(context.new_page(), url)
    finally:
        context.close()


def paint_figure(which: str, paints: list[float]) -> Figure:
    """The median of some paints."""
    name = f"first useful paint, {which}, median of {len(paints)}"
    return Figure(name, statistics.median(paints), PAINT_MS, "ms")


def answers(live: Live, browser: "Browser", folder: Path) -> list[Figure]:
    """From a click in one console to the other's drawing, through log, engine and gateway."""
    url = live.url("/console", "rooms=t1/r1&lang=en")
    one, other = (browser.new_page(viewport=SIZE) for _ in range(2))
    for page in (one, other):
        page.goto(url)
    # Pages first: an alert that has been fed must be answered before the clocks part a minute.
    tape, at_ms, id_ = draw_with_alert(PLAN, folder)
    live.load(tape)
    live.play_to(at_ms)
    alert = f'[data-id="{id_}"]'
    for page in (one, other):
        page.wait_for_selector(f'{alert}[data-state="firing"]', timeout=60_000)
    other.evaluate(
        """(alert) => {
          const card = document.querySelector(alert);
          new MutationObserver(() => { globalThis.toldAt = Date.now(); })
            .observe(card, { attributeFilter: ["data-state"] });
        }""",
        alert,
    )
    took = []
    for method in list(STATES) * (ANSWERS // len(STATES)):
        clicked = one.evaluate(
            "(button) => { document.querySelector(button).click(); return Date.now(); }",
            f'{alert} [data-method="{method}"]',
        )
        other.wait_for_selector(f'{alert}[data-state="{STATES[method]}"]')
        took.append(float(other.evaluate("toldAt")) - clicked)
    for page in (one, other):
        page.close()
    return [
        Figure(f"an answer in another window, median of {len(took)}", statistics.median(took),
               ANSWER_MS, "ms"),
        Figure(f"an answer in another window, slowest of {len(took)}", max(took), ANSWER_MS, "ms"),
    ]  # fmt: skip


def thread_share(page: "Page", seconds: float) -> float:
    """Share of one core that the page's main thread takes, in CPU time.

    From a trace: the times of `Performance.getMetrics` go on while other processes of a busy
    machine have the core.
    """
    browser = page.context.browser
    if browser is None:
        raise RuntimeError("the page has no browser")
    browser.start_tracing(page=page, categories=["toplevel"])
    time.sleep(seconds)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event.get("name") == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    spent = sum(
        event.get("tdur", 0)
        for event in events
        if event["name"].endswith("::RunTask") and (event["pid"], event["tid"]) in mains
    )
    return float(spent / 1e6 / seconds)


def measure(stage: Stage, page: "Page", seconds: float) -> list[Figure]:
    """Paint and main thread, in the order a viewer meets them."""
    url = stage.url(rooms="t1/r1", lang="en")
    figures = [paint_figure("first visit", [first_visit(page, url) for _ in range(PAINTS)])]
    figures.append(paint_figure("reload", [first_paint(page, url) for _ in range(PAINTS)]))
    page.wait_for_function("() => document.querySelectorAll('canvas').length >= 3")
    tiles = page.locator(".tile").count()
    stage.play()
    time.sleep(2)
    share = 100 * thread_share(page, seconds)
    figures.append(
        Figure(f"main thread, 4 updates/s, {tiles} tiles", share, 100 * THREAD_SHARE, "%")
    )
    return figures


def main() -> int:
    """Measure and print; 0 when every bar is held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=15.0, help="how long the thread is watched"
    )
    parser.add_argument("--hour", action="store_true", help="memory over an hour of updates")
    parser.add_argument("--minutes", type=int, default=60, help="length of that hour")
    parser.add_argument(
        "--pace", type=float, default=8.0, help="how much faster than the wall it runs"
    )
    options = parser.parse_args()
    if options.hour:
        return 0 if run(options.minutes, options.pace) else 1
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as scratch,
        Stage(Path(folder), Script(3), ASSETS) as stage,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=list(CHROMIUM_ARGS)
        )
        figures = measure(stage, browser.new_page(viewport=SIZE), options.seconds)
        with broadcast(Path(scratch), ASSETS) as live:
            figures += answers(live, browser, Path(scratch))
        browser.close()
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    sys.stdout.write(
        "\n".join(map(str, figures)) + f"\n(load of this machine: {load:.1f} a core)\n"
    )
    return 0 if all(figure.good for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
