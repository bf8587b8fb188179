"""Text of viewers and shops stays text, in its own cell, however long or strange."""

import pytest
from playwright.sync_api import expect

from tests.web.conftest import OpenPage
from tests.web.misfits import MISFITS
from tests.web.script_cast import GROUP, names
from tests.web.stage import Stage

pytestmark = pytest.mark.browser

HOSTILE = {
    "markup": '<img src=x onerror="globalThis.hacked=1"><b>bold</b>',
    "script": "<script>globalThis.hacked=1</script>{{7*7}}${7*7}",
    "attribute": '" onmouseover="globalThis.hacked=1" x="',
    "right to left": "\u202e\u2067مرحبا بالعالم\u202d evil \u200f\u200e",
    "long": "长" * 10_000,
    "one word": "w" * 10_000,
    "emoji": "👩‍👩‍👧‍👦" * 300 + "🏳️‍🌈",
    "combining": "Z" + "\u0351\u0352\u0353" * 900,
    "control": "a\u0000b\u0007c\u2028d\u2029e\nf\tg",
    "prototype": "__proto__",
}

BOXES = """() => Object.fromEntries(
  [...document.querySelectorAll(".tile, .head, .head-side, .fresh")]
    .map((tile, at) => [at, JSON.stringify(tile.getBoundingClientRect())]))"""


@pytest.mark.parametrize("path", ["/screen", "/console"])
def test_hostile_text_changes_nothing_but_its_own_cell(
    stage: Stage, open_page: OpenPage, path: str
) -> None:
    page = open_page(stage.url(path, rooms="t1/r1", lang="en")).page
    before = page.evaluate(BOXES)
    tags = page.evaluate(TAGS)
    wrong = {}
    for kind, text in HOSTILE.items():
        put(stage, text)
        page.wait_for_function(
            """(text) => [...document.querySelectorAll(".board-name")]
              .some((cell) => cell.title === text)""",
            arg=text,
        )
        found = page.evaluate(MISFITS, path == "/screen")
        if page.evaluate("globalThis.hacked ?? null") is not None:
            found.append("it ran")
        if page.evaluate(TAGS) != tags:
            found.append("it made elements")
        if page.evaluate(BOXES) != before:
            found.append("it moved the page")
        if found:
            wrong[kind] = found
    put(stage, None)
    assert wrong == {}


TAGS = "document.querySelectorAll('main img, main script, main b').length"


def put(stage: Stage, text: str | None) -> None:
    """Name everything `text` and let viewers say it; None: as it was."""
    keys = ("product.p1", "product.p4", "product.p9", "host.h1", "room.r1")
    named = names() if text is None else {key: {"title": text, "image": None} for key in keys}
    terms: dict[str, object] = dict(stage.script.state()[f"board:{GROUP}/terms@r1"])
    if text is not None:
        terms["1"] = {"rank": 1, "key": text, "value": 9_999_999, "mentions": 1, "prev_rank": None}
    title = stage.script.rooms[0].title if text is None else text
    stage.publish(
        {
            "room:t1/r1": {"meta.title": title},
            f"board:{GROUP}/terms@r1": terms,
            f"board:{GROUP}/keywords@r1": {
                "1": {"rank": 1, "key": text, "value": 1, "users": 1, "paid_minor": 1}
            },
            f"names:{GROUP}": named,
        }
    )


def test_hostile_alert_text_stays_in_its_card(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.url("/console", rooms="t1/r1", lang="en")).page
    entry = stage.alerts[1] | {
        "id": "t1/r1/hostile/x@1", "title_en": HOSTILE["markup"] * 50,
        "action_en": HOSTILE["one word"], "subject": HOSTILE["script"],
    }  # fmt: skip
    stage.alert(entry)
    expect(page.locator('[data-id="t1/r1/hostile/x@1"] h3')).to_contain_text("<img src=x")
    assert page.evaluate("globalThis.hacked ?? null") is None
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    stage.alert(entry | {"state": "resolved"})


def test_pictures_of_other_hosts_are_never_asked_for(stage: Stage, open_page: OpenPage) -> None:
    stage.publish(
        {f"names:{GROUP}": {"product.p4": {"title": "x", "image": "https://evil.test/a.png"}}}
    )
    page = open_page(stage.url(rooms="t1/r1", lang="en")).page
    assert page.locator("main img").count() == 0
    stage.publish({f"names:{GROUP}": names()})
