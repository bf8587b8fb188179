"""Joined or one by one, records give the same columns, lines and dead letters."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from operators.columns import ColumnReader
from operators.intake import Intake, Record, take_in
from operators.profiles import Names

T = 1_793_534_400_000


def good(number: int, **more: object) -> bytes:
    fields = {"event_id": f"e{number}", "source": "s", "type": "enter", "event_time_ms": T + number}
    place = {"tenant": "t1", "room_id": "r1", "user_id": f"{number:016x}"}
    return json.dumps({**fields, **place, **more}).encode()


LINES = st.one_of(
    st.integers(0, 99).map(good),
    st.integers(0, 99).map(lambda number: good(number, type="comment", text="中文\n")),
    st.just(b'{"event_id":"1","source":"clock","type":"tick","event_time_ms":1793534400000}'),
    st.just(b""),
    st.sampled_from([b"{", b"[]", b"{}{}", b"\xff", b'{"event_id":1}']),
    st.integers(0, 99).map(lambda number: good(number, user_id="nobody")),
)
BODIES = st.lists(
    st.tuples(st.lists(LINES, max_size=4), st.booleans()).map(
        lambda drawn: b"\n".join(drawn[0]) + (b"\n" if drawn[1] else b"")
    ),
    max_size=8,
)


def told(taken: Intake) -> list[tuple[str, bytes, int, int]]:
    """Return (record, line, time, key) of each usable event."""
    if taken.columns is None:
        return []
    return [
        (taken.record_at(place).version, taken.line_at(place), time_ms, key)
        for place, (time_ms, key) in enumerate(
            zip(taken.columns.time_ms.tolist(), taken.columns.key.tolist(), strict=True)
        )
    ]


@settings(max_examples=300, deadline=None)
@given(BODIES)
def test_joining_records_does_not_show(bodies: list[bytes]) -> None:
    records = [Record(str(number), 0, body) for number, body in enumerate(bodies)]
    whole = take_in(records, ColumnReader(Names()))
    single = [take_in([record], ColumnReader(Names())) for record in records]
    assert told(whole) == [entry for taken in single for entry in told(taken)]
    assert whole.dead == [letter for taken in single for letter in taken.dead]
    assert whole.seen == sum(taken.seen for taken in single)


def test_no_record_holds_nothing() -> None:
    assert take_in([], ColumnReader(Names())).columns is None
    assert take_in([Record("1", 0, b"")], ColumnReader(Names())).columns is None
