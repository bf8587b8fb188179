"""One shard's place in the log: turns raw entries into records and notices gaps. Pure."""

from collections import deque
from collections.abc import Mapping

from sinks.log import LogGap, LogRecord, Position, log_id


class LogCursor:
    """What was read of a shard (`position`) and what waits to be taken (a queue)."""

    def __init__(self, position: Position) -> None:
        self.position = position
        self.queued_bytes = 0
        self._queue: deque[LogRecord | LogGap] = deque()
        self._mean_bytes = 1_024.0

    def __bool__(self) -> bool:
        """Whether something waits."""
        return bool(self._queue)

    @property
    def mean_bytes(self) -> float:
        """Moving mean of the entries' sizes."""
        return self._mean_bytes

    def admit(self, entry_id: str, fields: Mapping[bytes, bytes]) -> None:
        """Queue the next entry, and before it what is missing by its number."""
        body, number = fields.get(b"b"), fields.get(b"n", b"")
        if body is None or not number.isdigit():
            self._queue.append(LogGap(None, "foreign"))
            self.position = Position(entry_id, self.position.n)
            return
        n, wanted = int(number), self.position.n + 1
        if n > wanted:
            self._queue.append(LogGap(n - wanted, "trimmed"))
        elif n < wanted:
            self._queue.append(LogGap(None, "restarted"))
        self.position = Position(entry_id, n)
        self._queue.append(LogRecord(entry_id, n, body))
        self.queued_bytes += len(body)
        self._mean_bytes += (len(body) - self._mean_bytes) / 16

    def check(self, last_id: str | None) -> bool:
        """Compare with the last id the log ever gave (None: there is no log).

        Where the log is behind us it has begun anew: announce it and start from its beginning.
        Returns whether it had.
        """
        if self.position.id == "0-0":
            return False
        if last_id is not None and log_id(last_id) >= log_id(self.position.id):
            return False
        self._queue.append(LogGap(None, "restarted"))
        self.position = Position()
        return True

    def pop(self, max_bytes: int) -> list[LogRecord | LogGap]:
        """Take at least one item if there is any, else as many as fit `max_bytes`."""
        taken: list[LogRecord | LogGap] = []
        size = 0
        while self._queue:
            item = self._queue[0]
            length = len(item.body) if isinstance(item, LogRecord) else 0
            if taken and size + length > max_bytes:
                break
            taken.append(self._queue.popleft())
            size += length
        self.queued_bytes -= size
        return taken
