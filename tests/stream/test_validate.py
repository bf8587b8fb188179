"""The bounds of every field, from the tables of `stream.events`."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.columns import ColumnReader
from operators.profiles import Names
from stream.events import (
    EVENT_TYPES,
    FIELDS,
    MAX_EVENT_TIME_MS,
    MAX_ID_CHARS,
    MAX_INT,
    MAX_TEXT_CHARS,
    MIN_EVENT_TIME_MS,
    Event,
    EventType,
    Kind,
    Level,
)
from stream.validate import MAX_SKEW_MS, id_fits, reject_reason

NOW_MS = 1_700_000_000_000
KINDS = {field.name: field.kind for field in FIELDS}
SAMPLE: dict[Kind, object] = {
    Kind.ID: "x",
    Kind.USER: "00000000000000ff",
    Kind.TEXT: "text",
    Kind.INT: 3,
    Kind.TIME: NOW_MS,
    Kind.CURRENCY: "CNY",
    Kind.IDENTITY: "stable",
}
BROKEN: dict[Kind, tuple[object, ...]] = {
    Kind.ID: ("", "x" * (MAX_ID_CHARS + 1), "a\nb", "a\x00"),
    Kind.USER: ("", "00000000000000FF", "ff", "g" * 16, "0" * 17, " " * 16),
    Kind.TEXT: ("x" * (MAX_TEXT_CHARS + 1),),
    Kind.INT: (MAX_INT + 1, -MAX_INT - 1),
    Kind.TIME: (MAX_INT + 1,),
    Kind.CURRENCY: ("", "cny", "YUAN", "C1Y"),
    Kind.IDENTITY: ("", "known"),
}


def whole(entry: EventType) -> dict[str, Any]:
    """An event of a type with all the fields it can have."""
    names = (*entry.required, *entry.optional)
    body: dict[str, Any] = {name: SAMPLE[KINDS[name]] for name in names}
    body |= {"event_id": "1", "source": "s", "type": entry.name, "event_time_ms": NOW_MS}
    if entry.level is not Level.SHARD:
        body["tenant"] = "t1"
    if entry.level is Level.ROOM:
        body["room_id"] = "r1"
    return body


def reason(body: dict[str, Any], **changes: Any) -> str | None:
    return reject_reason(Event(**{**body, **changes}))


each_type = pytest.mark.parametrize("entry", EVENT_TYPES, ids=lambda entry: entry.name)


@each_type
def test_an_event_with_all_it_can_have_is_good_and_so_is_one_with_what_it_needs(
    entry: EventType,
) -> None:
    body = whole(entry)
    assert reason(body) is None
    assert reason(body, **dict.fromkeys(entry.optional)) is None


@each_type
def test_a_required_field_that_is_missing_is_named(entry: EventType) -> None:
    for name in entry.required:
        assert reason(whole(entry), **{name: None}) == f"missing:{name}"
    if entry.level is not Level.SHARD:
        assert reason(whole(entry), tenant=None) == "missing:tenant"
    if entry.level is Level.ROOM:
        assert reason(whole(entry), room_id=None) == "missing:room_id"


@each_type
def test_a_field_out_of_its_bounds_is_named(entry: EventType) -> None:
    for name in (*entry.required, *entry.optional):
        for value in BROKEN[KINDS[name]]:
            assert reason(whole(entry), **{name: value}) == f"bad:{name}", value


@pytest.mark.parametrize("name", ["event_id", "source", "tenant", "group", "room_id", "channel"])
def test_an_id_any_type_has_is_checked_on_all(name: str) -> None:
    for value in BROKEN[Kind.ID]:
        assert reason(whole(EVENT_TYPES[0]), **{name: value}) == f"bad:{name}"


def test_bounds_are_inclusive_below_and_exclusive_above() -> None:
    body = whole(EVENT_TYPES[0])
    outside = "event_time_out_of_range"
    assert reason(body, event_time_ms=MIN_EVENT_TIME_MS) is None
    assert reason(body, event_time_ms=MIN_EVENT_TIME_MS - 1) == outside
    assert reason(body, event_time_ms=MAX_EVENT_TIME_MS - 1) is None
    assert reason(body, event_time_ms=MAX_EVENT_TIME_MS) == outside
    assert reason(body, source="x" * MAX_ID_CHARS) is None


def test_an_event_time_may_be_a_minute_after_it_was_received() -> None:
    body = whole(EVENT_TYPES[0])
    assert reason(body, recv_time_ms=NOW_MS - MAX_SKEW_MS) is None
    assert reason(body, recv_time_ms=NOW_MS - MAX_SKEW_MS - 1) == "clock_skew"


def test_an_unknown_type_is_said_before_anything_else() -> None:
    assert reason(whole(EVENT_TYPES[0]), type="no_such", event_time_ms=-1) == "unknown_type"


def test_fields_of_other_types_are_ignored() -> None:
    entry = next(entry for entry in EVENT_TYPES if entry.name == "enter")
    assert reason(whole(entry), qty=2**60, order_id="", currency="?", text="x" * 20_000) is None


@pytest.mark.parametrize(("text", "fits"), [("直播间 1", True), ("", False), ("a\tb", False)])
def test_an_id_is_printable_text(text: str, fits: bool) -> None:
    assert id_fits(text) is fits


values: dict[Kind, st.SearchStrategy[object]] = {
    kind: st.sampled_from([SAMPLE[kind], *BROKEN[kind]]) for kind in SAMPLE
}


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_the_columns_reject_what_the_reference_rejects_and_nothing_else(
    data: st.DataObject,
) -> None:
    events = []
    for number in range(data.draw(st.integers(1, 4))):
        body = whole(data.draw(st.sampled_from(EVENT_TYPES)))
        body["event_id"] = str(number)
        for name in data.draw(st.lists(st.sampled_from(sorted(KINDS)), max_size=2)):
            if name != "type":
                none = name not in ("event_id", "source", "event_time_ms") and data.draw(
                    st.booleans()
                )
                body[name] = None if none else data.draw(values[KINDS[name]])
        events.append(msgspec.convert(body, Event))
    columns, failed = ColumnReader(Names()).read(events)
    reasons = [reject_reason(one) for one in events]
    assert [why for _, why in failed] == [why for why in reasons if why is not None]
    assert columns.n == reasons.count(None)
