"""The pages of docs/ that are made from the code; `make docs` writes them, a test compares."""

from collections.abc import Callable
from typing import Final

from operators.catalogue import as_markdown
from stream.schema import events_markdown
from stream.settings import settings_markdown

PAGES: Final[dict[str, Callable[[], str]]] = {
    "events.md": events_markdown,
    "metrics.md": as_markdown,
    "settings.md": settings_markdown,
}
"""File name in docs/ to the function that makes its text."""
