"""A replay's pace and its progress bar."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol, TypeVar

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

_TICK: Final = b'"type":"tick"'


class Sized(Protocol):
    """A piece of a recording that is no bytes."""

    @property
    def size(self) -> int:
        """Its bytes in the file."""


P = TypeVar("P", bound=bytes | Sized)


def watched(pieces: Iterable[P], files: Sequence[Path]) -> Iterator[P]:
    """Pass pieces on, with a progress bar where stderr is a terminal."""
    if not sys.stderr.isatty():
        yield from pieces
        return
    total = sum(path.stat().st_size for path in files if path.is_file())
    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("replay", total=total or None)
        for piece in pieces:
            yield piece
            progress.advance(task, len(piece) if isinstance(piece, bytes) else piece.size)


def paced(chunks: Iterable[bytes], speed: float | None) -> Iterator[bytes]:
    """Pass lines on at `speed` times the recorded time, cut at ticks; None: at once."""
    if speed is None:
        yield from chunks
        return
    started_s, first_ms = time.monotonic(), None
    for chunk in chunks:
        waiting: list[bytes] = []
        for line in chunk.splitlines(keepends=True):
            waiting.append(line)
            if _TICK not in line:
                continue
            tick_ms = _tick_ms(line)
            if tick_ms is None:
                continue
            first_ms = tick_ms if first_ms is None else first_ms
            due_s = started_s + (tick_ms - first_ms) / 1000 / speed
            yield b"".join(waiting)
            waiting = []
            time.sleep(max(0.0, due_s - time.monotonic()))
        if waiting:
            yield b"".join(waiting)


def _tick_ms(line: bytes) -> int | None:
    from stream.codec import decode_line
    from stream.events import Event

    event = decode_line(line)
    return event.event_time_ms if isinstance(event, Event) and event.type == "tick" else None
