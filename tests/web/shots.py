"""Makes the pictures of docs/screenshots: `python -m tests.web.shots`.

A simulated evening through the real log, engine, Redis and gateway, played on at its own pace
while the pictures are taken. The browser's clock is set to a time zone where it is evening.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from simulators.plan import SimulationPlan
from stream.replay_tape import Tape
from tests.web.conftest import ASSETS, CHROMIUM_ARGS, ROOT, find_chromium
from tests.web.live import LIVEROOM, broadcast, draw

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER = ROOT / "docs" / "screenshots"
PLAN = SimulationPlan(scenario="stock_out", rooms=6, tenants=1, minutes=46, rate=60, seed=7)
PLAYED_MS = 37 * 60_000 + 23_000
"""How far the evening has come."""
OPEN_ALERTS = 2
"""So many are open then: the plan's seed or the next that has them is taken."""
TRIES = 12
EVENING_H = 21
SETTLE_MS = 4_600
"""Charts are drawn at most every two seconds: wait for the newest drawing."""


@dataclass(frozen=True)
class Shot:
    """One picture: file name, page, size."""

    name: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    size: tuple[int, int] = (1920, 1080)
    click: str | None = None


ROOM = {"rooms": "t1/r1"}
SHOTS = (
    Shot("screen-room", "/screen", ROOM | {"lang": "zh"}),
    Shot("screen-room-en", "/screen", ROOM | {"lang": "en"}),
    Shot("screen-cockpit", "/screen", {"lang": "zh"}),
    Shot("console", "/console", ROOM | {"lang": "zh"}),
    Shot("console-en", "/console", ROOM | {"lang": "en"}),
    Shot("host", "/console", ROOM | {"role": "host", "lang": "zh"}, (1366, 768)),
    Shot("boss", "/console", {"role": "boss", "lang": "en"}, (1366, 768)),
    Shot(
        "meaning", "/screen", ROOM | {"lang": "en"},
        click='.tile-title:text-is("View-to-pay conversion")',
    ),
)  # fmt: skip
REPLAY = Shot("replay", "/screen", ROOM | {"lang": "en"})


def open_alerts(recording: Path, at_ms: int, room: str) -> int:
    """How many alerts of the room, or of no room, are open at a time."""
    command = [LIVEROOM, "replay", str(recording), "--results", "-"]
    made = subprocess.run(command, check=True, capture_output=True)
    rows = [json.loads(line) for line in made.stdout.splitlines() if b'"alert"' in line]
    states = {
        row["id"]: row["state"]
        for row in rows
        if row["kind"] == "alert" and row["at_ms"] <= at_ms and row["room_id"] in (None, room)
    }
    return list(states.values()).count("firing")


def busy_evening(folder: Path) -> Tape:
    """An evening on which something is going on at the moment of the pictures."""
    for number in range(TRIES):
        plan = replace(PLAN, seed=PLAN.seed + number)
        tape = draw(plan, int(time.time() * 1_000) - PLAYED_MS, folder)
        recording = folder / "recording.ndjson"
        if open_alerts(recording, tape.from_ms + PLAYED_MS, "r1") >= OPEN_ALERTS:
            return tape
        tape.close()
    raise RuntimeError("no evening is busy: look at the rules, or at the plan")


def evening_zone() -> str:
    """Name of a time zone where it is evening now."""
    ahead_h = (EVENING_H - time.gmtime().tm_hour + 9) % 24 - 9
    return f"Etc/GMT{-ahead_h:+d}"


def opened(browser: "Browser", base: str, token: str, shot: Shot) -> "Page":
    """The page of a picture, drawn."""
    width, height = shot.size
    page = browser.new_page(viewport={"width": width, "height": height}, timezone_id=evening_zone())
    query = "&".join(f"{name}={value}" for name, value in shot.query.items())
    page.goto(f"{base}{shot.path}?{query}#token={token}")
    page.wait_for_function("() => document.body.dataset.ready === 'true'")
    page.wait_for_timeout(SETTLE_MS)
    return page


def take(page: "Page", shot: Shot, folder: Path) -> None:
    """Write one picture."""
    if shot.click is not None:
        page.click(shot.click)
    page.screenshot(path=folder / f"{shot.name}.png")
    page.close()
    sys.stdout.write(f"{shot.name}.png\n")
    sys.stdout.flush()


def shoot_replay(browser: "Browser", recording: Path, folder: Path) -> None:
    """The time machine over the same evening, held at an alert."""
    command = [LIVEROOM, "replay", str(recording), "--serve", "--speed", "1"]
    command += [] if ASSETS is None else ["--assets-dir", str(ASSETS)]
    served = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=recording.parent)
    assert served.stderr is not None
    with served.stderr:
        line = next(text for text in served.stderr if text.startswith("console"))
        base, token = line.split()[1].split("/console#token=")
        page = opened(browser, base, token, REPLAY)
        page.click(".replay-play")
        slider = page.get_by_role("slider")
        first = int(slider.get_attribute("min") or 0)
        slider.fill(str(first + 34 * 60_000))
        page.wait_for_function(
            "() => document.querySelectorAll('.replay-alerts option').length > 3", timeout=120_000
        )
        page.wait_for_timeout(SETTLE_MS)
        take(page, REPLAY, folder)
        served.terminate()
        served.wait(20)


def main() -> None:
    """Write the pictures and name them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    wanted = [shot for shot in SHOTS if not options.names or shot.name in options.names]
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        scratch = Path(name)
        tape = busy_evening(scratch)
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=list(CHROMIUM_ARGS)
        )
        if wanted:
            with broadcast(scratch, ASSETS) as live:
                live.load(tape)
                live.play_to(tape.from_ms + PLAYED_MS)
                live.settle()
                live.play()
                for shot in wanted:
                    base = f"http://127.0.0.1:{live.port}"
                    take(opened(browser, base, live.token, shot), shot, options.folder)
        if not options.names or REPLAY.name in options.names:
            shoot_replay(browser, scratch / "recording.ndjson", options.folder)
        browser.close()


if __name__ == "__main__":
    main()
