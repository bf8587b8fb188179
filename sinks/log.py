"""What an engine needs of a log, whatever keeps it: values and one Protocol.

`log_reader.LogReader` is the Redis Streams one; another (Kafka) can follow behind `Log`.
"""

from dataclasses import dataclass
from typing import Final, Protocol


@dataclass(frozen=True, slots=True)
class Position:
    """Last entry taken of a shard: its id and its entry number. Goes into snapshots."""

    id: str = "0-0"
    n: int = 0


START: Final = Position()
"""Before the first entry."""


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One entry of a shard's log: id `<ms>-<seq>`, consecutive number from 1, NDJSON bytes."""

    id: str
    n: int
    body: bytes

    @property
    def position(self) -> Position:
        """Where a reader stands that has taken this entry."""
        return Position(self.id, self.n)


@dataclass(frozen=True, slots=True)
class LogGap:
    """Entries are gone before the next record: announced, counted, then the log goes on.

    `lost_count` None: unknown. `reason`: `trimmed` (removed before we read them), `restarted`
    (the log began anew: FLUSHALL, or a fail-over that lost its tail), `foreign` (an entry that
    was not written by `append.lua` was skipped).
    """

    lost_count: int | None
    reason: str


class Log(Protocol):
    """A log of numbered entries in shards, read by one engine process."""

    @property
    def healthy(self) -> bool:
        """Whether the last attempt to read succeeded."""

    def add(self, shard: int, position: Position = START) -> None:
        """Begin to read a shard after `position`."""

    def remove(self, shard: int) -> None:
        """Stop reading a shard and forget what is queued of it."""

    def pop(self, shard: int, max_bytes: int) -> list[LogRecord | LogGap]:
        """Take what is queued, at least one if there is any, else up to `max_bytes`. No wait."""

    def wait(self, timeout_s: float) -> bool:
        """Wait until any shard has something queued; False after `timeout_s`."""

    def trim(
        self, shard: int, durable_id: str, now_ms: int, age_ms: int, *, fence: int = 0
    ) -> None:
        """Say that all up to `durable_id` is in a snapshot; older than `age_ms` may go."""

    def close(self) -> None:
        """Stop. Safe to call twice."""


def log_id(text: str) -> tuple[int, int]:
    """Id as numbers that compare in log order."""
    ms, _, seq = text.partition("-")
    return int(ms), int(seq or 0)
