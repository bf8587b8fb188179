"""SIGTERM and SIGINT as a flag that is set even while the main thread is inside Bytewax.

Bytewax takes no snapshot on a signal and, while a cluster's processes look for each other,
runs no Python at all; so the signal also wakes a thread, which ends a process that has not
begun to read within `UNBEGUN_S`.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

UNBEGUN_S: Final = 2.0
_LOG: Final = logging.getLogger("liveroom.engine")


class Stop(threading.Event):
    """Set when the process shall end. `begun` is set by whoever reads or writes first."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self._since_s: float | None = None

    def set(self) -> None:
        """Set it, and note since when."""
        if self._since_s is None:
            self._since_s = time.monotonic()
        super().set()

    def left_s(self, of_s: float) -> float:
        """What is left of so many seconds since it was set; all of them before."""
        since_s = self._since_s
        return of_s if since_s is None else max(0.0, since_s + of_s - time.monotonic())


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """A flag that SIGTERM and SIGINT set. Main thread only."""
    stop = Stop()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    watcher = threading.Thread(target=_watch, args=(reading, stop), name="stop", daemon=True)
    watcher.start()
    woken = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    before = {n: signal.signal(n, on_signal) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(woken)
        os.close(writing)
        stop.begun.set()
        watcher.join()
        os.close(reading)


def _watch(reading: int, stop: Stop) -> None:
    """Wait for a signal, or for the end of the pipe: the block is over."""
    while caught := os.read(reading, 1):
        if caught[0] not in (signal.SIGTERM, signal.SIGINT):
            continue
        stop.set()
        if not stop.begun.wait(UNBEGUN_S):
            _LOG.info("stopped before anything was read")
            # The main thread may be waiting for peers that never come; nothing is open yet.
            os._exit(0)
