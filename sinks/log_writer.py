"""The producer's side of the log: append batches of NDJSON lines to the shards.

Appends may repeat after a lost reply (input is at-least-once; the engine dedupes exactly).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import orjson

from sinks.redis_client import Backoff, Link, Refusal, Reply, pause
from sinks.redis_keys import key
from sinks.redis_scripts import ScriptCall, run_calls
from stream.errors import InvariantError, SinkError

DEFAULT_LIMIT_BYTES: Final = 64 * 2**20
"""Un-durable bytes a shard may hold before producers are told to wait: 512 MiB at 8 shards."""
DEFAULT_RETRY_MS: Final = 100
CALL_BODIES: Final = 16
CALL_BYTES: Final = 2**20
_ODD_REPLY: Final = "append.lua returned something else than [wait, n, id, ...]"


@dataclass(frozen=True, slots=True)
class Appended:
    """The entry stands in the log: its id and its consecutive number in the shard, from 1."""

    id: str
    n: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Back-pressure: the shard holds too many un-durable bytes; nothing was appended."""

    retry_ms: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One batch of lines for a shard."""

    shard: int
    lines: bytes
    producer: str = ""


def append_call(
    entries: Sequence[Entry], limit_bytes: int, retry_ms: int = DEFAULT_RETRY_MS
) -> ScriptCall:
    """Script call that appends entries of one shard and one producer, in order."""
    shard, producer = entries[0].shard, entries[0].producer
    bodies = tuple(entry.lines for entry in entries)
    keys = (key(shard, "in"), key(shard, "meta"))
    return ScriptCall("append", keys, (limit_bytes, retry_ms, producer, *bodies))


def parse_appended(reply: Reply, count: int) -> list[Appended | Wait]:
    """Results of `count` entries from the reply of `append.lua`."""
    if not isinstance(reply, list):
        raise InvariantError(_ODD_REPLY)
    wait, first, *ids = reply
    if not (isinstance(wait, int) and isinstance(first, int)):
        raise InvariantError(_ODD_REPLY)
    done: list[Appended | Wait] = [
        Appended(entry_id.decode(), first + i)
        for i, entry_id in enumerate(ids)
        if isinstance(entry_id, bytes)
    ]
    return done + [Wait(wait)] * (count - len(done))


def tick_line(now_ms: int) -> bytes:
    """The clock's line for a shard's log, newline included."""
    tick = {"event_id": str(now_ms), "source": "clock", "type": "tick", "event_time_ms": now_ms}
    return orjson.dumps(tick) + b"\n"


class LogWriter:
    """Appends to the shards `0 .. shards-1` over one connection. Not for several threads.

    A connection that breaks is made anew up to `attempts` times, with jittered delays.
    """

    def __init__(
        self,
        link: Link,
        shards: int,
        *,
        limit_bytes: int = DEFAULT_LIMIT_BYTES,
        retry_ms: int = DEFAULT_RETRY_MS,
        attempts: int = 5,
    ) -> None:
        self._link = link
        self.shards = shards
        self._limit_bytes = limit_bytes
        self._retry_ms = retry_ms
        self._attempts = attempts

    def append(self, shard: int, lines: bytes, *, producer: str = "") -> Appended | Wait:
        """Append one entry.

        Args:
            shard: in `[0, shards)`.
            lines: one or many NDJSON lines.
            producer: name stored with the entry; "" for none.

        Raises:
            SinkError: Redis is out of reach or refuses; `retry_after_ms` says whether to retry.
        """
        return self.append_many([Entry(shard, lines, producer)])[0]

    def append_many(self, entries: Sequence[Entry]) -> list[Appended | Wait]:
        """Append entries, pipelined; the order within a shard is kept.

        Returns one result an entry, in order. After the first `Wait` of a shard all its later
        entries wait too.

        Raises:
            SinkError: as `append`; any number of the entries may have been appended.
        """
        results: dict[int, Appended | Wait] = {}
        waiting: dict[int, list[int]] = {}
        for place, entry in enumerate(entries):
            waiting.setdefault(entry.shard, []).append(place)
        while waiting:
            # One call a shard a round: a later call must not overtake a refused one.
            heads = [_head(entries, places) for places in waiting.values()]
            for places, done in zip(heads, self._round(entries, heads), strict=True):
                results.update(zip(places, done, strict=True))
                shard = entries[places[0]].shard
                rest = waiting[shard][len(places) :]
                last = done[-1]
                if isinstance(last, Wait):
                    results.update((place, last) for place in rest)
                    rest = []
                if rest:
                    waiting[shard] = rest
                else:
                    del waiting[shard]
        return [results[place] for place in range(len(entries))]

    def tick(self, now_ms: int) -> list[Appended | Wait]:
        """Append a tick to every shard; a shard under back-pressure gets none.

        Time in such a shard stands still until it takes events again: were it to go on, the
        events that wait outside would be late when they come in.

        Raises:
            SinkError: as `append`.
        """
        line = tick_line(now_ms)
        return self.append_many([Entry(shard, line) for shard in range(self.shards)])

    def close(self) -> None:
        """Close the connection."""
        self._link.close()

    def _round(
        self, entries: Sequence[Entry], heads: Sequence[Sequence[int]]
    ) -> list[list[Appended | Wait]]:
        calls = [
            append_call([entries[i] for i in places], self._limit_bytes, self._retry_ms)
            for places in heads
        ]
        replies = self._send(calls)
        return [
            parse_appended(reply, len(places)) for reply, places in zip(replies, heads, strict=True)
        ]

    def _send(self, calls: Sequence[ScriptCall]) -> list[Reply]:
        done: dict[int, Reply] = {}
        for attempt in range(1, self._attempts + 1):
            left = [i for i in range(len(calls)) if i not in done]
            try:
                replies = run_calls(self._link, [calls[i] for i in left])
                refused = _collect(left, replies, done)
            except SinkError as error:
                refused = error
            if refused is None:
                return [done[i] for i in range(len(calls))]
            if refused.retry_after_ms is None or attempt == self._attempts:
                raise refused
            pause(Backoff().delay_ms(attempt))
        raise InvariantError("unreachable: attempts is at least 1")


def _collect(
    places: Sequence[int], replies: Sequence[Reply | Refusal], done: dict[int, Reply]
) -> SinkError | None:
    """Sort replies into `done`; the first refusal as an error."""
    failed: SinkError | None = None
    for place, reply in zip(places, replies, strict=True):
        if not isinstance(reply, Refusal):
            done[place] = reply
        elif failed is None or not reply.may_pass:
            failed = SinkError("log", reply.text, DEFAULT_RETRY_MS if reply.may_pass else None)
    return failed


def _head(entries: Sequence[Entry], places: Sequence[int]) -> list[int]:
    """First places that fit one call: same producer, few bodies, bounded bytes; at least one."""
    first = entries[places[0]]
    taken, size = [places[0]], len(first.lines)
    for place in islice(places, 1, CALL_BODIES):
        entry = entries[place]
        size += len(entry.lines)
        if entry.producer != first.producer or size > CALL_BYTES:
            break
        taken.append(place)
    return taken
