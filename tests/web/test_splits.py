"""The table by dimension, why a figure is missing, and a cockpit of very many rooms."""

import pytest
from playwright.sync_api import expect

from operators.catalogue.axes import DIMENSIONS
from tests.web.conftest import OpenPage
from tests.web.figures import NONE, count, yuan
from tests.web.misfits import misfits
from tests.web.script_cast import START_MS
from tests.web.stage import Stage

pytestmark = pytest.mark.browser

ROOM = "room:t1/r1"


def test_every_dimension_of_the_catalogue_has_a_table(stage: Stage, open_page: OpenPage) -> None:
    dimensions = {
        dimension.name: dimension.title_en
        for dimension in DIMENSIONS
        if dimension.name != "room" and "session" in dimension.windows
    }
    stage.publish(
        {
            f"split:t1/r1/{name}": {
                "session.gmv_paid.k1": 120_050, "session.orders_paid.k1": 3,
                "session.gmv_paid.k2": 990_000, "session.orders_paid.k2": 7,
            }
            for name in dimensions
        }
    )  # fmt: skip
    page = open_page(stage.url("/console", rooms="t1/r1", lang="en")).page
    tile = page.get_by_role("region", name="By dimension")
    for title in dimensions.values():
        tile.get_by_role("button", name=title, exact=True).click()
        expect(tile.locator("thead th").first).to_have_text(title)
        first = tile.locator("tbody tr").filter(has=page.locator("th", has_text="k2"))
        expect(first.locator("td").nth(0)).to_have_text(yuan(990_000))
        expect(first.locator("td").nth(1)).to_have_text(count(7))


def test_keys_that_begin_at_a_time_are_named_and_newest_first(
    stage: Stage, open_page: OpenPage
) -> None:
    stage.publish(
        {
            "split:t1/r1/host": {
                f"session.gmv_paid.h1@{START_MS}": 100,
                f"session.gmv_paid.h2@{START_MS + 3_600_000}/during": 50,
            }
        }
    )
    page = open_page(stage.url("/console", rooms="t1/r1", lang="en")).page
    tile = page.get_by_role("region", name="By dimension")
    tile.get_by_role("button", name="host", exact=True).click()
    start = page.evaluate("(ms) => new Date(ms).toTimeString().slice(0, 5)", START_MS)
    expect(tile.locator("tbody th").filter(has_text="小雨")).to_have_text(f"小雨 · {start}")
    expect(tile.locator("tbody th").first).to_contain_text("during")


def test_a_missing_figure_says_why(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.url("/console", rooms="t1/r1", lang="en")).page
    tile = page.get_by_role("region", name="Viewers", exact=True)
    expect(tile.locator(".value-line")).not_to_have_text(NONE)
    stage.publish(
        {ROOM: {"session.view_uv": None, "session.nulls": {"view_uv": "masked_identity"}}}
    )
    expect(tile.locator(".value-line")).to_have_text(NONE)
    tile.get_by_role("button").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("viewers took part whom the platform does not tell apart")
    page.keyboard.press("Escape")
    stage.publish({ROOM: {"session.aov_order": {"num": 0, "den": 0, "value": None}}})
    cell = page.locator('[data-metric="aov_order"] dd').first
    expect(cell).to_have_attribute("title", "the denominator is 0")
    expect(page.locator('[data-metric="nulls"]')).to_have_count(0)
    stage.publish(stage.script.state() | {})
    stage.publish({ROOM: {"session.nulls": None}})


@pytest.mark.parametrize("rooms", [12, 30])
def test_a_cockpit_of_many_rooms_fits(stage: Stage, open_page: OpenPage, rooms: int) -> None:
    base = stage.state[ROOM]
    names = [f"m{number:02d}" for number in range(rooms)]
    stage.publish(
        {
            f"room:t1/{name}": base
            | {"meta.title": f"直播间 {name} · 很长的名字专场", "session.gmv_paid": 100 * at}
            for at, name in enumerate(names)
        }
    )
    wanted = ",".join(f"t1/{name}" for name in names)
    page = open_page(stage.url("/screen", rooms=wanted, lang="zh")).page
    expect(page.locator(".card")).to_have_count(min(rooms, 24))
    expect(page.locator(".card .value").first).to_have_text(yuan(100 * (rooms - 1))[:-3])
    if rooms > 24:
        expect(page.locator(".tile-cards .tile-extra")).to_contain_text(str(rooms - 24))
    assert misfits(page, fits=True) == {}
