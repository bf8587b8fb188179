"""Which session each event belongs to: a walk through each room's events by event time.

The rules, in words (design, section 3; `docs/metrics.md`):
a session opens at an event that can open one, ends at room_status end, or at the first beat
(every 5 s of watermark) `idle_ms` after the tick of its last event, then just after that event.
What happens after an end still belongs to the ended session, until a start, or until an event a
lateness or more after the end. A start within 10 s of the end resumes the session.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from stream.oracle.terms import Terms

RESUME_MS: Final = 10_000
NEVER_OPEN: Final = frozenset(
    (
        *("refund_requested", "refund_succeeded", "order_cancelled", "settlement", "cost"),
        *("stock_set", "stock_adjust", "price", "catalog", "target", "operator_action", "leave"),
    )
)
"""Types that follow from something earlier or lie outside the show: they open no session."""

RoomEvent = tuple[int, str, str, int, int, int | None, str, str | None]
"""(pos, tenant, room_id, event_time_ms, tick_ms, beat_ms, type, status), by room and time."""


@dataclass(slots=True)
class Session:
    """One session. `end_ms` is None while nothing ended it; `told`: by room_status."""

    number: int
    tenant: str
    room_id: str
    start_ms: int
    last_ms: int
    active_ms: int
    end_ms: int | None = None

    told: bool = False

    @property
    def closing_ms(self) -> int:
        """End, exclusive: as told, else just after the last event."""
        return self.last_ms + 1 if self.end_ms is None else self.end_ms


def walk(events: Iterable[RoomEvent], terms: Terms) -> Iterator[tuple[int, Session]]:
    """Yield (pos, session) of every event that belongs to one."""
    session: Session | None = None
    count = 0
    for pos, tenant, room_id, time_ms, tick_ms, beat_ms, kind, status in events:
        if session is not None and (session.tenant, session.room_id) != (tenant, room_id):
            session = None
        mark = status if kind == "room_status" else None
        if session is not None and session.end_ms is None:
            _end_if_idle(session, beat_ms or tick_ms, terms["idle_ms"])
        if session is None or _opens_next(session, time_ms, mark, kind, terms["lateness_ms"]):
            if kind in NEVER_OPEN or mark == "end":
                continue
            count += 1
            session = Session(count, tenant, room_id, time_ms, time_ms, tick_ms)
        elif session.end_ms is not None and mark == "start":
            session.end_ms, session.told = None, False
        elif session.end_ms is None and mark == "end":
            session.end_ms = max(time_ms, session.start_ms + 1)
            session.told = True
        session.last_ms = max(session.last_ms, time_ms)
        session.active_ms = max(session.active_ms, tick_ms)
        yield pos, session


def _end_if_idle(session: Session, beat_ms: int, idle_ms: int) -> None:
    if beat_ms - session.active_ms >= idle_ms:
        session.end_ms = session.last_ms + 1


def _opens_next(
    session: Session, time_ms: int, mark: str | None, kind: str, lateness_ms: int
) -> bool:
    """Whether an event after the end of `session` begins another."""
    if session.end_ms is None:
        return False
    since_end_ms = time_ms - session.end_ms
    if mark == "start":
        return since_end_ms >= RESUME_MS
    return mark is None and since_end_ms >= lateness_ms
