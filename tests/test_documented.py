"""The pages made from the code equal the code; the hand-written ones name what they must."""

import re
from pathlib import Path
from typing import Final

import pytest

from stream.events import EVENT_TYPES, FIELDS
from stream.pages import PAGES
from stream.settings import SETTINGS

ROOT: Final = Path(__file__).resolve().parent.parent
DOCS: Final = ROOT / "docs"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_made_page_equals_the_code(name: str) -> None:
    written = (DOCS / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), "run `make docs` and commit the result"


def test_every_setting_is_documented() -> None:
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    assert [entry.name for entry in SETTINGS if f"| `{entry.name}` |" not in page] == []


def test_every_event_type_and_field_is_documented() -> None:
    page = (DOCS / "events.md").read_text(encoding="utf-8")
    names = [entry.name for entry in EVENT_TYPES] + [field.name for field in FIELDS]
    assert [name for name in names if f"| `{name}` |" not in page] == []


def test_the_links_between_the_pages_lead_somewhere() -> None:
    link = re.compile(r"\]\((?!https?:|#)([^)#]+)")
    comment = re.compile(r"<!--.*?-->", re.DOTALL)
    pages = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in link.findall(comment.sub("", page.read_text(encoding="utf-8")))
        if not (page.parent / target).exists()
    ]
    assert broken == []
