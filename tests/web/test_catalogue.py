"""A metric added to the catalogue is on the console, with no edit under sinks/web/."""

import pytest
from playwright.sync_api import expect

import operators.catalogue
from operators.catalogue import METRICS, Metric
from tests.web.conftest import ASSETS, OpenPage
from tests.web.script import Script
from tests.web.stage import Stage

pytestmark = pytest.mark.browser


def test_a_new_metric_shows_with_title_figure_and_meaning(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    open_page: OpenPage,
) -> None:
    added = Metric(
        "gifts_per_viewer", "Gifts per viewer", "人均礼物", "gifts ÷ view_uv",
        (("gifts", 1),), (("viewers", 1),), unit="times",
    )  # fmt: skip
    monkeypatch.setattr(operators.catalogue, "METRICS", (*METRICS, added))
    with Stage(tmp_path_factory.mktemp("catalogue"), Script(1, minutes=2), ASSETS) as stage:
        stage.publish(
            {"room:t1/r1": {"session.gifts_per_viewer": {"num": 6, "den": 4, "value": 1.5}}}
        )
        page = open_page(stage.url("/console", rooms="t1/r1", lang="en")).page
        row = page.locator('[data-metric="gifts_per_viewer"]')
        expect(row.locator("dt")).to_have_text("Gifts per viewer")
        expect(row.locator("dd").first).to_have_text("1.50×")
        page.get_by_role("button", name="All metrics").click()
        expect(page.get_by_role("dialog")).to_contain_text("gifts ÷ view_uv")
