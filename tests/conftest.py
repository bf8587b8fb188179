"""The order of all tests."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the browser's tests last.

    Playwright leaves an event loop running in the thread: `asyncio.run` is refused after it.
    """
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
