"""Which session an event belongs to: start, end, restart, resume, idle, held."""

from random import Random

import numpy as np
import pytest

from operators.columns import ColumnReader, Columns
from operators.profiles import Names
from operators.results import Row
from operators.sessions import HELD, NO_SESSION, Place, Sessions
from stream.events import Event
from tests.operators.one_room import T0_MS, event, play, quiet_shard, tick, ticks

IDLE_MS = 1_800_000
LATENESS_MS = 60_000
ROOM = Place("t1", "t1", "r1")


class Rig:
    """Sessions of one room, fed event by event."""

    def __init__(self) -> None:
        self.sessions = Sessions(IDLE_MS, LATENESS_MS)
        self.room = self.sessions.room_number(ROOM)
        self.reader = ColumnReader(Names())
        self.count = 0

    def columns(self, kind: str, at_ms: int, status: str | None = None) -> Columns:
        self.count += 1
        one = Event(
            event_id=str(self.count),
            source="s",
            type=kind,
            event_time_ms=T0_MS + at_ms,
            tenant="t1",
            room_id="r1",
            user_id="00000000000000aa",
            status=status,
            order_id="o",
            refund_id="f",
            amount_minor=1,
        )
        columns, failed = self.reader.read([one])
        assert failed == []
        return columns

    def give(self, kind: str, at_ms: int, status: str | None = None, tick_ms: int = 0) -> int:
        """Session of one event."""
        columns = self.columns(kind, at_ms, status)
        rooms = np.array([self.room], np.int32)
        return int(self.sessions.assign(columns, rooms, np.array([T0_MS + tick_ms]))[0])

    def release(self, kind: str, at_ms: int, status: str | None = None) -> int:
        """Session of one held event whose time has come."""
        return self.sessions.release(self.columns(kind, at_ms, status), 0, self.room, T0_MS)

    def span(self, session: int) -> tuple[int, int]:
        """(start, end) of a session relative to T0_MS; end -T0_MS while open."""
        sessions = self.sessions
        return int(sessions.start_ms[session]) - T0_MS, int(sessions.end_ms[session]) - T0_MS


def test_the_first_event_opens_a_session_and_an_earlier_one_moves_its_start() -> None:
    rig = Rig()
    assert rig.give("enter", 1_000) == 0
    assert rig.give("comment", 400) == 0
    assert rig.span(0)[0] == 400
    assert rig.sessions.live().tolist() == [0]


@pytest.mark.parametrize("kind", ["refund_succeeded", "order_cancelled", "leave", "cost"])
def test_what_follows_from_something_earlier_opens_nothing(kind: str) -> None:
    rig = Rig()
    assert rig.give(kind, 0) == NO_SESSION
    assert rig.sessions.count == 0
    assert rig.give("enter", 1_000) == 0
    assert rig.give(kind, 500) == NO_SESSION
    assert rig.give(kind, 1_000) == 0
    assert rig.span(0)[0] == 1_000


def test_an_end_without_a_session_opens_nothing() -> None:
    rig = Rig()
    assert rig.give("room_status", 0, "end") == NO_SESSION
    assert rig.sessions.count == 0


def test_after_the_end_earlier_events_belong_and_later_ones_wait() -> None:
    rig = Rig()
    rig.give("enter", 0)
    assert rig.give("room_status", 5_000, "end") == 0
    assert rig.span(0) == (0, 5_000)
    assert rig.give("enter", 4_999) == 0
    assert rig.give("enter", 5_000) == HELD
    assert rig.give("room_status", 20_000, "start") == HELD


def test_an_end_at_the_start_leaves_one_millisecond() -> None:
    rig = Rig()
    rig.give("enter", 700)
    rig.give("room_status", 700, "end")
    assert rig.span(0) == (700, 701)


def test_a_start_within_ten_seconds_resumes_and_one_after_them_opens_the_next() -> None:
    for gap_ms, session in ((9_999, 0), (10_000, 1)):
        rig = Rig()
        rig.give("enter", 0)
        rig.give("room_status", 5_000, "end")
        assert rig.release("room_status", 5_000 + gap_ms, "start") == session
        assert rig.sessions.count == session + 1
        assert rig.sessions.live().tolist() == [session]
        assert rig.give("enter", 6_000 + gap_ms) == session


def test_without_a_start_trailing_events_belong_until_a_lateness_after_the_end() -> None:
    rig = Rig()
    rig.give("enter", 0)
    rig.give("room_status", 5_000, "end")
    assert rig.release("enter", 5_000 + LATENESS_MS - 1) == 0
    assert rig.release("enter", 5_000 + LATENESS_MS) == 1


