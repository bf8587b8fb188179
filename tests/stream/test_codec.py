"""Hostile bytes: each costs itself alone, for a reason, with its bytes kept."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from operators.results import DeadLetter
from operators.shard import Record
from stream.codec import CHUNK_BYTES, MAX_LINE_BYTES, Rejected, chunks, decode, decode_line, encode
from stream.events import Event
from stream.validate import reject_reason
from tests.operators.one_room import T0_MS, event, quiet_shard, tick

GOOD = event("enter", 5, 1, 0xAA).rstrip(b"\n")
TIME = str(T0_MS + 5).encode()

UNREADABLE = {
    "cut JSON": (GOOD[:40], "malformed_json"),
    "NUL bytes before": (b"\x00\x00" + GOOD, "malformed_json"),
    "a NUL byte in a text": (GOOD.replace(b'"r1"', b'"r\x001"'), "malformed_json"),
    "something behind": (GOOD + b"}", "malformed_json"),
    "two on one line": (GOOD + GOOD, "malformed_json"),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, "malformed_json"),
    "half a surrogate": (GOOD.replace(b'"r1"', b'"\\ud800"'), "malformed_json"),
    "not a number": (GOOD.replace(TIME, b"NaN"), "malformed_json"),
    "nested too deeply": (GOOD[:-1] + b',"x":' + b"[" * 6_000 + b"}", "malformed_json"),
    "no UTF-8": (GOOD.replace(b'"r1"', b'"r\xff"'), "invalid_utf8"),
    "an array": (b"[]", "wrong_type"),
    "a number": (b"17", "wrong_type"),
    "null": (b"null", "wrong_type"),
    "a time as text": (GOOD.replace(TIME, b'"' + TIME + b'"'), "wrong_type"),
    "a time with a fraction": (GOOD.replace(TIME, TIME + b".5"), "wrong_type"),
    "a time with an exponent": (GOOD.replace(TIME, b"1e30"), "wrong_type"),
    "a quantity that is a truth": (GOOD[:-1] + b',"qty":true}', "wrong_type"),
    "no event_id": (GOOD.replace(b'"event_id"', b'"id"'), "wrong_type"),
    "no type": (GOOD.replace(b'"type"', b'"kind"'), "wrong_type"),
    "a huge line": (GOOD[:-1] + b',"text":"' + b"x" * MAX_LINE_BYTES + b'"}', "too_long"),
}
UNUSABLE = {
    "an unknown type": (GOOD.replace(b'"enter"', b'"entered"'), "unknown_type"),
    "an empty id": (GOOD.replace(b'"e1"', b'""'), "bad:event_id"),
    "an escaped NUL": (GOOD.replace(b'"r1"', b'"r\\u0000"'), "bad:room_id"),
    "no viewer": (GOOD.replace(b'"user_id"', b'"viewer"'), "missing:user_id"),
    "the year 3000": (GOOD.replace(TIME, b"32503680000000"), "event_time_out_of_range"),
    "a time past 2^63": (GOOD.replace(TIME, str(2**63).encode()), "event_time_out_of_range"),
    "a time past 2^64": (GOOD.replace(TIME, str(2**70).encode()), "event_time_out_of_range"),
    "a negative time": (GOOD.replace(TIME, b"-1"), "event_time_out_of_range"),
    "a quantity past 2^63": (
        GOOD.replace(b'"enter"', b'"like"')[:-1] + b',"qty":%d}' % 2**63,
        "bad:qty",
    ),
}
BAD = UNREADABLE | UNUSABLE


@pytest.mark.parametrize(("line", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_line_that_is_no_event_is_rejected_for_its_reason(line: bytes, reason: str) -> None:
    result = decode_line(line)
    assert isinstance(result, Rejected)
    assert result.reason == reason
    assert line.startswith(result.raw)
    assert len(result.raw) == min(len(line), 4_096 if reason == "too_long" else len(line))


@pytest.mark.parametrize(("line", "reason"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_event_out_of_bounds_is_readable_and_has_a_reason(line: bytes, reason: str) -> None:
    result = decode_line(line)
    assert isinstance(result, Event)
    assert reject_reason(result) == reason


@pytest.mark.parametrize(("line", "reason"), BAD.values(), ids=BAD)
def test_a_shard_counts_it_keeps_its_bytes_and_folds_its_neighbours(
    line: bytes, reason: str
) -> None:
    before, after = event("enter", 1, 2, 0xB), event("enter", 2, 3, 0xC)
    shard = quiet_shard()
    body = b"".join([tick(0), before, line + b"\n", after, after])
    outputs = shard.step([Record("1", 0, body)])
    dead = [letter for output in outputs for letter in output.dead]
    assert [(letter.reason, letter.raw) for letter in dead] == [(reason, line[:4_096])]
    assert isinstance(dead[0], DeadLetter)
    counters = shard.state.counters
    assert counters[f"dead.{reason}"] == 1
    assert counters["accepted"] == 2
    assert counters["duplicates"] == 1
    assert counters["in"] == 4 == counters["accepted"] + counters["duplicates"] + counters["dead"]


def test_all_of_them_at_once_leave_the_good_ones_whole() -> None:
    lines = []
    for number, (line, _) in enumerate(BAD.values()):
        lines += [line, event("comment", number, 100 + number, 1, text="你好").rstrip(b"\n")]
    events, rejected = decode(b"\n".join(lines))
    assert [one.reason for one in rejected] == [reason for _, reason in UNREADABLE.values()]
    good = [one for one in events if reject_reason(one) is None]
    assert [one.event_id for one in good] == [f"e{100 + number}" for number in range(len(BAD))]


def test_blank_lines_and_line_ends_of_other_systems_are_nothing() -> None:
    events, rejected = decode(b"\n\r\n  \n" + GOOD + b"\r\n\n" + GOOD)
    assert len(events) == 2
    assert rejected == []
    assert decode(b"") == ([], [])


def test_the_longest_line_is_still_taken() -> None:
    room = MAX_LINE_BYTES - len(GOOD) - len(b',"text":""')
    line = GOOD[:-1] + b',"text":"' + b"x" * room + b'"}'
    assert len(line) == MAX_LINE_BYTES
    for body in (line, line + b"\n", GOOD + b"\n" + line + b"\n" + GOOD):
        assert decode(body)[1] == []
    longer = line.replace(b"xx", b"xxx", 1)
    assert [one.reason for one in decode(GOOD + b"\n" + longer + b"\n" + GOOD)[1]] == ["too_long"]


def test_unknown_keys_are_ignored_and_encoding_leaves_nulls_out() -> None:
    wide = decode_line(GOOD[:-1] + b',"price":{"a":[1,null]}}')
    assert wide == decode_line(GOOD)
    assert isinstance(wide, Event)
    assert json.loads(encode(wide)) == json.loads(GOOD)
    assert decode_line(encode(wide)) == wide


def test_chunks_end_at_line_ends_and_lose_nothing() -> None:
    line = GOOD + b"\n"
    body = line * (3 * CHUNK_BYTES // len(line)) + GOOD
    parts = list(chunks(body))
    assert b"".join(parts) == body
    assert len(parts) > 2
    assert all(part.endswith(b"\n") for part in parts[:-1])
    assert list(chunks(b"")) == []
    endless = b"x" * (2 * CHUNK_BYTES)
    assert list(chunks(endless)) == [endless]


hostile = st.one_of(
    st.just(GOOD),
    st.sampled_from([line for line, _ in BAD.values() if len(line) < 2_000]),
    st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b"")),
    st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)).map(
        lambda change: GOOD[: change[0]] + bytes([change[1]]) + GOOD[change[0] + 1 :]
    ),
)


@settings(max_examples=300, deadline=None)
@given(parts=st.lists(hostile, max_size=5))
@example(parts=[b'{"event_id":"1","source":', b'"s","type":"enter","event_time_ms":1}'])
@example(parts=[GOOD[:-1], b"}"])
@example(parts=[b"", GOOD + GOOD])
@example(parts=[GOOD + GOOD, GOOD[:-1], b"}"])
def test_a_chunk_is_read_exactly_as_its_lines_one_by_one(parts: list[bytes]) -> None:
    lines = b"\n".join(parts).split(b"\n")
    results = [decode_line(line) for line in lines if line.strip()]
    events, rejected = decode(b"\n".join(lines))
    assert events == [one for one in results if isinstance(one, Event)]
    assert rejected == [one for one in results if isinstance(one, Rejected)]
