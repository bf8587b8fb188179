"""Groups NDJSON lines by shard into entries of the log, bounded in events and bytes."""

from collections.abc import Iterable
from typing import Final

import msgspec

from sinks.log_writer import Entry
from stream.ids import shard_of

MAX_ENTRY_EVENTS: Final = 500
"""500 events an entry: 2.5 M events/s in against 0.1 M one by one (measured for the design)."""
MAX_ENTRY_BYTES: Final = 256 * 1024
MAX_LINE_BYTES: Final = 16 * 1024
"""The engine dead-letters longer lines; we pass on enough of one for it to see that."""
_MEMO_GROUPS: Final = 100_000


class _Head(msgspec.Struct, gc=False):
    """What decides the shard of a line."""

    type: str | None = None
    tenant: str | None = None
    group: str | None = None


_DECODER: Final = msgspec.json.Decoder(_Head)


class _Open:
    """The entry being filled for one shard."""

    __slots__ = ("lines", "size")

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.size = 0


class Batcher:
    """Fills entries; `take` and `flush` hand out full and all entries, in order for each shard.

    A line that cannot be decoded or names no tenant goes to one fixed shard, whose engine
    counts it as a dead letter. A `tick` line goes to every shard.
    """

    def __init__(self, shards: int, *, producer: str = "") -> None:
        self.shards = shards
        self.producer = producer
        self._open = [_Open() for _ in range(shards)]
        self._full: list[Entry] = []
        self._memo: dict[tuple[str, str | None], int] = {}

    def shard_of_line(self, line: bytes) -> int | None:
        """Shard of one line; None: a tick, which goes to all of them."""
        try:
            head = _DECODER.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return shard_of("", None, self.shards)
        if head.type == "tick":
            return None
        group = (head.tenant or "", head.group)
        shard = self._memo.get(group)
        if shard is None:
            if len(self._memo) >= _MEMO_GROUPS:
                self._memo.clear()
            shard = self._memo[group] = shard_of(*group, self.shards)
        return shard

    def add(self, line: bytes) -> None:
        """Add one line, with or without its newline; an empty one is nothing."""
        line = line.strip(b"\r\n")
        if not line:
            return
        shard = self.shard_of_line(line) if len(line) <= MAX_LINE_BYTES else self._of_cut(line)
        if len(line) > MAX_LINE_BYTES:
            line = line[: MAX_LINE_BYTES + 1]
        for place in range(self.shards) if shard is None else (shard,):
            self._put(place, line)

    def add_all(self, lines: Iterable[bytes]) -> None:
        """Add lines in order."""
        for line in lines:
            self.add(line)

    def take(self) -> list[Entry]:
        """Hand out the entries that are full."""
        full, self._full = self._full, []
        return full

    def flush(self) -> list[Entry]:
        """Hand out everything."""
        for shard in range(self.shards):
            self._seal(shard)
        return self.take()

    def _of_cut(self, line: bytes) -> int | None:
        """Shard of an overlong line; a tick of that size is no tick."""
        shard = self.shard_of_line(line)
        return shard_of("", None, self.shards) if shard is None else shard

    def _put(self, shard: int, line: bytes) -> None:
        entry = self._open[shard]
        size = len(line) + 1
        if entry.lines and entry.size + size > MAX_ENTRY_BYTES:
            self._seal(shard)
            entry = self._open[shard]
        entry.lines.append(line)
        entry.size += size
        if len(entry.lines) >= MAX_ENTRY_EVENTS:
            self._seal(shard)

    def _seal(self, shard: int) -> None:
        entry = self._open[shard]
        if entry.lines:
            entry.lines.append(b"")
            self._full.append(Entry(shard, b"\n".join(entry.lines), self.producer))
            self._open[shard] = _Open()
