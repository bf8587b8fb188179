"""Nothing overflows, nothing of ours is cut, at every size, on every page, in both languages."""

import pytest

from tests.web.conftest import OpenPage
from tests.web.misfits import misfits
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


@pytest.mark.parametrize("name", PAGES)
def test_nothing_overflows_and_nothing_of_ours_is_cut(
    stage: Stage, open_page: OpenPage, name: str
) -> None:
    path, query = PAGES[name]
    page = open_page(stage.url(path, lang="zh", **query)).page
    assert misfits(page, fits=path == "/screen") == {}
