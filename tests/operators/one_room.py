"""A log of one room, written line by line, and what a shard makes of it."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from operators.options import Options
from operators.plan import Plan
from operators.results import Row
from operators.rules.model import RuleSet
from operators.shard import Record, Shard
from stream.formats import tick_line
from stream.options import make_shard
from stream.replay import version_of
from stream.settings import Settings

T0_MS = 1_700_000_040_000
"""A full minute; all times in these tests are relative to it."""


def tick(at_ms: int) -> bytes:
    """A tick."""
    return tick_line(T0_MS + at_ms) + b"\n"


def ticks(from_s: int, to_s: int) -> list[bytes]:
    """A tick a second, both ends included."""
    return [tick(second * 1000) for second in range(from_s, to_s + 1)]


def event(kind: str, at_ms: int, number: int, user: int | None = None, **more: object) -> bytes:
    """An event of room r1 of shop t1; `number` makes its id unless `event_id` is given."""
    body: dict[str, object] = {
        "event_id": f"e{number}",
        "source": "/test",
        "type": kind,
        "event_time_ms": T0_MS + at_ms,
        "tenant": "t1",
        "room_id": "r1",
    }
    if user is not None:
        body["user_id"] = f"{user:016x}"
    body.update(more)
    return json.dumps({name: value for name, value in body.items() if value != "null"}).encode() + (
        b"\n"
    )


@dataclass
class Played:
    """What came out of a log."""

    rows: list[Row] = field(default_factory=list)
    dead: Counter[str] = field(default_factory=Counter)
    counters: Mapping[str, int] = field(default_factory=dict)

    def metrics(self, window: str, dimension: str = "room") -> list[dict[str, object]]:
        """Rows of a window as (start, end, revision, key, session, metrics), relative to T0_MS."""
        return [
            {
                "start": row.start_ms - T0_MS,
                "end": row.end_ms - T0_MS,
                "revision": row.revision,
                "key": row.key,
                "session": row.body["session_number"],
                "metrics": row.body["metrics"],
                "nulls": row.body.get("nulls", {}),
            }
            for row in self.rows
            if row.kind == "metric" and (row.window, row.dimension) == (window, dimension)
        ]


def quiet_shard(**options: Any) -> Shard:
    """A shard without rules; `options` are those of `Options`."""
    return Shard(0, Plan(), RuleSet((), "", {}), replace(Options(), **options))


def play(
    lines: Sequence[bytes], shard: Shard | None = None, *, size: int = 0, close: bool = False
) -> Played:
    """Fold lines in records of `size` lines (0: one record); `close` as at a recording's end."""
    shard = shard or make_shard(0, Settings())
    out = Played()
    outputs = []
    for number, body in enumerate(bodies(lines, size), 1):
        outputs += shard.step([Record(version_of(number), 0, body)])
    if close:
        outputs += shard.close()
    for output in outputs:
        out.rows += output.rows
        out.dead.update(letter.reason for letter in output.dead)
    out.counters = dict(shard.state.counters)
    return out


def bodies(lines: Sequence[bytes], size: int) -> Iterable[bytes]:
    """Bodies of records of `size` lines."""
    for start in range(0, len(lines), size or max(1, len(lines))):
        yield b"".join(lines[start : start + (size or len(lines))])
