"""What the core hands to the sinks: plain values, no behaviour.

A *state channel* is a map of fields whose newest value counts; a *log channel* is a sequence
that loses nothing. Both are named `<kind>:<tenant>/<group or room>[/<more>]`; the kinds are in
`CHANNELS`. Values are what JSON can say: integers, strings, null, and ratios as
`{"num": int, "den": int, "value": float | null}`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

RowKind = Literal["metric", "board", "alert", "stock"]

CHANNELS: Final[dict[str, tuple[Literal["state", "log"], str]]] = {
    "room": ("state", "`room:T/ROOM`: the room's own figures, field `<window>.<metric>`"),
    "split": ("state", "`split:T/ROOM/DIMENSION`: field `<window>.<metric>.<key>`"),
    "group": ("state", "`group:T/GROUP`: all rooms of a group together, `<window>.<metric>`"),
    "hist": (
        "state",
        "`hist:T/ROOM`: 1m rows, field `<start_ms>`; `…/product`: `<start_ms>.<key>`",
    ),
    "board": ("state", "`board:T/GROUP/NAME[@ROOM]`: field = rank from 1, value one board line"),
    "stock": ("state", "`stock:T/GROUP`: field = pool, value the pool's figures"),
    "names": ("state", "`names:T/GROUP`: field `<role>.<id>`, value title and picture"),
    "replay": ("state", "`replay:tape/tape`: where a replay stands, alerts it comes to"),
    "answers": ("state", "`answers:T/GROUP`: field `answer.<alert>`, what the next beat will tell"),
    "alerts": ("log", "`alerts:T/GROUP`: every change of every alert"),
}
"""Channel kind to (how it behaves, what it holds). Redis keys and the wire use these names."""


@dataclass(frozen=True, slots=True)
class Row:
    """One final row of the results file; `body` holds the fields of its kind.

    `[start_ms, end_ms)` is half-open event time. `revision` counts corrections from 0.
    """

    kind: RowKind
    tenant: str
    group: str
    room_id: str | None
    dimension: str
    key: str | None
    window: str
    start_ms: int
    end_ms: int
    final: bool
    revision: int
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Patch:
    """Changed fields of one state channel: absolute values; None deletes the field.

    A value that is `bytes` is its JSON already: most are, and are only passed on.
    """

    channel: str
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of a log channel. `ordinal` places it among those of the same log position."""

    channel: str
    ordinal: int
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One rejected record: why, and its raw bytes (cut at 4 KiB)."""

    reason: str
    raw: bytes
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """All that one stretch of a shard's log yields.

    `version` is the log position it reflects, `"<13-digit ms>-<20-digit seq>"`, so that text
    order is log order. `as_of_ms` is the wall-clock ms at which that entry was appended.
    `retired` names channels whose session is sealed: they may expire.
    """

    shard: int
    version: str
    as_of_ms: int
    patches: tuple[Patch, ...] = ()
    entries: tuple[LogEntry, ...] = ()
    rows: Sequence[Row] = ()
    dead: tuple[DeadLetter, ...] = ()
    retired: tuple[str, ...] = ()
    counters: Mapping[str, int] = field(default_factory=dict)
