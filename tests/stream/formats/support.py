"""Where the recorded data lies, and the short way from bytes to events."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from stream.events import Event
from stream.formats import FORMAT_BY_NAME, Unreadable

KEY = b"test key"


def shared_data(*parts: str) -> Path:
    """Path below ../shared/data; the test skips, visibly, where it is absent."""
    repo = Path(__file__).resolve().parents[3]
    path = repo.parent.joinpath("shared", "data", *parts)
    if not path.exists():
        pytest.skip(f"recorded data absent: ../shared/data/{'/'.join(parts)}")
    return path


def read(fmt: str, data: bytes) -> tuple[list[Event], list[Unreadable]]:
    """Events and unreadable records of one document."""
    reader = FORMAT_BY_NAME[fmt].read
    assert reader is not None
    records = list(reader(data, KEY))
    events = [record for record in records if isinstance(record, Event)]
    return events, [record for record in records if isinstance(record, Unreadable)]


def lines(chunks: Iterable[bytes]) -> list[dict[str, object]]:
    """The parsed lines of NDJSON chunks."""
    return [json.loads(line) for line in b"".join(chunks).splitlines()]
