"""Our own NDJSON: passed on as it is when it has ticks, sorted and ticked when it has none.

Unreadable lines stay in place: judging them, with their raw bytes, is the engine's work.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from stream.events import MIN_EVENT_TIME_MS
from stream.formats.common import in_bounds
from stream.formats.ticks import Timed

MAX_LINE_BYTES: Final = 65_536
"""A longer line is cut here (the engine refuses it anyway), so that memory stays bounded."""

_TICK = re.compile(rb'"type"\s*:\s*"tick"')


class _Time(msgspec.Struct):
    event_time_ms: int


def sniff(head: bytes) -> bool:
    """Whether one of the first lines looks like an event of ours."""
    return b'"event_time_ms"' in head


def has_ticks(head: bytes) -> bool:
    """Whether the beginning of a file holds a tick: then it is a recording of a log."""
    return _TICK.search(head) is not None


def whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut blocks of bytes at line ends, unparsed; the last line gets a line end.

    A line longer than `MAX_LINE_BYTES` that spans blocks is cut to that length.
    """
    rest = b""
    for block in blocks:
        data = rest + block if rest else block
        cut = data.rfind(b"\n") + 1
        if cut:
            yield data[:cut]
        # One byte over the limit keeps "too long" visible to the engine.
        rest = data[cut:][: MAX_LINE_BYTES + 1]
    if rest:
        yield rest + b"\n"


def timed_lines(data: bytes) -> Iterator[Timed]:
    """Each non-empty line with its event time; an unusable time becomes that of the line before.

    Leading unusable lines take the first usable time, so that they never move the clock.
    """
    decoder = msgspec.json.Decoder(_Time)
    waiting: list[bytes] = []
    now_ms: int | None = None
    for line in data.split(b"\n"):
        if not line.strip():
            continue
        try:
            time_ms = decoder.decode(line).event_time_ms
        except (msgspec.DecodeError, UnicodeDecodeError):
            time_ms = -1
        if in_bounds(time_ms):
            now_ms = time_ms
            yield from ((time_ms, early) for early in waiting)
            waiting.clear()
        if now_ms is None:
            waiting.append(line)
        else:
            yield now_ms, line
    yield from ((MIN_EVENT_TIME_MS, early) for early in waiting)
