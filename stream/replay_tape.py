"""A recording as a tape: its lines on disk, and where each of its ticks stands.

What is folded up to a tick is what `liveroom replay` has folded there, so a place on the tape is
a tick, and the figures of a moment are those at the last tick until then.
"""

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from stream.codec import decode_line
from stream.errors import ConfigError
from stream.events import Event

_TICK: Final = re.compile(rb'"type"\s*:\s*"tick"')


class Tape:
    """Lines in log order, with an index of the ticks among them. Times: recorded ms.

    `reached(t)` counts ticks; `end(n)` is the byte behind the n-th of them. What follows the
    last tick belongs to it.
    """

    def __init__(self, path: Path, ticks_ms: "array[int]", ends: "array[int]") -> None:
        self._file = path.open("rb")
        self._ticks_ms = ticks_ms
        self._ends = ends

    @property
    def from_ms(self) -> int:
        """Time of the first tick."""
        return self._ticks_ms[0]

    @property
    def to_ms(self) -> int:
        """Time of the last tick."""
        return self._ticks_ms[-1]

    @property
    def count(self) -> int:
        """How many ticks there are."""
        return len(self._ticks_ms)

    def reached(self, at_ms: int) -> int:
        """How many ticks have come at a time: those at it are among them."""
        return bisect_right(self._ticks_ms, at_ms)

    def tick_ms(self, number: int) -> int:
        """Time of the n-th tick, from 1; that of the first for 0."""
        return self._ticks_ms[max(0, number - 1)]

    def end(self, number: int) -> int:
        """The byte behind the n-th tick, from 1; 0 for 0."""
        return self._ends[number - 1] if number else 0

    def before(self, byte: int) -> int:
        """How many ticks stand before a byte."""
        return bisect_right(self._ends, byte)

    def read(self, start: int, end: int) -> bytes:
        """The bytes `[start, end)`."""
        self._file.seek(start)
        return self._file.read(end - start)

    def cut(self, start: int, share: float) -> int:
        """A line end between `start` and the next tick, about `share` of the way there."""
        number = self.before(start)
        if number >= self.count:
            return start
        body = self.read(start, self.end(number + 1))
        found = body.rfind(b"\n", 0, int(len(body) * min(1.0, max(0.0, share))))
        return start + found + 1

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def make_tape(chunks: Iterable[bytes], path: Path) -> Tape:
    """Write a recording to `path` and index it.

    Args:
        chunks: NDJSON in log order with ticks, whole lines, as `read_events` gives it.
        path: a file to make.

    Raises:
        ConfigError: there is nothing in it.
    """
    ticks_ms: array[int] = array("q")
    ends: array[int] = array("q")
    size = 0
    with path.open("wb") as file:
        for chunk in chunks:
            whole = chunk if chunk.endswith(b"\n") else chunk + b"\n"
            for found in _TICK.finditer(whole):
                start = whole.rfind(b"\n", 0, found.start()) + 1
                end = whole.index(b"\n", found.end()) + 1
                event = decode_line(whole[start : end - 1])
                if isinstance(event, Event) and event.type == "tick":
                    # Several clocks may have written: time does not go back.
                    ticks_ms.append(max(event.event_time_ms, ticks_ms[-1] if ticks_ms else 0))
                    ends.append(size + end)
            file.write(whole)
            size += len(whole)
    if not ends:
        raise ConfigError("file", "the recording", "one with events in it")
    ends[-1] = size
    return Tape(path, ticks_ms, ends)
