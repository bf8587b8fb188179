"""Reads the dead letters of all shards and sends them through the log again."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sinks.log_batcher import MAX_ENTRY_BYTES, MAX_ENTRY_EVENTS
from sinks.log_writer import Appended, Entry, LogWriter
from sinks.redis_client import Link, Reply
from sinks.redis_keys import key
from sinks.redis_pending import RAW_BYTES
from sinks.redis_reply import pairs

PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """One rejected record as it is kept: `raw` holds its first 4 KiB.

    `id` is unique within the shard; `kept_ms` is when it was stored, `version` the log position
    of the batch it came in.
    """

    shard: int
    id: str
    reason: str
    raw: bytes
    detail: str
    version: str

    @property
    def kept_ms(self) -> int:
        """When it was stored, ms since 1970."""
        return int(self.id.partition("-")[0])

    @property
    def cut(self) -> bool:
        """Whether the end of the record is missing: then it cannot be sent again."""
        return len(self.raw) >= RAW_BYTES


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of a retry: sent again, left because cut, left because the shard is full."""

    sent_count: int
    cut_count: int
    waiting_count: int


def letters(
    link: Link, shards: int, *, reason: str | None = None, limit: int | None = None
) -> list[StoredLetter]:
    """Letters of all shards, newest first.

    Args:
        link: connection to Redis.
        shards: number of shards.
        reason: only those of this reason.
        limit: at most so many; None: all that are kept (`dead_maxlen` a shard).

    Raises:
        SinkError: Redis is away or refuses.
    """
    found: list[StoredLetter] = []
    for shard in range(shards):
        of_shard = (one for one in _newest_first(link, shard) if reason in (None, one.reason))
        for count, letter in enumerate(of_shard, 1):
            found.append(letter)
            if count == limit:
                break
    found.sort(key=lambda letter: letter.kept_ms, reverse=True)
    return found[:limit]


def letter(link: Link, shard: int, letter_id: str) -> StoredLetter | None:
    """One letter, or None if it is not (or no longer) kept.

    Raises:
        SinkError: Redis is away, or the id is none.
    """
    reply = link.call("XRANGE", key(shard, "dead"), letter_id, letter_id)
    return next(_parsed(shard, reply), None)


def counts(link: Link, shards: int) -> dict[str, int]:
    """Totals by reason since the engine's state began, most frequent first; kept or not.

    Raises:
        SinkError: Redis is away or refuses.
    """
    totals: Counter[str] = Counter()
    for shard in range(shards):
        for name, value in pairs(link.call("HGETALL", key(shard, "counters"))).items():
            if name.startswith(b"dead."):
                totals[name.decode().removeprefix("dead.")] += int(value)
    return dict(totals.most_common())


def retry(link: Link, writer: LogWriter, chosen: Sequence[StoredLetter]) -> Retried:
    """Append records to the log of their shards again and remove their letters.

    A crash in between leaves letters of records that were sent: sending them once more is safe,
    the engine drops the duplicates.

    Raises:
        SinkError: Redis is away or refuses; some may have been sent.
    """
    whole = [one for one in chosen if not one.cut]
    sent = waiting = 0
    for batch in _batches(sorted(whole, key=lambda one: one.shard)):
        lines = b"".join(one.raw.strip(b"\r\n") + b"\n" for one in batch)
        done = writer.append_many([Entry(batch[0].shard, lines, "deadletters")])[0]
        if isinstance(done, Appended):
            link.call("XDEL", key(batch[0].shard, "dead"), *(one.id for one in batch))
            sent += len(batch)
        else:
            waiting += len(batch)
    return Retried(sent, len(chosen) - len(whole), waiting)


def _batches(ordered: Sequence[StoredLetter]) -> Iterator[list[StoredLetter]]:
    """Letters of one shard each, within the bounds of a log entry."""
    batch: list[StoredLetter] = []
    size = 0
    for one in ordered:
        full = len(batch) == MAX_ENTRY_EVENTS or size + len(one.raw) >= MAX_ENTRY_BYTES
        if batch and (full or one.shard != batch[0].shard):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += len(one.raw) + 1
    if batch:
        yield batch


def _newest_first(link: Link, shard: int) -> Iterator[StoredLetter]:
    end = "+"
    while True:
        page = list(
            _parsed(shard, link.call("XREVRANGE", key(shard, "dead"), end, "-", "COUNT", PAGE))
        )
        yield from page
        if len(page) < PAGE:
            return
        end = "(" + page[-1].id


def _parsed(shard: int, reply: Reply) -> Iterator[StoredLetter]:
    for entry in reply if isinstance(reply, list) else ():
        if not isinstance(entry, list) or not isinstance(entry[0], bytes):
            continue
        fields = pairs(entry[1])
        reason, detail, version = (
            fields.get(name, b"").decode(errors="replace") for name in (b"reason", b"detail", b"v")
        )
        raw = fields.get(b"raw", b"")
        yield StoredLetter(shard, entry[0].decode(), reason, raw, detail, version)
