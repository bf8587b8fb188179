"""The page outlives gateway and Redis, says when its figures are old, and shares answers."""

from collections.abc import Iterator
from typing import cast

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.web.conftest import ASSETS, PATIENCE_MS, OpenPage
from tests.web.figures import yuan
from tests.web.held_clock import DRAWN, HOLD_CLOCK
from tests.web.script import Script
from tests.web.stage import Stage

pytestmark = pytest.mark.browser

HERO = ".hero-figure"
ROOM = "room:t1/r1"


@pytest.fixture
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage of its own that plays by itself."""
    with Stage(tmp_path_factory.mktemp("live"), Script(1, minutes=3), ASSETS) as stage:
        stage.play()
        yield stage


def gmv(stage: Stage) -> str:
    return yuan(stage.state[ROOM]["session.gmv_paid"])


def test_age_is_shown_and_stale_within_five_seconds_of_a_stopped_feed(
    live: Stage, open_page: OpenPage
) -> None:
    page = open_page(live.url(rooms="t1/r1", lang="en")).page
    expect(page.locator(".fresh")).to_contain_text("Data age")
    live.play(False)
    # The page's clock stands still: the five seconds are its own, however slow the machine is.
    page.evaluate(HOLD_CLOCK)
    page.evaluate("passMs(5_000)")
    page.evaluate(DRAWN)
    shown = page.locator(".fresh").inner_text()
    assert "Stale since" in shown
    live.play()
    expect(page.locator(".fresh")).to_contain_text("Data age")
    assert shown.count(":") == 2


def test_the_page_survives_a_gateway_restart(live: Stage, open_page: OpenPage) -> None:
    page = open_page(live.url(rooms="t1/r1", lang="en")).page
    page.wait_for_load_state("networkidle")
    page.wait_for_function("() => globalThis.echarts !== undefined")
    page.evaluate("globalThis.sameDocument = true")
    live.restart_gateway()
    live.play(False)
    live.advance(30)
    expect(page.locator(HERO)).to_have_text(gmv(live))
    assert page.evaluate("globalThis.sameDocument") is True


def test_charts_come_although_the_gateway_died_while_their_library_loaded(
    live: Stage, browser: Browser
) -> None:
    """No `open_page`: the browser itself reports what it could not load."""
    with browser.new_context(viewport={"width": 1920, "height": 1080}) as context:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        tried: list[str] = []

        def cut(route: Route) -> None:
            tried.append(route.request.url)
            if len(tried) > 1:
                route.continue_()
                return
            live.gateway.stop()
            route.abort("connectionreset")

        page.route("**/echarts.min.js", cut)
        page.goto(live.url(rooms="t1/r1", lang="en"))
        note = page.locator(".tile-trend .tile-note")
        expect(note).to_have_text("The chart library has not come yet; still trying")
        page.wait_for_event("requestfailed", lambda one: one.url.endswith("/assets/echarts.min.js"))
        live.restart_gateway()
        expect(page.locator(".tile-trend canvas")).to_have_count(1)
        expect(note).to_have_count(0)
        assert page.locator("canvas").count() >= 3
        assert len(tried) >= 3


def test_the_page_survives_a_redis_restart_without_a_wrong_figure(
    live: Stage, open_page: OpenPage
) -> None:
    page = open_page(live.url(rooms="t1/r1", lang="en")).page
    page.evaluate("globalThis.sameDocument = true")
    known = {cast("int", live.state[ROOM]["session.gmv_paid"])}
    live.play(False)
    page.evaluate(
        """() => {
          globalThis.seen = [];
          setInterval(() => seen.push(document.querySelector(".hero-figure").textContent), 20);
        }"""
    )
    live.restart_redis()
    for _ in range(5):
        live.advance(10)
        known.add(cast("int", live.state[ROOM]["session.gmv_paid"]))
    expect(page.locator(HERO)).to_have_text(gmv(live))
    assert page.evaluate("globalThis.sameDocument") is True
    seen = set(page.evaluate("seen"))
    assert seen <= {yuan(value) for value in known}


def test_an_alert_acknowledged_in_one_window_shows_so_in_the_other(
    live: Stage, open_page: OpenPage
) -> None:
    """How soon is measured by `python -m tests.web.perf`."""
    url = live.url("/console", rooms="t1/r1", lang="en")
    one, other = open_page(url).page, open_page(url).page
    alert = '[data-id*="conversion_anomaly"]'
    expect(other.locator(alert)).to_have_attribute("data-state", "firing")
    one.click(f'{alert} [data-method="ack"]')
    expect(other.locator(alert)).to_have_attribute("data-state", "acked")
    expect(other.locator(alert)).to_contain_text("acknowledged")
