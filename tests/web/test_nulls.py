"""Why a figure has no value, from the event to the dialog: engine, Redis, gateway, page."""

import pytest
from playwright.sync_api import Page, expect

from operators.catalogue import METRICS
from operators.options import Options
from operators.plan import Plan
from operators.rules.model import RuleSet
from operators.shard import Record, Shard
from stream.replay import version_of
from tests.operators.one_room import event, tick
from tests.web.conftest import OpenPage
from tests.web.figures import NONE
from tests.web.stage import Stage

pytestmark = pytest.mark.browser

MASKED = {
    "zh": "有平台不区分身份的观众参与，人数不可知",
    "en": "viewers took part whom the platform does not tell apart",
}


def of_the_engine(*lines: bytes) -> dict[str, object]:
    """What the engine's channel of the room says after these lines."""
    shard = Shard(0, Plan(METRICS), RuleSet((), "", {}), Options())
    shard.step([Record(version_of(1), 0, b"".join((tick(0), *lines)))])
    fields: dict[str, object] = {}
    for patch in shard.flush(0).patches:
        if patch.channel == "room:t1/r1":
            fields |= patch.fields
    return {name: value for name, value in fields.items() if value is not None}


def dialog(page: Page, tile: str) -> str:
    """What a tile means, in words; closed again."""
    page.get_by_role("region", name=tile, exact=True).get_by_role("button").first.click()
    text = page.get_by_role("dialog").inner_text()
    page.keyboard.press("Escape")
    return text


@pytest.mark.parametrize("lang", MASKED)
def test_masked_viewers_leave_a_dash_and_the_reason_in_the_dialog(
    stage: Stage, open_page: OpenPage, lang: str
) -> None:
    told = of_the_engine(
        *(event("enter", n, n, n, identity="masked") for n in range(4)),
        event("order_paid", 10, 9, 1, order_id="o1", product_id="p1", qty=1,
              amount_minor=500, currency="CNY"),
    )  # fmt: skip
    room = "room:t1/masked"
    stage.publish({room: told | dict.fromkeys(set(stage.state.get(room, {})) - set(told))})
    viewers, orders = ("观看人数", "成交订单数") if lang == "zh" else ("Viewers", "Paid orders")
    screen = open_page(stage.url("/screen", rooms="t1/masked", lang=lang)).page
    tile = screen.get_by_role("region", name=viewers, exact=True)
    expect(tile.locator(".value")).to_have_text(NONE)
    assert MASKED[lang] in dialog(screen, viewers)
    # Orders have numbers of their own: they can be told apart, whoever paid them.
    expect(screen.get_by_role("region", name=orders, exact=True).locator(".value")).to_have_text(
        "1"
    )
    assert MASKED[lang] not in dialog(screen, orders)


def test_a_figure_that_is_null_is_listed_with_its_reason(stage: Stage, open_page: OpenPage) -> None:
    told = of_the_engine(
        event("enter", 0, 1, 1, identity="masked"),
        event("order_paid", 10, 9, 1, order_id="o1", product_id="p1", qty=1,
              amount_minor=500, currency="CNY"),
    )  # fmt: skip
    stage.publish({"room:t1/listed": told})
    page = open_page(stage.url("/console", rooms="t1/listed", lang="en")).page
    reasons = {"view_uv": MASKED["en"], "gross_profit": "something was sold whose cost nobody gave"}
    for metric, reason in reasons.items():
        cell = page.locator(f'[data-metric="{metric}"] dd').first
        expect(cell).to_have_text(NONE)
        expect(cell).to_have_attribute("title", reason)
    text = dialog(page, "All metrics")
    assert all(reason in text for reason in reasons.values())
