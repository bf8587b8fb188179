"""Merge the shards' logs into one recording. Pure: lines and a clock reading in, lines out.

A replay gives every tick of a recording to every shard. So an event must stand, in the
recording, between the same two ticks as in its shard; then its lateness, and with it every
final figure, is the same. Lines are therefore filed under the last tick of their own shard and
written tick by tick: the tick once, then each shard's lines under it, in their order.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import msgspec

from stream.formats.ticks import closing_tick_ms, tick_line
from stream.validate import MAX_SKEW_MS

PATIENCE_MS: Final = 10_000
"""A shard that has sent nothing for this long is no longer waited for."""

_BEFORE_TICKS: Final = -1


class _Head(msgspec.Struct):
    type: str
    event_time_ms: int


@dataclass(slots=True)
class _Shard:
    """Lines by tick, oldest first; the newest group is still open."""

    heard_ms: int
    groups: deque[tuple[int, list[bytes]]] = field(
        default_factory=lambda: deque([(_BEFORE_TICKS, [])])
    )

    @property
    def tick_ms(self) -> int:
        """The shard's clock; -1 before its first tick."""
        return self.groups[-1][0]

    def ready(self, limit_ms: int) -> bool:
        """Whether the oldest group lies below the limit and is closed or holds lines."""
        tick_ms, lines = self.groups[0]
        return tick_ms < limit_ms and (len(self.groups) > 1 or bool(lines))


class Merge:
    """The shards' lines on their way into the recording.

    Args:
        shards: how many shards there are.
        now_ms: the reading of any monotonic clock, as for the other calls.
    """

    def __init__(self, shards: int, now_ms: int) -> None:
        self._shards = [_Shard(now_ms) for _ in range(shards)]
        self._head = msgspec.json.Decoder(_Head)
        self._written_tick_ms = _BEFORE_TICKS
        self._last_event_ms = 0

    def push(self, shard: int, body: bytes, now_ms: int) -> None:
        """Take the next NDJSON bytes of a shard."""
        state = self._shards[shard]
        state.heard_ms = now_ms
        for line in body.split(b"\n"):
            if not line.strip():
                continue
            tick_ms = self._tick_of(line, state.tick_ms)
            if tick_ms is None:
                state.groups[-1][1].append(line)
            elif tick_ms > state.tick_ms:
                state.groups.append((tick_ms, []))

    def drain(self, now_ms: int) -> list[bytes]:
        """Lines that no shard can precede any more, in order, without line ends."""
        waiting = [state.tick_ms for state in self._shards if now_ms - state.heard_ms < PATIENCE_MS]
        limit = min(waiting, default=max(state.tick_ms for state in self._shards))
        return self._take(limit)

    def finish(self) -> list[bytes]:
        """All that is left, and a closing tick unless the log ended with one."""
        last_tick_ms = max(state.tick_ms for state in self._shards)
        lines = self._take(last_tick_ms + 1)
        end_ms = last_tick_ms
        if self._last_event_ms:
            end_ms = max(end_ms, closing_tick_ms(self._last_event_ms))
        if end_ms > self._written_tick_ms:
            lines.append(tick_line(end_ms))
        return lines

    def _take(self, limit_ms: int) -> list[bytes]:
        """Write the groups of ticks below `limit_ms`."""
        lines: list[bytes] = []
        while True:
            due = [state.groups[0][0] for state in self._shards if state.ready(limit_ms)]
            if not due:
                return lines
            tick_ms = min(due)
            if tick_ms > self._written_tick_ms:
                lines.append(tick_line(tick_ms))
                self._written_tick_ms = tick_ms
            for state in self._shards:
                if state.ready(limit_ms) and state.groups[0][0] == tick_ms:
                    lines += self._pop(state)

    def _pop(self, state: _Shard) -> list[bytes]:
        tick_ms, lines = state.groups.popleft()
        if not state.groups:
            # The clock stays; an empty open group keeps later lines of the same tick.
            state.groups.append((tick_ms, []))
        return lines

    def _tick_of(self, line: bytes, now_ms: int) -> int | None:
        """Time of a tick line, None for anything else; notes the newest event time."""
        try:
            head = self._head.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        if head.type == "tick":
            return head.event_time_ms
        # An event further ahead of the clock is a dead letter and must not drag the clock.
        if head.event_time_ms <= now_ms + MAX_SKEW_MS:
            self._last_event_ms = max(self._last_event_ms, head.event_time_ms)
        return None
