"""The vectorised check against the reference, and columns against the events."""

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from operators.columns import ColumnReader, concat, cuts
from operators.profiles import Names
from stream.events import EVENT_TYPES, FIELDS, Event, Kind
from stream.validate import reject_reason

HUGE = st.sampled_from([-(2**70), -(2**53) - 1, -1, 0, 1, 5, 2**53, 2**53 + 1, 2**63, 2**70])
TIMES = st.sampled_from([-(2**70), 0, 946_684_800_000, 1_793_534_400_000, 4_102_444_800_000, 2**64])
IDS = st.sampled_from(["", "a", "p1", "x" * 128, "x" * 129, "line\nbreak", "nul\x00", "中文", " "])
USERS = st.sampled_from(["0123456789abcdef", "0123456789ABCDEF", "0123456789abcde", "g" * 16, ""])


BLANK = Event(event_id="", source="", type="", event_time_ms=0)


def value_of(kind: Kind) -> st.SearchStrategy[object]:
    """Good and bad values of a kind of field."""
    match kind:
        case Kind.INT:
            return HUGE
        case Kind.TIME:
            return TIMES
        case Kind.USER:
            return USERS
        case Kind.CURRENCY:
            return st.sampled_from(["CNY", "cny", "", "EURO"])
        case Kind.IDENTITY:
            return st.sampled_from(["stable", "masked", "other"])
        case _:
            return IDS


@st.composite
def events(draw: st.DrawFn) -> Event:
    """An event with any mixture of good, bad and missing fields."""
    fields: dict[str, object] = {
        "event_id": draw(IDS),
        "source": draw(st.sampled_from(["s", "", "t" * 129])),
        "type": draw(st.sampled_from([e.name for e in EVENT_TYPES] + ["nonsense"])),
        "event_time_ms": draw(TIMES),
    }
    for field in FIELDS[4:]:
        if draw(st.booleans()):
            good = {Kind.USER: "00000000000000ff", Kind.INT: 3, Kind.TIME: 1_793_534_400_000}
            plain = {Kind.CURRENCY: "CNY", Kind.IDENTITY: "stable"}
            usual: object = {**good, **plain}.get(field.kind, "ok")
            fields[field.name] = (
                draw(value_of(field.kind)) if draw(st.integers(0, 9)) == 0 else usual
            )
    return msgspec.structs.replace(BLANK, **fields)


HUGE_GIFT = Event(
    event_id="g",
    source="s",
    type="gift",
    event_time_ms=1_793_534_400_000,
    tenant="t",
    room_id="r",
    user_id="0123456789abcdef",
    amount_minor=2**53 + 1,
)


@settings(max_examples=400, deadline=None)
@given(st.lists(events(), max_size=12))
@example([HUGE_GIFT])
def test_the_fast_check_rejects_what_the_reference_rejects(batch: list[Event]) -> None:
    columns, failed = ColumnReader(Names()).read(batch)
    assert [reason for _, reason in failed] == [
        reason for event in batch if (reason := reject_reason(event)) is not None
    ]
    kept = [event for event in batch if reject_reason(event) is None]
    assert columns.time_ms.tolist() == [event.event_time_ms for event in kept]
    assert [EVENT_TYPES[code].name for code in columns.type.tolist()] == [e.type for e in kept]


@settings(max_examples=100, deadline=None)
@given(st.lists(events(), max_size=30), st.lists(st.integers(0, 30), max_size=4))
def test_joining_and_cutting_loses_nothing(batch: list[Event], places: list[int]) -> None:
    reader = ColumnReader(Names())
    reader.begin()
    parts = [reader.read(batch[start : start + 7])[0] for start in range(0, len(batch), 7)]
    if not parts:
        return
    whole = concat(parts)
    ends = sorted(min(place, whole.n) for place in places)
    pieces = list(cuts(whole, [*ends, whole.n]))
    assert [k for piece in pieces for k in piece.key.tolist()] == whole.key.tolist()
    starts = [0, *ends]
    back = {
        s + p: e for s, piece in zip(starts, pieces, strict=True) for p, e in piece.objects.items()
    }
    assert back == whole.objects
