"""A recording as a tape: places are ticks, cuts are line ends."""

from pathlib import Path

import pytest

from stream.errors import ConfigError
from stream.formats import tick_line
from stream.replay_tape import make_tape

EVENT = (
    b'{"event_id":"%d","source":"s","type":"like","event_time_ms":5,"text":"\\"type\\":\\"tick\\""}'
)


def lines(*ticks_ms: int) -> bytes:
    """Ten events before each tick, and one after the last."""
    parts = [
        b"\n".join([*(EVENT % number for number in range(10)), tick_line(at_ms)])
        for at_ms in ticks_ms
    ]
    return b"\n".join([*parts, EVENT % 99]) + b"\n"


def test_places_are_found_by_time_and_by_byte(tmp_path: Path) -> None:
    body = lines(1_000, 2_000, 5_000)
    tape = make_tape([body], tmp_path / "tape")
    assert (tape.from_ms, tape.to_ms, tape.count) == (1_000, 5_000, 3)
    assert [tape.reached(at_ms) for at_ms in (999, 1_000, 4_999, 9_000)] == [0, 1, 2, 3]
    assert [tape.before(tape.end(number)) for number in range(4)] == [0, 1, 2, 3]
    assert tape.read(0, tape.end(3)) == body
    assert tape.read(tape.end(1), tape.end(2)).endswith(tick_line(2_000) + b"\n")
    tape.close()


def test_the_way_to_the_next_tick_is_cut_at_line_ends(tmp_path: Path) -> None:
    tape = make_tape([lines(1_000, 2_000)], tmp_path / "tape")
    start = tape.end(1)
    cuts = [tape.cut(start, share / 20) for share in range(21)]
    assert cuts == sorted(cuts)
    assert cuts[0] == start
    assert cuts[-1] == tape.end(2)
    assert all(tape.read(cut - 1, cut) == b"\n" for cut in cuts)
    assert len(set(cuts)) > 8
    assert tape.cut(tape.end(2), 0.5) == tape.end(2)
    tape.close()


def test_time_does_not_go_back_where_recordings_follow_each_other(tmp_path: Path) -> None:
    tape = make_tape([lines(5_000), lines(3_000, 6_000)], tmp_path / "tape")
    assert [tape.tick_ms(number) for number in (1, 2, 3)] == [5_000, 5_000, 6_000]
    tape.close()


@pytest.mark.parametrize("chunks", [[], [EVENT % 1 + b"\n"]])
def test_what_has_no_tick_is_no_recording(chunks: list[bytes], tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        make_tape(chunks, tmp_path / "tape")
