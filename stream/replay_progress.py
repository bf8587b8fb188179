"""A replay's pace and its progress bar."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

_TICK: Final = b'"type":"tick"'


def watched(chunks: Iterable[bytes], files: Sequence[Path]) -> Iterator[bytes]:
    """Pass chunks on, with a progress bar where stderr is a terminal."""
    if not sys.stderr.isatty():
        yield from chunks
        return
    total = sum(path.stat().st_size for path in files if path.is_file())
    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("replay", total=total or None)
        for chunk in chunks:
            yield chunk
            progress.advance(task, len(chunk))


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
