"""The Bytewax source: one partition a shard, folded where it is read."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from operators.results import Output

Item = tuple[str, tuple[bool, Output]]
"""(shard name, (replace whole channels, output)): keyed for the partitioned sink."""

IDLE: Final = timedelta(milliseconds=5)
"""Pause of a partition with nothing queued; a far awake in one step would stall others."""

_LOG: Final = logging.getLogger("liveroom.engine")


class Feed(Protocol):
    """One shard as a running thing: `stream.partition.Partition`, or a replay's."""

    def next_batch(self) -> list[tuple[bool, Output]]:
        """Outputs of what there is; StopIteration at the end."""

    def last_flush(self) -> Output | None:
        """More of what is still unsaid, before an orderly stop; None: that is it."""

    def snapshot(self) -> bytes:
        """Position and state."""

    def close(self) -> None:
        """Stop reading."""


class ShardPartition(StatefulSourcePartition[Item, bytes]):
    """A `Feed` as Bytewax wants it. A cluster loses exceptions: they are logged here."""

    def __init__(self, name: str, partition: Feed, stop: threading.Event) -> None:
        self._name = name
        self._partition = partition
        self._stop = stop
        self._drained = False
        self._said = False
        self._idle = False

    def next_batch(self) -> list[Item]:
        """Outputs; StopIteration once a stop was asked for and all is flushed."""
        try:
            if self._stop.is_set():
                # Where nothing of ours stands, Redis need not be there to say nothing.
                last = self._partition.last_flush() if self._said and not self._drained else None
                if last is None:
                    self._drained = True
                    raise StopIteration
                outputs = [(False, last)]
            else:
                outputs = self._partition.next_batch()
        except StopIteration:
            raise
        except Exception:
            _LOG.exception("shard %s failed", self._name)
            raise
        self._idle = not outputs
        self._said |= not self._idle
        return [(self._name, output) for output in outputs]

    def next_awake(self) -> datetime | None:
        """Soon when idle, at once otherwise."""
        return datetime.now(UTC) + IDLE if self._idle and not self._stop.is_set() else None

    def snapshot(self) -> bytes:
        """Position and state."""
        try:
            return self._partition.snapshot()
        except Exception:
            _LOG.exception("shard %s: snapshot failed", self._name)
            raise

    def close(self) -> None:
        """Stop reading the shard."""
        self._partition.close()


class ShardSource(FixedPartitionedSource[Item, bytes]):
    """All shards of the log.

    Args:
        shards: how many; fixed for ever, since Bytewax cannot drop a partition it has stored.
        build: makes the partition of a shard from its saved bytes.
        stop: set to drain and end.
    """

    def __init__(
        self, shards: int, build: Callable[[int, bytes | None], Feed], stop: threading.Event
    ) -> None:
        self._shards = shards
        self._build = build
        self._stop = stop

    def list_parts(self) -> list[str]:
        """Every process can read every shard; Bytewax deals them out."""
        return [str(number) for number in range(self._shards)]

    def build_part(
        self, step_id: str, for_part: str, resume_state: bytes | None
    ) -> StatefulSourcePartition[Item, bytes]:
        """Build or resume one shard."""
        try:
            partition = self._build(int(for_part), resume_state)
        except Exception:
            _LOG.exception("shard %s could not start", for_part)
            raise
        return ShardPartition(for_part, partition, self._stop)
