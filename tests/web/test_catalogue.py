"""A metric added as docs/add-a-metric.md says is on the console, with no edit under sinks/web/."""

import pytest
from playwright.sync_api import expect

import operators.catalogue
from operators.catalogue import METRICS, Metric
from operators.catalogue.model import TRAFFIC, one
from operators.options import Options
from operators.plan import Plan
from operators.rules.model import RuleSet
from operators.shard import Record, Shard
from stream.replay import version_of
from tests.operators.one_room import event, tick
from tests.test_add_a_metric import blocks
from tests.web.conftest import ASSETS, OpenPage
from tests.web.script import Script
from tests.web.stage import Stage

pytestmark = pytest.mark.browser


def of_the_page() -> Metric:
    """Return the entry that the page tells to add."""
    (added,) = eval(f"({blocks()[0]})", {"Metric": Metric, "one": one, "TRAFFIC": TRAFFIC})
    assert isinstance(added, Metric)
    return added


def test_a_new_metric_shows_with_title_figure_and_meaning(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    open_page: OpenPage,
) -> None:
    added = of_the_page()
    monkeypatch.setattr(operators.catalogue, "METRICS", (*METRICS, added))
    shard = Shard(0, Plan((*METRICS, added)), RuleSet((), "", {}), Options())
    log = [tick(0), *(event("enter", n, n, n) for n in range(4))]
    log.append(event("gift", 10, 9, 1, qty=6))
    shard.step([Record(version_of(1), 0, b"".join(log))])
    figures = {
        name: value
        for patch in shard.flush(0).patches
        if patch.channel == "room:t1/r1"
        for name, value in patch.fields.items()
        if name.endswith(added.name)
    }
    with Stage(tmp_path_factory.mktemp("catalogue"), Script(1, minutes=2), ASSETS) as stage:
        stage.publish({"room:t1/r1": figures})
        page = open_page(stage.url("/console", rooms="t1/r1", lang="en")).page
        row = page.locator(f'[data-metric="{added.name}"]')
        expect(row.locator("dt")).to_have_text("Gifts per viewer")
        expect(row.locator("dd").first).to_have_text("1.50×")
        page.get_by_role("button", name="All metrics").click()
        expect(page.get_by_role("dialog")).to_contain_text("gift_count ÷ view_uv")
