"""A simulated session through log, engine, Redis and gateway: every tile shows its truth."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sinks.gateway.auth import mint_token
from stream.formats import read_events
from stream.replay import run_replay
from stream.settings.table import Settings
from stream.supervisor import liveroom_argv
from tests.chaos.rig import Rig
from tests.web.conftest import ASSETS, OpenPage
from tests.web.figures import count, percent, yuan
from tests.web.stage import Gateway

pytestmark = [pytest.mark.browser, pytest.mark.redis, pytest.mark.slow]

LIVEROOM = str(Path(sys.executable).with_name("liveroom"))
SIMULATE = "--scenario flash_sale --rooms 3 --minutes 12 --rate 40 --seed 11 --disorder"
TENANT = "t1"


@dataclass
class Show:
    """A finished broadcast behind a gateway, and what it truly came to."""

    port: int
    token: str
    truth: dict[str, Any]
    recording: Path

    def url(self, path: str, query: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}?{query}#token={self.token}"

    def session(self, room: str) -> dict[str, Any]:
        """True session figures of a room."""
        return next(
            row["metrics"]
            for row in self.truth["rows"]
            if (row["dimension"], row["window"], row["room_id"]) == ("room", "session", room)
        )

    def board(self, name: str) -> list[dict[str, Any]]:
        return next(one["entries"] for one in self.truth["boards"] if one["name"] == name)

    @property
    def rooms(self) -> list[str]:
        return sorted(one["room_id"] for one in self.truth["sessions"])


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Show]:
    """Simulate, play into the log at full speed, let the real engine and gateway work."""
    folder = tmp_path_factory.mktemp("show")
    recording, truth = folder / "recording.ndjson", folder / "truth.json"
    files = ["--out", str(recording), "--truth", str(truth)]
    subprocess.run([LIVEROOM, "simulate", *SIMULATE.split(), *files], check=True, timeout=240)
    with Rig(folder / "rig", shards=1) as rig:
        gateway = Gateway(replace(rig.settings, assets_dir=ASSETS))
        try:
            port = gateway.start()
            options = ("--to-redis", "--speed", "max")
            replay = rig.child("replay", liveroom_argv("replay", str(recording), *options))
            assert replay.wait(240)
            assert replay.exit_code() == 0, replay.log_tail()
            token = mint_token(rig.settings, [TENANT], ["*"], "operator", 3_600)
            yield Show(port, token, json.loads(truth.read_text()), recording)
        finally:
            gateway.stop()


def ended(page: Page) -> None:
    expect(page.locator(".fresh")).to_have_attribute("data-kind", "final")


def value(page: Page, title: str) -> str:
    section = page.get_by_role("region", name=title, exact=True)
    return section.locator(".value-line").inner_text()


def test_the_room_screen_equals_the_ground_truth(show: Show, open_page: OpenPage) -> None:
    for room in show.rooms:
        page = open_page(show.url("/screen", f"rooms={TENANT}/{room}&lang=en")).page
        ended(page)
        truth = show.session(room)
        expect(page.locator(".hero-figure")).to_have_text(yuan(truth["gmv_paid"]))
        side = page.locator(".hero-side dd").all_inner_texts()
        assert side == [yuan(truth["gmv_net"]), yuan(truth["refund_amount"])]
        assert value(page, "Viewers") == count(truth["view_uv"])
        assert value(page, "Paid orders") == count(truth["orders_paid"])
        assert value(page, "View-to-pay conversion") == percent(truth["cvr_view"])
        assert value(page, "Click-to-pay conversion") == percent(truth["cvr_click"])
        steps = page.locator(".funnel-value").all_inner_texts()
        # The simulator shows no rooms to anybody: the funnel begins with those who entered.
        assert steps[0] == count(truth["view_uv"])
        assert steps[-3:] == [
            count(truth[name]) for name in ("product_click_uv", "order_uv", "pay_uv")
        ]


def test_the_cockpit_and_its_boards_equal_the_ground_truth(show: Show, open_page: OpenPage) -> None:
    page = open_page(show.url("/screen", "lang=en")).page
    ended(page)
    sessions = [show.session(room) for room in show.rooms]
    total = sum(session["gmv_paid"] for session in sessions)
    expect(page.locator(".hero-figure")).to_have_text(yuan(total))
    assert value(page, "Paid orders") == count(sum(one["orders_paid"] for one in sessions))
    boards = {"Rooms": "rooms_gmv", "Products": "products_gmv", "Hosts": "hosts_gmv"}
    for title, name in boards.items():
        region = page.get_by_role("region", name=title, exact=True)
        shown = region.locator(".board-value").all_inner_texts()
        assert shown == [yuan(one["value"]) for one in show.board(name)[: len(shown)]]
        assert len(shown) >= min(3, len(show.board(name)))


def test_the_stock_table_equals_the_ground_truth(show: Show, open_page: OpenPage) -> None:
    page = open_page(show.url("/console", f"rooms={TENANT}/r1&role=warehouse&lang=en")).page
    expect(page.locator("tbody tr").first).to_be_visible()
    shown = sorted(
        (row.locator("td").nth(1).inner_text(), row.locator("td").nth(5).inner_text())
        for row in page.locator("tbody tr").all()
    )
    stock = show.truth["stock"]
    assert shown == sorted((count(pool["available"]), count(pool["sold"])) for pool in stock)


def test_terms_and_heat_map_come_from_the_engine(show: Show, open_page: OpenPage) -> None:
    page = open_page(show.url("/console", f"rooms={TENANT}/r1&lang=en")).page
    ended(page)
    rows = [
        row
        for row in run_replay(read_events(show.recording, "ndjson", b""), settings=Settings())
        if (row.dimension, row.window, row.room_id) == ("terms", "session", "r1")
    ]
    lines = max(rows, key=lambda row: row.end_ms).body["lines"]
    assert isinstance(lines, list)
    tile = page.get_by_role("region", name="Comment terms", exact=True)
    expect(tile.locator(".term-text")).to_have_text([line["key"] for line in lines])
    expect(tile.locator(".term-count")).to_have_text([count(line["value"]) for line in lines])
    heat = page.get_by_role("region", name="Interaction heat", exact=True).get_by_role("img")
    told = heat.get_attribute("aria-label") or ""
    assert len(told.split(", ")) >= 5 + 5


def test_every_metric_of_the_truth_stands_on_the_console(show: Show, open_page: OpenPage) -> None:
    page = open_page(show.url("/console", f"rooms={TENANT}/r1&lang=en")).page
    ended(page)
    units = {metric["name"]: metric["unit"] for metric in page.evaluate(CATALOGUE)["metrics"]}
    spell = {"minor": yuan, "count": count, "ratio": percent}
    wrong = {}
    compared = 0
    for name, truth in show.session("r1").items():
        if isinstance(truth, dict) and units.get(name) != "ratio":
            continue
        if units.get(name) not in spell or name == "online_now":
            continue
        cell = page.locator(f'[data-metric="{name}"] dd').first
        shown = cell.inner_text()
        compared += 1
        if shown != spell[units[name]](truth):
            wrong[name] = (truth, shown)
    assert wrong == {}
    assert compared >= 10


CATALOGUE = "async () => (await fetch('/api/catalogue')).json()"
