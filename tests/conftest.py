"""The order of all tests, and no clock in them."""

import pytest
from hypothesis import settings

# Hypothesis' own limit a case is an absolute time: on a busy machine it fails by chance.
settings.register_profile("liveroom", deadline=None)
settings.load_profile("liveroom")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the browser's tests last.

    Playwright leaves an event loop running in the thread: `asyncio.run` is refused after it.
    """
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
