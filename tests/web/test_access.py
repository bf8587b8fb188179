"""The pages work from a keyboard and with a screen reader."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.web.conftest import ASSETS, ROOT, OpenPage
from tests.web.script_cast import GROUP, names
from tests.web.stage import Stage
from tests.web.test_layout import PAGES

pytestmark = pytest.mark.browser


def axe() -> Path:
    for folder in (ASSETS, ROOT / "node_modules"):
        if folder is not None and (folder / "axe-core" / "axe.min.js").is_file():
            return folder / "axe-core" / "axe.min.js"
    pytest.skip("no axe-core: npm install --no-save axe-core@4.14.1")


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_serious_violation(stage: Stage, open_page: OpenPage, name: str) -> None:
    path, query = PAGES[name]
    library = axe().read_text()
    page = open_page(stage.url(path, lang="zh", **query)).page
    page.evaluate(library)
    found = page.evaluate(AXE)
    page.click(".head-side .button")
    assert found + page.evaluate(AXE) == []


AXE = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
  .filter((one) => ["serious", "critical"].includes(one.impact))
  .map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" "))}`)"""


def test_what_a_value_means_is_one_key_away(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.url(rooms="t1/r1", lang="en")).page
    title = page.get_by_role("button", name="View-to-pay conversion")
    title.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("pay_uv ÷ view_uv")
    expect(dialog).to_contain_text("Numerator / Denominator")
    expect(dialog).to_contain_text("session to date")
    expect(dialog).to_contain_text("provisional")
    expect(dialog).to_contain_text("As of")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(title).to_be_focused()


def test_every_tile_explains_itself(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.url("/console", rooms="t1/r1", lang="zh")).page
    for button in page.locator(".tile-title").all():
        button.click()
        assert page.locator("dialog.explain h2").inner_text() != ""
        page.keyboard.press("Escape")


def test_alerts_are_answered_from_the_keyboard(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.url("/console", rooms="t1/r1", lang="en")).page
    alert = page.locator('[data-id*="engagement_drop"]')
    alert.get_by_role("button", name="Not useful").focus()
    page.keyboard.press("Enter")
    expect(alert).to_have_attribute("data-state", "not_useful")


def test_alerts_take_names_that_come_later(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.url("/console", rooms="t1/r1", lang="en")).page
    title = page.locator('[data-id*="stockout_eta"] h3')
    expect(title).to_have_text("唇釉 豆沙色 sells out in less than 3 minutes")
    stage.publish({f"names:{GROUP}": {"product.p9": {"title": "New name", "image": None}}})
    expect(title).to_have_text("New name sells out in less than 3 minutes")
    stage.publish({f"names:{GROUP}": names()})


def test_a_token_without_rights_shows_no_answers(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.url("/console", as_role="screen", rooms="t1/r1", lang="en")).page
    assert page.locator(".alerts > li").count() > 0
    expect(page.locator('[data-method="ack"]').first).to_be_hidden()


def test_the_language_is_changed_and_remembered(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.url(rooms="t1/r1", lang="en")).page
    page.get_by_role("button", name="切换到中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.get_by_role("region", name="成交漏斗")).to_be_visible()
    page.goto(stage.url(rooms="t1/r1"))
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_a_refused_token_is_asked_for_and_replaced(stage: Stage, open_page: OpenPage) -> None:
    good = stage.url(rooms="t1/r1", lang="en")
    page = open_page(good).page
    token = good.split("#token=")[1]
    page.evaluate("sessionStorage.setItem('liveroom.token', 'wrong')")
    page.reload()
    page.get_by_role("textbox", name="Token").fill(token)
    page.get_by_role("button", name="Enter").click()
    expect(page.locator(".hero-figure")).to_contain_text("¥")
    assert "token" not in page.url


# Once, the page renews its token in two seconds instead of most of an hour: a token that lives as
# shortly may be dead before a busy machine has shown the page.
HURRY = """(() => {
  const later = setTimeout;
  globalThis.setTimeout = (call, ms, ...rest) => {
    const hurry = ms > 1_000_000 && !sessionStorage.getItem("hurried");
    if (hurry) sessionStorage.setItem("hurried", "yes");
    return later(call, hurry ? 2_000 : ms, ...rest);
  };
})()"""


def test_a_renewed_token_outlives_a_reload(stage: Stage, open_page: OpenPage) -> None:
    url = stage.url(rooms="t1/r1", lang="en")
    page = open_page(url, script=HURRY).page
    page.wait_for_function(
        "(first) => sessionStorage.getItem('liveroom.token') !== first", arg=url.split("#token=")[1]
    )
    renewed = page.evaluate("sessionStorage.getItem('liveroom.token')")
    page.reload()
    expect(page.locator(".hero-figure")).to_contain_text("¥")
    assert page.evaluate("sessionStorage.getItem('liveroom.token')") == renewed


def test_less_motion_means_no_motion(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.url(rooms="t1/r1", lang="en"), reduced=True).page
    stage.advance(60)
    assert page.evaluate("document.getAnimations().length") == 0
