"""The time machine: the pages over a recording, with a bar to pause, change speed and jump."""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from sinks.client import LiveroomClient, RpcError, Subscription
from tests.web.conftest import ASSETS, OpenPage
from tests.web.figures import count, percent, yuan
from tests.web.misfits import misfits

pytestmark = [pytest.mark.browser, pytest.mark.redis, pytest.mark.slow]

LIVEROOM = str(Path(sys.executable).with_name("liveroom"))
SIMULATE = "--scenario stock_out --rooms 2 --minutes 14 --rate 30 --seed 5 --disorder"
SPELL = {"minor": yuan, "count": count, "ratio": percent}
MINUTE_MS = 60_000
TICK = b'"type":"tick"'
SUMMARY = r"(\d+) events in \S+ s = (\d+) accepted \+ (\d+) duplicates \+ (\d+) dead letters"


@dataclass
class Machine:
    """A recording that is served, and what a replay of its beginning comes to."""

    recording: Path
    url: str
    token: str
    known: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    def page(self, path: str, query: str) -> str:
        return f"{self.url}{path}?{query}#token={self.token}"

    @property
    def ticks(self) -> list[int]:
        raw = self.recording.read_bytes().splitlines()
        return [json.loads(line)["event_time_ms"] for line in raw if TICK in line]

    def until(self, at_ms: int) -> list[dict[str, Any]]:
        """Rows of `liveroom replay` over the recording up to its last tick until `at_ms`."""
        if at_ms not in self.known:
            self.known[at_ms] = self._replay(at_ms)
        return self.known[at_ms]

    def _replay(self, at_ms: int) -> list[dict[str, Any]]:
        kept: list[bytes] = []
        waiting: list[bytes] = []  # what follows the last tick belongs to the recording's end
        for raw in self.recording.read_bytes().splitlines(keepends=True):
            waiting.append(raw)
            if TICK in raw:
                if json.loads(raw)["event_time_ms"] > at_ms:
                    break
                kept, waiting = [*kept, *waiting], []
        else:
            kept += waiting
        cut = self.recording.with_name(f"until-{at_ms}.ndjson")
        cut.write_bytes(b"".join(kept))
        made = subprocess.run(
            [LIVEROOM, "replay", str(cut), "--results", "-"],
            check=True,
            capture_output=True,
            timeout=240,
        )
        return [json.loads(line) for line in made.stdout.splitlines()]

    def session(self, room: str, at_ms: int) -> dict[str, Any]:
        """Session figures of a room, as last revised."""
        rows = [
            row
            for row in self.until(at_ms)
            if row["kind"] == "metric"
            and (row["dimension"], row["window"], row["room_id"]) == ("room", "session", room)
        ]
        found: dict[str, Any] = max(rows, key=lambda row: row["revision"])["metrics"]
        return found


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("machine")
    recording = folder / "recording.ndjson"
    subprocess.run(
        [LIVEROOM, "simulate", *SIMULATE.split(), "--out", str(recording)], check=True, timeout=240
    )
    command = [LIVEROOM, "replay", str(recording), "--serve", "--speed", "1"]
    if ASSETS is not None:
        command += ["--assets-dir", str(ASSETS)]
    served = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=folder)
    assert served.stderr is not None
    try:
        line = next(text for text in served.stderr if text.startswith("console"))
        address, token = line.split()[1].split("/console#token=")
        yield Machine(recording, address, token)
    finally:
        served.terminate()
        assert served.wait(20) == 0
        said = served.stderr.read()
        served.stderr.close()
        counts = re.search(SUMMARY, said)
        assert counts is not None, said
        told, *parts = map(int, counts.groups())
        assert told == sum(parts)
        assert told > 0


@pytest.fixture
def console(machine: Machine, open_page: OpenPage) -> Page:
    """The console of one room, the tape held in its third minute."""
    page = open_page(machine.page("/console", "rooms=t1/r1&lang=en")).page
    hold(page)
    seek(page, machine.ticks[0] + 3 * MINUTE_MS)
    return page


def hold(page: Page) -> None:
    bar = page.get_by_role("region", name="Replay")
    expect(bar).to_be_visible()
    expect(bar.locator(".replay-time")).to_contain_text(re.compile(r"^\d"))
    if bar.get_attribute("data-state") == "playing":
        bar.get_by_role("button", name="Pause").click()
    expect(bar).not_to_have_attribute("data-state", "playing")


def clock(page: Page, at_ms: int) -> str:
    return str(page.evaluate("(ms) => new Date(ms).toTimeString().slice(0, 8)", at_ms))


