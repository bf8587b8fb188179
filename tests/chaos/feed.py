"""A recording appended to the log at an even pace, up to a limit that the fault run moves.

Held at the place of the next strike, the log cannot run out however long the engine takes to
come back: every strike falls where the last rows have not been written yet.
"""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sinks.log_writer import LogWriter
from sinks.redis_client import Link
from stream.errors import LiveroomError
from stream.formats import read_events
from stream.replay_log import append_chunks

TURNS_A_S: Final = 20
"""Appends a second."""


class Feed(threading.Thread):
    """Appends `recording` within `seconds`, not counting the time for which it is held.

    `share`: of the recording that is appended, 0 to 1. It is held once that reaches `limit`.
    """

    def __init__(self, recording: Path, url: str, shards: int, seconds: float) -> None:
        super().__init__(name="feed", daemon=True)
        self._recording, self._url, self._shards = recording, url, shards
        self._seconds = seconds
        self._moved = threading.Condition()
        self._limit = 1.0
        self._stopping = False
        self._error: BaseException | None = None
        self.share = 0.0

    def allow(self, limit: float) -> None:
        """Go on up to this share of the recording."""
        with self._moved:
            self._limit = limit
            self._moved.notify_all()

    def reached(self, share: float) -> bool:
        """Whether so much of it is appended.

        Raises:
            LiveroomError: the log refused it.
        """
        if self._error is not None:
            msg = f"the feed ended at {self.share:.3f}: {self._error}"
            raise LiveroomError(msg)
        return self.share >= share

    def stop(self) -> None:
        """End it where it is; for a run that failed."""
        with self._moved:
            self._stopping = True
            self._moved.notify_all()
        self.join()

    def run(self) -> None:
        """Append."""
        link = Link(self._url)
        try:
            append_chunks(self._paced(), LogWriter(link, self._shards))
            self.share = 1.0
        except BaseException as error:  # whoever waits for a share shall know
            self._error = error
        finally:
            link.close()

    def _paced(self) -> Iterator[bytes]:
        data = b"".join(read_events(self._recording, "ndjson", b"chaos"))
        size = max(1, int(len(data) / self._seconds / TURNS_A_S))
        start = 0
        while start < len(data):
            with self._moved:
                # So much stands in the log by now: whoever takes the next piece appended the last.
                self.share = min(start / len(data), 0.999_999)
                self._moved.wait_for(lambda: self._stopping or self.share < self._limit)
                if self._stopping:
                    return
            due_s = time.monotonic() + 1 / TURNS_A_S
            end = data.find(b"\n", min(start + size, len(data) - 1)) + 1 or len(data)
            yield data[start:end]
            start = end
            time.sleep(max(0.0, due_s - time.monotonic()))
