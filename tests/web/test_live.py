"""The real engine behind two consoles: what one operator does, the other sees."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from simulators.plan import SimulationPlan
from tests.web.conftest import ASSETS, OpenPage
from tests.web.live import LAG_MS, Live, broadcast

pytestmark = [pytest.mark.browser, pytest.mark.redis, pytest.mark.slow]

PLAN = SimulationPlan(scenario="stock_out", rooms=2, minutes=12, rate=20, seed=5)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with broadcast(tmp_path_factory.mktemp("live"), PLAN, ASSETS) as live:
        yield live


def test_an_answer_goes_through_the_engine_to_the_other_window_before_the_clock_moves(
    live: Live, open_page: OpenPage
) -> None:
    fires = next(alert for alert in live.alerts if alert["state"] == "firing")
    live.play_to(fires["at_ms"] + LAG_MS)
    url = live.url("/console", "rooms=t1/r1&lang=en")
    one, other = open_page(url).page, open_page(url).page
    alert = f'[data-id="{fires["id"]}"]'
    for page in (one, other):
        expect(page.locator(alert)).to_have_attribute("data-state", "firing", timeout=60_000)
    # No tick comes meanwhile: whoever waited for one would wait for ever.
    one.click(f'{alert} [data-method="ack"]')
    for page in (one, other):
        expect(page.locator(alert)).to_have_attribute("data-state", "acked", timeout=30_000)
    expect(other.locator(alert)).to_contain_text("acknowledged")
