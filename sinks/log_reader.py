"""Reads the shards of a process from Redis: one thread, one blocking XREAD, bounded queues.

`pop` never waits, as Bytewax demands of `next_batch`; polling 16 streams every 5 ms instead
cost a quarter of a core.
"""

import threading
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Final, Self

from sinks import redis_metrics as metrics
from sinks.log import START, LogGap, LogRecord, Position, log_id
from sinks.log_cursor import LogCursor
from sinks.redis_client import RECONNECT, Arg, Backoff, Link, Refusal, Reply
from sinks.redis_keys import key
from sinks.redis_reply import pairs
from sinks.redis_scripts import ScriptCall, run_calls
from stream.errors import LiveroomError, SinkError

QUEUE_BYTES: Final = 8 * 2**20
"""Bytes queued of one shard before it is left out of the next read (one read may exceed it)."""
MAX_COUNT: Final = 512
BLOCK_MS: Final = 250
"""Also the longest wait before a trim, an added shard or a close is noticed."""
CROWDED_WAIT_S: Final = 0.02
"""While a full queue is left out of the read we do not block in Redis, whose time-outs of idle
servers are 100 ms coarse, but wait here for room."""
IDLE_CHECK_ROUNDS: Final = 8
"""After this many empty reads in a row, ask whether the log was lost: every 2 s."""


