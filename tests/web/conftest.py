"""Fixtures: one Chromium, one stage, and pages that complain about every console message."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from stream.assets import asset_path
from stream.errors import ConfigError
from tests.web.script import Script
from tests.web.stage import Stage

CHROMIUM_ARGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
SIZES = ((1366, 768), (1920, 1080), (3840, 2160))
LANGUAGES = ("zh", "en")
ASSETS = Path(os.environ["LIVEROOM_ASSETS_DIR"]) if "LIVEROOM_ASSETS_DIR" in os.environ else None
ROOT = Path(__file__).resolve().parents[2]
PATIENCE_MS = 90_000
"""What a test waits for may come late on a busy machine; where all is well this costs nothing."""


def find_chromium() -> str | None:
    """Path of a Chromium, None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


def has_charts() -> bool:
    """Whether the chart library is installed."""
    try:
        asset_path("echarts.min.js", ASSETS)
    except ConfigError:
        return False
    return True


@dataclass
class Opened:
    """A page and everything it complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)


OpenPage = Callable[..., Opened]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium: apt-get install chromium fonts-noto-cjk")
    if not has_charts():
        pytest.skip("no chart library: npm ci (or make venv)")
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(
            executable_path=path, args=list(CHROMIUM_ARGS), timeout=PATIENCE_MS
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Three rooms 95 minutes into their session; it moves only when a test says so."""
    with Stage(tmp_path_factory.mktemp("stage"), Script(3), ASSETS) as stage:
        yield stage


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Return `open(url, size=…, reduced=False)`: waits until every channel is drawn.

    `script` runs in every document of the page before its own.
    """
    contexts: list[BrowserContext] = []
    opened: list[Opened] = []

    def open_(
        url: str,
        size: tuple[int, int] = (1920, 1080),
        reduced: bool = True,
        script: str | None = None,
    ) -> Opened:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale="en-US",
            timezone_id="Asia/Shanghai",
            reduced_motion="reduce" if reduced else "no-preference",
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        if script is not None:
            context.add_init_script(script)
        page = context.new_page()
        made = Opened(page)
        page.on("console", lambda message: _note(made, message))
        page.on("pageerror", lambda error: made.complaints.append(str(error)))
        page.on("request", lambda request: _foreign(made, request.url, url))
        page.goto(url)
        page.wait_for_function(FIGURES_THERE)
        opened.append(made)
        return made

    yield open_
    complaints = [complaint for page in opened for complaint in page.complaints]
    for context in contexts:
        context.close()
    assert complaints == []


FIGURES_THERE = "() => document.body.dataset.ready === 'true'"


def _note(opened: Opened, message: ConsoleMessage) -> None:
    # A socket that a test cuts is reported by the browser itself; everything else counts.
    if message.type in ("error", "warning") and "WebSocket connection" not in message.text:
        opened.complaints.append(f"{message.type}: {message.text}")


def _foreign(opened: Opened, asked: str, page: str) -> None:
    origin = page.split("/", 3)[2]
    if not asked.startswith(("data:", f"http://{origin}/", f"ws://{origin}/")):
        opened.complaints.append(f"asked another host: {asked}")