def now(page: Page) -> str:
    return page.locator(".replay-time").inner_text().split(" / ")[0]


def seek(page: Page, at_ms: int) -> int:
    """Jump to the minute that `at_ms` lies in; which one, ms."""
    minute = at_ms // MINUTE_MS * MINUTE_MS
    page.get_by_role("slider").fill(str(minute))
    page.wait_for_function(
        """(text) => document.querySelector(".replay-time").textContent.startsWith(text)
          && document.querySelector(".replay-note").textContent === "" """,
        arg=clock(page, minute),
    )
    return minute


def shown(page: Page) -> dict[str, str]:
    """Session figures of the console, as text by metric."""
    found: dict[str, str] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("[data-metric]")]
          .map((row) => [row.dataset.metric, row.querySelector("dd").textContent]))"""
    )
    return found


def expected(page: Page, truth: dict[str, Any]) -> dict[str, str]:
    units = {metric["name"]: metric["unit"] for metric in page.evaluate(CATALOGUE)["metrics"]}
    return {
        name: SPELL[units[name]](value)
        for name, value in truth.items()
        # A plain figure without data has no field on the wire, and so no row.
        if value is not None
        and units.get(name) in SPELL
        # These go on with time alone; a replay that ends there has let it pass.
        and name not in ("online_now", "active_online", "silent_online", "retention_30s")
        and isinstance(value, dict) == (units[name] == "ratio")
    }


CATALOGUE = "async () => (await fetch('/api/catalogue')).json()"


def test_a_jump_to_a_minute_shows_what_a_replay_until_then_comes_to(
    machine: Machine, console: Page
) -> None:
    for minutes in (8, 2, 5):
        at_ms = seek(console, machine.ticks[0] + minutes * MINUTE_MS)
        truth = expected(console, machine.session("r1", at_ms))
        assert len(truth) > 20
        console.wait_for_function(
            "([name, text]) => document.querySelector(`[data-metric=${name}] dd`)"
            "?.textContent === text",
            arg=["gmv_paid", truth["gmv_paid"]],
        )
        figures = shown(console)
        assert {name: figures.get(name) for name in truth} == truth


def test_a_jump_shows_no_figure_of_neither_place(machine: Machine, open_page: OpenPage) -> None:
    page = open_page(machine.page("/screen", "rooms=t1/r1&lang=en"), reduced=False).page
    hold(page)
    start = machine.ticks[0]
    places = [seek(page, start + minutes * MINUTE_MS) for minutes in (2, 8)]
    figures = {yuan(machine.session("r1", at_ms)["gmv_paid"]) for at_ms in places}
    page.evaluate(
        """() => {
          globalThis.seen = new Set();
          const look = () => seen.add(document.querySelector(".hero-figure").textContent);
          new MutationObserver(look).observe(document.querySelector(".hero-figure"),
            { childList: true, subtree: true, characterData: true });
          look();
        }"""
    )
    for at_ms in (*places, *places):
        seek(page, at_ms)
        expect(page.locator(".hero-figure")).to_have_text(
            yuan(machine.session("r1", at_ms)["gmv_paid"])
        )
    # A channel that was emptied and not yet written shows "no data".
    assert set(page.evaluate("[...seen]")) <= figures | {"–"}


def test_nobody_can_press_play_while_nothing_is_known_of_the_tape(console: Page) -> None:
    """The bar as it is drawn while a jump has emptied its channel: too short to be caught."""
    disabled = console.evaluate(
        """async () => {
          const { replayBar } = await import("/assets/replay.js");
          const known = new Map();
          const store = { get: (channel, name) => known.get(name) ?? null, fields: () => known };
          const feed = { replay: "replay", maySteer: true, steer: async () => {} };
          const bar = replayBar({ t: (text) => text, lang: "en", feed, store });
          const seen = {};
          for (const state of [null, "playing", "paused", "ended"]) {
            known.set("state", state);
            bar.update();
            seen[state] = bar.element.querySelector(".replay-play").disabled;
          }
          return seen;
        }"""
    )
    assert disabled == {"null": True, "playing": False, "paused": False, "ended": True}


def test_pause_stops_whatever_the_speed(machine: Machine, console: Page) -> None:
    stood = now(console)
    figures = shown(console)
    for speed in ("max", "60×"):
        button = console.get_by_role("button", name=speed, exact=True)
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
    assert now(console) == stood
    assert shown(console) == figures
    expect(console.locator(".fresh")).to_contain_text("Replay paused")
    expect(console.locator(".head .status")).to_have_text("Replay")


def test_speed_and_play_and_the_end(machine: Machine, console: Page) -> None:
    start = machine.ticks[0]
    console.get_by_role("button", name="16×", exact=True).click()
    began_s = time.monotonic()
    console.get_by_role("button", name="Play").click()
    goal = clock(console, start + 5 * MINUTE_MS)
    console.wait_for_function(
        """(goal) => {
          const now = document.querySelector(".replay-time").textContent.slice(0, 8);
          return /^[0-9:]{8}$/.test(now) && now >= goal;
        }""",
        arg=goal,
        timeout=90_000,
    )
    assert time.monotonic() - began_s < 2 * 60, "two recorded minutes at 16×"
    expect(console.locator(".fresh")).to_contain_text("Data age")
    console.get_by_role("button", name="max", exact=True).click()
    bar = console.get_by_role("region", name="Replay")
    expect(bar).to_have_attribute("data-state", "ended", timeout=180_000)
    truth = expected(console, machine.session("r1", machine.ticks[-1]))
    figures = shown(console)
    assert {name: figures.get(name) for name in truth} == truth


def alert_times(choice: Locator) -> tuple[int, int]:
    """Times of the first two alerts to jump to that do not come together."""
    # The tape is searched while it stands: the later ones come to be known.
    found = choice.page.wait_for_function(
        """(list) => {
          const times = new Set([...list.options].slice(1).map((o) => +o.value));
          return times.size > 1 && [...times].slice(0, 2);
        }""",
        arg=choice.element_handle(),
    )
    first, later = found.json_value()
    return first, later


def test_a_jump_to_an_alert_shows_it(machine: Machine, console: Page) -> None:
    seek(console, machine.ticks[0])
    choice = console.get_by_role("combobox", name="Jump to an alert")
    first, later = alert_times(choice)
    console.get_by_role("button", name="Next alert").click()
    # The time stands there before the tape does, and alerts of where it stood until it does.
    expect(console.locator(".replay-time")).to_contain_text(clock(console, first))
    expect(console.locator(".replay-note")).to_be_empty()
    firing = {
        row["id"]
        for row in machine.until(first)
        if row["kind"] == "alert" and row["state"] == "firing"
    }
    items = console.locator(".alerts > li")
    expect(items).to_have_count(len(firing))
    assert {item.get_attribute("data-id") for item in items.all()} == firing
    expect(console.locator('[data-method="ack"]').first).to_be_hidden()
    choice.select_option(value=str(later))
    expect(console.locator(".replay-time")).to_contain_text(clock(console, later))


@pytest.mark.parametrize("path", ["/screen", "/console"])
def test_the_bar_fits_every_size_and_language(
    machine: Machine, open_page: OpenPage, path: str
) -> None:
    page = open_page(machine.page(path, "rooms=t1/r1&lang=zh")).page
    expect(page.locator(".replay")).to_be_visible()
    assert misfits(page, fits=path == "/screen") == {}


async def standing(bar: Subscription, wanted: Callable[[Mapping[str, Any]], bool]) -> None:
    """Follow the channel of the bar until it says so."""
    async for update in bar:
        if update.state and wanted(update.state):
            return


def test_the_python_client_steers_the_machine_as_the_bar_does(machine: Machine) -> None:
    """Needs no browser; the tape is left held, somewhere."""
    minute_5 = machine.ticks[0] + 5 * MINUTE_MS
    first_ms = machine.ticks[0]

    async def scenario() -> None:
        url = machine.url.replace("http", "ws", 1) + "/ws"
        async with LiveroomClient(url, machine.token) as client:
            await client.connected.wait()
            bar = client.channel(client.welcome["replay"])
            await client.steer("pause")
            await standing(bar, lambda now: now["state"] != "playing")
            await client.steer("seek", to_ms=minute_5)
            await standing(bar, lambda now: now["at_ms"] == minute_5 and "seeking_ms" not in now)
            await client.steer("speed", speed=60)
            await standing(bar, lambda now: now.get("speed") == 60)
            await client.steer("play")
            await standing(bar, lambda now: now["at_ms"] > minute_5 + MINUTE_MS)
            await client.steer("seek", to_ms=first_ms)
            await standing(bar, lambda now: now["at_ms"] < minute_5)
            await client.steer("speed")
            await standing(bar, lambda now: now["state"] == "ended" and "speed" not in now)
            with pytest.raises(RpcError, match="speed"):
                await client.steer("speed", speed=-1)

    # The browser of the other tests may have a loop in this thread.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(asyncio.wait_for(scenario(), 240))).result()
