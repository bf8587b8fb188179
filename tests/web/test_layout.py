"""Nothing overflows, nothing of ours is cut, at every size, on every page, in both languages."""

from pathlib import Path

import pytest

from tests.web.conftest import LANGUAGES, SIZES, OpenPage
from tests.web.stage import Stage

pytestmark = pytest.mark.browser

PAGES = {
    "room": ("/screen", {"rooms": "t1/r1"}),
    "cockpit": ("/screen", {}),
    "operator": ("/console", {"rooms": "t1/r1"}),
    "host": ("/console", {"rooms": "t1/r1", "role": "host"}),
    "warehouse": ("/console", {"rooms": "t1/r1", "role": "warehouse"}),
    "finance": ("/console", {"rooms": "t1/r1", "role": "finance"}),
    "boss": ("/console", {"role": "boss"}),
}

MISFITS = Path(__file__).with_name("misfits.js").read_text()


@pytest.mark.parametrize("name", PAGES)
def test_nothing_overflows_and_nothing_of_ours_is_cut(
    stage: Stage, open_page: OpenPage, name: str
) -> None:
    path, query = PAGES[name]
    page = open_page(stage.url(path, lang="zh", **query)).page
    misfits = {}
    for language in LANGUAGES:
        if page.evaluate("document.documentElement.lang.slice(0, 2)") != language:
            page.click(".head-side .button")
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate(
                "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
            )
            found = page.evaluate(MISFITS, path == "/screen")
            if found:
                misfits[f"{language} {width}x{height}"] = found
    assert misfits == {}