def test_an_event_before_a_restart_belongs_to_the_session_before() -> None:
    rig = Rig()
    rig.give("enter", 0)
    rig.give("room_status", 5_000, "end")
    rig.release("room_status", 20_000, "start")
    assert rig.give("enter", 19_999) == 0
    assert rig.give("enter", 20_000) == 1


def test_idle_counts_from_the_tick_of_the_last_event_and_ends_just_after_it() -> None:
    rig = Rig()
    rig.give("enter", 0, tick_ms=0)
    rig.give("comment", 7_000, tick_ms=9_000)
    assert rig.sessions.end_idle(T0_MS + 9_000 + IDLE_MS - 1).tolist() == []
    assert rig.sessions.end_idle(T0_MS + 9_000 + IDLE_MS).tolist() == [0]
    assert rig.span(0) == (0, 7_001)
    assert rig.sessions.end_idle(T0_MS + 9_000 + 2 * IDLE_MS).tolist() == []


def test_a_session_is_sealed_two_latenesses_after_its_end_and_the_room_is_free_again() -> None:
    rig = Rig()
    rig.give("enter", 0)
    rig.give("room_status", 5_000, "end")
    assert rig.sessions.seal(T0_MS + 5_000 + 2 * LATENESS_MS - 1).tolist() == []
    assert rig.sessions.seal(T0_MS + 5_000 + 2 * LATENESS_MS).tolist() == [0]
    assert rig.sessions.seal(T0_MS + 5_000 + 2 * LATENESS_MS).tolist() == []
    assert rig.give("enter", 100_000) == 1


def test_the_end_of_a_recording_ends_what_is_open() -> None:
    rig = Rig()
    rig.give("enter", 0)
    rig.give("comment", 3_000)
    assert rig.sessions.end_all().tolist() == [0]
    assert rig.span(0) == (0, 3_001)
    assert rig.sessions.live().tolist() == []


def test_rooms_of_two_groups_are_told_apart() -> None:
    sessions = Sessions(IDLE_MS, LATENESS_MS)
    places = [Place("t1", "a", "r1"), Place("t1", "b", "r1"), Place("t1", "a", "r2")]
    assert [sessions.room_number(place) for place in places] == [0, 1, 2]
    assert [sessions.room_number(place) for place in places] == [0, 1, 2]
    assert sessions.group_of[:3].tolist() == [0, 1, 0]
    assert sessions.first_of_group[:2].tolist() == [0, 1]


def sessions_of(lines: list[bytes]) -> list[tuple[int, int, object]]:
    """(start, end, views) of every final session row."""
    rows: list[Row] = play([*lines, *ticks(100, 240)], quiet_shard()).rows
    found = []
    for row in rows:
        metrics = row.body.get("metrics")
        if (row.dimension, row.window) == ("room", "session") and isinstance(metrics, dict):
            found.append((row.start_ms - T0_MS, row.end_ms - T0_MS, metrics["view_pv"]))
    return sorted(found)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("gap_ms", [4_000, 30_000])
def test_order_within_the_bound_changes_no_session(seed: int, gap_ms: int) -> None:
    """Two stretches of a room with an end and a start between; events arrive up to 2 s late."""
    random = Random(seed)
    timed = [(at, event("enter", at, at, at)) for at in range(0, 20_000, 700)]
    timed.append((20_000, event("room_status", 20_000, 90_001, status="end")))
    restart = 20_000 + gap_ms
    timed.append((restart, event("room_status", restart, 90_002, status="start")))
    timed += [(at, event("enter", at, at, at)) for at in range(restart, restart + 9_000, 500)]
    timed.append((restart + 9_000, event("room_status", restart + 9_000, 90_003, status="end")))

    def log(arrivals: list[int]) -> list[bytes]:
        clock = [(second * 1000, -1, tick(second * 1000)) for second in range(100)]
        lines = [(at, place, line) for place, (at, (_, line)) in
                 enumerate(zip(arrivals, timed, strict=True))]  # fmt: skip
        return [line for _, _, line in sorted([*clock, *lines])]

    straight = sessions_of(log([at for at, _ in timed]))
    # The first stays first: which event opens a session is decided by who comes.
    late = [at + random.randint(0, 1_999) * (place > 0) for place, (at, _) in enumerate(timed)]
    assert sessions_of(log(late)) == straight
    assert len(straight) == (1 if gap_ms == 4_000 else 2)
