"""The real engine behind two consoles: what one operator does, the other sees."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import ASSETS, OpenPage
from tests.web.live import PLAN, broadcast, draw_with_alert

pytestmark = [pytest.mark.browser, pytest.mark.redis, pytest.mark.slow]


def test_an_answer_goes_through_the_engine_to_the_other_window_before_the_clock_moves(
    tmp_path: Path, open_page: OpenPage
) -> None:
    with broadcast(tmp_path, ASSETS) as live:
        url = live.url("/console", "rooms=t1/r1&lang=en")
        one, other = open_page(url).page, open_page(url).page
        tape, at_ms, id_ = draw_with_alert(PLAN, tmp_path)
        live.load(tape)
        live.play_to(at_ms)
        answer(one, other, id_)


def answer(one: Page, other: Page, id_: str) -> None:
    alert = f'[data-id="{id_}"]'
    for page in (one, other):
        expect(page.locator(alert)).to_have_attribute("data-state", "firing")
    # No tick comes meanwhile: whoever waited for one would wait for ever.
    one.click(f'{alert} [data-method="ack"]')
    for page in (one, other):
        expect(page.locator(alert)).to_have_attribute("data-state", "acked")
    expect(other.locator(alert)).to_contain_text("acknowledged")
