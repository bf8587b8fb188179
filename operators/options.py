"""Settings of the core that decide results, and the state all its parts share."""

from dataclasses import dataclass, field

from operators.catalogue.axes import UNKNOWN_KEY
from operators.catalogue.boards import BOARDS
from operators.columns import ColumnReader
from operators.cube import Cube
from operators.deferred import Deferred
from operators.hashindex import HashIndex
from operators.interval_index import Intervals
from operators.kept_values import KeptValues
from operators.ledger import Ledger
from operators.packing import Packing
from operators.plan import Plan
from operators.presence import ACTIVE_S, Presence
from operators.profiles import TRAITS, Names
from operators.sessions import TOTAL_ROOM, Sessions
from operators.sides import Sides
from operators.tags import Tags
from operators.talk.words import Words
from stream import parts


@dataclass(frozen=True, slots=True)
class Options:
    """Times in ms. Defaults: the design's; each is a setting of the engine."""

    max_out_of_orderness_ms: int = 2_000
    allowed_lateness_ms: int = 60_000
    max_skew_ms: int = 60_000
    presence_ttl_ms: int = 300_000
    session_idle_ms: int = 1_800_000
    board_ttl_ms: int = 86_400_000
    board_lines: int = 50
    stock_low_units: int = 10
    history_minutes: int = 240
    explanation_tail_ms: int = 180_000
    words: Words = Words()
    term_horizon_ms: int = 300_000
    ledger_days: int = 30
    leave_out: frozenset[str] = frozenset()
    """Names of `stream.parts.PARTS` that are not worked out."""


@dataclass(slots=True)
class Clock:
    """The shard's time: the last tick, and what follows from it. None before the first tick."""

    tick_ms: int | None = None
    options: Options = field(default_factory=Options)

    def watermark_ms(self) -> int | None:
        """Last tick - max_out_of_orderness."""
        return None if self.tick_ms is None else self.tick_ms - self.options.max_out_of_orderness_ms


class State:
    """Everything one shard knows. Parts are changed by `operators.fold` and `operators.beat`."""

    def __init__(self, shard: int, plan: Plan, options: Options) -> None:
        self.shard = shard
        self.plan = plan
        self.options = options
        self.clock = Clock(None, options)
        self.names = Names()
        self.reader = ColumnReader(self.names)
        self.sessions = Sessions(options.session_idle_ms, options.allowed_lateness_ms)
        self.cube = Cube(plan)
        self.sides = Sides()
        self.tags = Tags()
        self.presence = Presence(options.presence_ttl_ms // 1000)
        self.active = Presence(min(ACTIVE_S, options.presence_ttl_ms // 1000))
        self.intervals = Intervals(options.explanation_tail_ms, self.names)
        self.ledger = Ledger(len(TRAITS))
        self.deferred = Deferred(plan, self.cube, self.sessions, self.intervals, self.ledger)
        self.viewers = HashIndex()
        boards = () if parts.BOARDS in options.leave_out else BOARDS
        kept = KeptValues((board.dimension, board.measure) for board in boards)
        self.packing = Packing(self.cube, self.sessions, self.viewers, kept, options.board_ttl_ms)
        self.seen = [HashIndex(), HashIndex()]
        self.seen_turn = -1
        self.counters: dict[str, int] = {}

    def cell_place(self, cell: int) -> tuple[str, str, str, str]:
        """(tenant, group, room, key) of a cell; the key of no key is `unknown`.

        The room of a group's totals is `TOTAL_ROOM`, their key the tenant.
        """
        session, dimension = int(self.cube.cell_session[cell]), int(self.cube.cell_dimension[cell])
        where = self.sessions.place(session)
        key = self.key(session, dimension, int(self.cube.cell_key[cell])) or UNKNOWN_KEY
        if where.room_id == TOTAL_ROOM:
            key = where.tenant
        return where.tenant, where.group, where.room_id, key

    def key(self, session: int, dimension: int, code: int) -> str | None:
        """The key of a cell of a session, None for -1."""
        if code >= 0 and dimension >= len(self.plan.at_once):
            return self.intervals.text(session, code)
        return self.names.text(code)

    def bounds(self, cell: int) -> tuple[int, int]:
        """`[start, end)` of the interval of a cell, within its session.

        What no end was told of ends with its session, or at the next tick.
        """
        session = int(self.cube.cell_session[cell])
        start_ms = int(self.sessions.start_ms[session])
        end_ms = int(self.sessions.end_ms[session]) or (self.clock.tick_ms or 0) + 1
        start, end = self.intervals.bounds(session, int(self.cube.cell_key[cell]))
        start = max(start, start_ms)
        return start, max(min(end, end_ms), start)

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter."""
        if by:
            self.counters[name] = self.counters.get(name, 0) + by
