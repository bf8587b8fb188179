"""The clock of a recording that has none: one tick an event-second and a closing tick. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

MAX_OUT_OF_ORDERNESS_MS: Final = 2_000
ALLOWED_LATENESS_MS: Final = 60_000
MINUTE_MS: Final = 60_000

Timed = tuple[int, bytes]
"""An event's time in ms and its NDJSON line without the line end."""


def tick_line(time_ms: int) -> bytes:
    """One tick as an NDJSON line, without line end."""
    return b'{"event_id":"%d","source":"clock","type":"tick","event_time_ms":%d}' % (
        time_ms,
        time_ms,
    )


def closing_tick_ms(last_ms: int) -> int:
    """Time of the closing tick: a full minute by which every window of `last_ms` is final."""
    end = last_ms + MAX_OUT_OF_ORDERNESS_MS + ALLOWED_LATENESS_MS + MINUTE_MS
    return -(-end // MINUTE_MS) * MINUTE_MS


def with_ticks(events: Iterable[Timed]) -> Iterator[bytes]:
    """Put a tick before the first event of each second, and the closing tick at the end.

    Args:
        events: sorted by time; a time below its predecessor's is taken as the predecessor's.

    Yields:
        NDJSON lines without line ends. Nothing for no events.
    """
    second = -1
    for time_ms, line in events:
        if time_ms // 1000 > second:
            second = time_ms // 1000
            yield tick_line(second * 1000)
        yield line
    if second >= 0:
        yield tick_line(closing_tick_ms(second * 1000 + 999))
