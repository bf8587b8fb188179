import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.gateway.protocol import (
    CLOSE_RANGES,
    CLOSES,
    ERRORS,
    BadFrame,
    Connect,
    Part,
    Sub,
    decode,
    error_frame,
    evt_frame,
    frame,
    quoted,
    rate_class,
    snap_frame,
    upd_frame,
    verdict_of,
    ws_frame,
)


def payload(data: bytes) -> dict[str, object]:
    """The JSON of one server frame."""
    size, head = data[1], 2
    if size == 126:
        size, head = int.from_bytes(data[2:4], "big"), 4
    elif size == 127:
        size, head = int.from_bytes(data[2:10], "big"), 10
    assert data[0] == 0x81
    assert len(data) == head + size
    found: dict[str, object] = json.loads(data[head:])
    return found


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 100_000])
def test_a_frame_says_its_length_in_the_shortest_form(size: int) -> None:
    data = ws_frame(b"x" * size)
    head = 2 if size < 126 else 4 if size < 65_536 else 10
    assert len(data) == head + size


def test_a_channel_name_with_quotes_cannot_break_out_of_its_frame() -> None:
    name = quoted('room:t1/"},"p":0,"x":{"\\')
    assert payload(upd_frame(name, 2, 1, 3, b'{"a":1}'))["ch"] == json.loads(name)
    assert payload(evt_frame(name, 2, 1, 3, b"{}"))["ch"] == json.loads(name)
    assert payload(snap_frame(name, b'"e"', 1, 2, Part(0, 1), b"{}"))["ch"] == json.loads(name)


def test_fields_that_are_none_are_left_out() -> None:
    assert payload(frame("ok", id=1, retry_ms=None)) == {"type": "ok", "id": 1}


def test_codes_are_unique_and_every_close_code_lies_in_a_range() -> None:
    assert len({entry.code for entry in ERRORS}) == len(ERRORS)
    assert len({entry.name for entry in CLOSES}) == len(CLOSES)
    for entry in CLOSES:
        assert any(low <= entry.code < high for low, high, _ in CLOSE_RANGES)


@pytest.mark.parametrize(
    ("code", "verdict"),
    [(4001, "never"), (4099, "never"), (4100, "back_off"), (4200, "now"), (1006, "back_off")],
)
def test_the_range_of_a_close_code_is_its_verdict(code: int, verdict: str) -> None:
    assert verdict_of(code) == verdict


@pytest.mark.parametrize(
    ("asked", "given_ms"),
    [(None, 200), (1, 100), (100, 100), (101, 200), (500, 500), (60_000, 500), (-5, 100)],
)
def test_a_rate_is_rounded_up_to_its_class(asked: int | None, given_ms: int) -> None:
    assert rate_class(asked) == given_ms


def test_commands_are_decoded_and_unknown_keys_ignored() -> None:
    assert decode('{"type":"connect","id":1,"token":"t","caps":[]}') == Connect(1, "t")
    assert decode('{"type":"sub","id":2,"ch":"room:a/b"}') == Sub(2, "room:a/b")


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        ('{"type":"sub","id":7}', 7),
        ('{"type":"nonsense","id":8}', 8),
        ('{"type":"sub","id":9,"ch":5}', 9),
        ('{"type":"sub","id":"9","ch":"x"}', None),
        ('{"id":10}', 10),
        ("[]", None),
        ("", None),
        ("nul", None),
        ("{" * 5_000, None),
        ('{"type":"sub","id":1,"ch":"\ud800"}', 1),
        ('{"type":"sub","id":1,"ch":"\\ud800"}', None),
        ('{"type":"sub","id":1e400,"ch":"x"}', None),
    ],
)
def test_what_is_no_command_is_a_value_with_the_id_if_there_is_one(
    text: str, id_: int | None
) -> None:
    found = decode(text)
    assert isinstance(found, BadFrame)
    assert found.id == id_


@given(st.text())
def test_decoding_never_raises(text: str) -> None:
    decode(text)


def test_an_error_frame_carries_the_table_entry() -> None:
    body = payload(error_frame(3, "too_many_requests", retry_ms=50))
    assert (body["code"], body["name"], body["temp"]) == (111, "too_many_requests", True)
    assert body["retry_ms"] == 50