class LogReader:
    """`Log` on Redis Streams. `trouble` says in words why it is not `healthy`."""

    def __init__(
        self,
        url: str,
        shards: Iterable[int] = (),
        positions: Mapping[int, Position] | None = None,
        *,
        queue_bytes: int = QUEUE_BYTES,
        timeout_s: float = 2.0,
    ) -> None:
        self._link = Link(url, timeout_s=timeout_s + BLOCK_MS / 1_000)
        self._queue_bytes = queue_bytes
        self._cursors: dict[int, LogCursor] = {}
        self._trims: dict[int, ScriptCall] = {}
        self._lock = threading.Lock()
        self._filled = threading.Condition(self._lock)
        self._drained = threading.Condition(self._lock)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._checked_generation = 0
        self._empty_reads = 0
        self.trouble: str | None = None
        self.reconnects = 0
        for shard in shards:
            self.add(shard, (positions or {}).get(shard, START))

    @property
    def healthy(self) -> bool:
        """Whether the last attempt to read succeeded."""
        return self.trouble is None

    def add(self, shard: int, position: Position = START) -> None:
        """Begin to read a shard after `position`; the thread starts with the first shard."""
        with self._lock:
            self._cursors[shard] = LogCursor(position)
            self._drained.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="log-reader", daemon=True)
            self._thread.start()

    def remove(self, shard: int) -> None:
        """Stop reading a shard and forget what is queued of it."""
        with self._lock:
            self._cursors.pop(shard, None)
            self._trims.pop(shard, None)

    def pop(self, shard: int, max_bytes: int) -> list[LogRecord | LogGap]:
        """Take what is queued: at least one item if there is any, else up to `max_bytes`.

        Returns [] when nothing is queued, without waiting.

        Raises:
            LiveroomError: the reader's thread failed with a bug of ours.
        """
        with self._lock:
            if self._failure is not None:
                raise LiveroomError("the log reader's thread failed") from self._failure
            cursor = self._cursors.get(shard)
            taken = cursor.pop(max_bytes) if cursor else []
            if taken:
                self._drained.notify_all()
        for item in taken:
            if isinstance(item, LogGap):
                metrics.LOG_GAPS.labels(item.reason).inc()
                metrics.LOG_LOST.inc(item.lost_count or 0)
        return taken

    def queued_bytes(self, shard: int) -> int:
        """Bytes of a shard that wait to be taken; 0 for a shard that is not ours."""
        with self._lock:
            cursor = self._cursors.get(shard)
            return cursor.queued_bytes if cursor else 0

    def wait(self, timeout_s: float) -> bool:
        """Wait until any shard has something queued; False after `timeout_s`."""
        with self._filled:
            return self._filled.wait_for(self._something, timeout_s)

    def trim(
        self, shard: int, durable_id: str, now_ms: int, age_ms: int, *, fence: int = 0
    ) -> None:
        """Note what is durable; the thread trims the log to min(durable, age) between reads.

        Args:
            shard: one of ours.
            durable_id: last entry that is in a durable snapshot.
            now_ms: wall clock.
            age_ms: entries younger than this stay.
            fence: our claim; Redis ignores an older one. 0: no claim to check.
        """
        oldest = min(log_id(durable_id), (max(0, now_ms - age_ms), 0))
        minid = f"{oldest[0]}-{oldest[1]}"
        keys = (key(shard, "in"), key(shard, "meta"))
        with self._lock:
            self._trims[shard] = ScriptCall("trim", keys, (durable_id, minid, fence))

    def close(self) -> None:
        """Stop the thread and close the connection. Safe to call twice."""
        self._closing.set()
        with self._lock:
            self._drained.notify_all()
        if self._thread is not None:
            self._thread.join()
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        self.close()

    def _something(self) -> bool:
        return self._failure is not None or any(self._cursors.values())

    def _run(self) -> None:
        attempt = 0
        try:
            while not self._closing.is_set():
                try:
                    self._round()
                    attempt, self.trouble = 0, None
                    metrics.LOG_HEALTHY.set(1)
                except SinkError as error:
                    attempt += 1
                    metrics.LOG_HEALTHY.set(0)
                    if attempt == 1:
                        self.reconnects += 1
                        metrics.LOG_RECONNECTS.inc()
                    self.trouble = error.why
                    self._closing.wait(Backoff().delay_ms(attempt) / 1_000)
        except BaseException as error:  # handed to the caller of pop()
            with self._lock:
                self._failure = error
                self._filled.notify_all()

    def _round(self) -> None:
        self._link.connect()
        if self._checked_generation != self._link.generation or self._idle():
            self._check()
            self._checked_generation, self._empty_reads = self._link.generation, 0
        self._send_trims()
        asked = self._next_read()
        if not asked:
            return
        reply = self._link.run([self._command(asked)])[0]
        if isinstance(reply, Refusal):
            if reply.kind in RECONNECT:
                self._link.drop()
            raise SinkError("log", reply.text, 100)
        self._take(reply, asked)

    def _idle(self) -> bool:
        return self._empty_reads >= IDLE_CHECK_ROUNDS

    def _next_read(self) -> dict[int, str]:
        """Shards with room in their queue, each with the id to read after."""
        with self._lock:
            room = {
                shard: cursor.position.id
                for shard, cursor in self._cursors.items()
                if cursor.queued_bytes < self._queue_bytes
            }
            if not room:
                self._drained.wait(BLOCK_MS / 1_000)
            return room

    def _command(self, asked: Mapping[int, str]) -> tuple[Arg, ...]:
        with self._lock:
            cursors = [self._cursors[shard] for shard in asked if shard in self._cursors]
            crowded = len(asked) < len(self._cursors)
        room = [(self._queue_bytes - c.queued_bytes) / c.mean_bytes for c in cursors]
        count = max(1, min(MAX_COUNT, int(min(room, default=1))))
        block = () if crowded else ("BLOCK", BLOCK_MS)
        keys = [key(shard, "in") for shard in asked]
        return ("XREAD", "COUNT", count, *block, "STREAMS", *keys, *asked.values())

    def _take(self, reply: Reply, asked: Mapping[int, str]) -> None:
        if not isinstance(reply, list):
            self._empty_reads += 1
            with self._lock:
                if len(asked) < len(self._cursors):
                    self._drained.wait(CROWDED_WAIT_S)
            return
        self._empty_reads = 0
        with self._lock:
            for stream in reply:
                assert isinstance(stream, list)
                name, entries = stream
                assert isinstance(name, bytes) and isinstance(entries, list)
                shard = int(name[1 : name.index(b"}")])
                cursor = self._cursors.get(shard)
                # Meanwhile the shard may have been removed, or added at another position.
                if cursor is not None and cursor.position.id == asked[shard]:
                    _admit(cursor, entries)
            self._filled.notify_all()

    def _check(self) -> None:
        """Ask whether the logs still hold our positions (FLUSHALL, fail-over)."""
        with self._lock:
            shards = list(self._cursors)
        replies = self._link.run([("XINFO", "STREAM", key(shard, "in")) for shard in shards])
        with self._lock:
            for shard, reply in zip(shards, replies, strict=True):
                if isinstance(reply, Refusal) and reply.may_pass:
                    raise SinkError("log", reply.text, 100)
                if shard in self._cursors and self._cursors[shard].check(_last_id(reply)):
                    self._filled.notify_all()

    def _send_trims(self) -> None:
        with self._lock:
            calls = list(self._trims.values())
            self._trims.clear()
        for reply in run_calls(self._link, calls) if calls else ():
            # What is not trimmed now is trimmed with the next durable snapshot.
            if isinstance(reply, Refusal) and not reply.may_pass:
                raise SinkError("log", reply.text, 1_000)


def _admit(cursor: LogCursor, entries: list[Reply]) -> None:
    for entry in entries:
        assert isinstance(entry, list)
        entry_id, fields = entry
        assert isinstance(entry_id, bytes)
        cursor.admit(entry_id.decode(), pairs(fields))


def _last_id(reply: Reply | Refusal) -> str | None:
    if isinstance(reply, Refusal):  # no such key
        return None
    return pairs(reply).get(b"last-generated-id", b"").decode() or None
