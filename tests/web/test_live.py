"""The real engine behind two consoles: what one operator does, the other sees."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.web.conftest import ASSETS, OpenPage
from tests.web.live import PLAN, Live, broadcast, draw_with_alert

pytestmark = [pytest.mark.browser, pytest.mark.redis, pytest.mark.slow]


def test_an_answer_goes_through_the_engine_to_the_other_window_before_the_clock_moves(
    tmp_path: Path, open_page: OpenPage
) -> None:
    tape, at_ms, id_ = draw_with_alert(PLAN, tmp_path)
    with broadcast(tmp_path, tape, ASSETS) as live:
        live.play_to(at_ms)
        answer(live, id_, open_page)


def answer(live: Live, id_: str, open_page: OpenPage) -> None:
    url = live.url("/console", "rooms=t1/r1&lang=en")
    one, other = open_page(url).page, open_page(url).page
    alert = f'[data-id="{id_}"]'
    for page in (one, other):
        expect(page.locator(alert)).to_have_attribute("data-state", "firing", timeout=60_000)
    # No tick comes meanwhile: whoever waited for one would wait for ever.
    one.click(f'{alert} [data-method="ack"]')
    for page in (one, other):
        expect(page.locator(alert)).to_have_attribute("data-state", "acked", timeout=30_000)
    expect(other.locator(alert)).to_contain_text("acknowledged")
