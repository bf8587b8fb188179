import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.client.state import ChannelState
from sinks.gateway import channels
from sinks.gateway.channels import LogChannel, LogItem, OutEntry, Position, StateChannel, Step
from tests.sinks.gateway.test_protocol import payload

NAME = "room:t1/r1"


def out(seq: int, data: Any, epoch: str = "e1", kind: str = "state") -> OutEntry:
    return OutEntry(NAME, kind, epoch, seq, json.dumps(data).encode(), seq * 10)


def loaded(values: dict[str, Any], seq: int, part_bytes: int = 32_768) -> StateChannel:
    channel = StateChannel(NAME, part_bytes)
    encoded = {name: json.dumps(value).encode() for name, value in values.items()}
    channel.load("e1", seq, encoded, 1, "start")
    return channel


def bodies(frames: list[bytes]) -> list[dict[str, Any]]:
    return [payload(data) for data in frames]


def test_a_patch_is_forwarded_with_its_predecessor() -> None:
    channel = loaded({"a": 1}, 5)
    assert channel.apply(out(6, {"b": 2})) is Step.APPLIED
    (update,) = bodies(channel.frames_from(Position(channel.generation, 5)))
    assert update == {"type": "upd", "ch": NAME, "s": 6, "p": 5, "ts": 60, "d": {"b": 2}}


def test_several_patches_become_one_with_the_newest_values() -> None:
    channel = loaded({"a": 1, "gone": 1}, 5)
    for seq, fields in ((6, {"a": 2, "gone": None}), (7, {"b": 1}), (8, {"a": 3})):
        channel.apply(out(seq, fields))
    (update,) = bodies(channel.frames_from(Position(channel.generation, 5)))
    assert update["d"] == {"a": 3, "b": 1, "gone": None}
    (update,) = bodies(channel.frames_from(Position(channel.generation, 6)))
    assert update["d"] == {"a": 3, "b": 1}
    assert channel.frames_from(Position(channel.generation, 8)) == []


def test_frames_are_encoded_once_for_all() -> None:
    channel = loaded({}, 0)
    channel.apply(out(1, {"a": 1}))
    position = Position(channel.generation, 0)
    assert channel.frames_from(position)[0] is channel.frames_from(position)[0]
    assert channel.snapshot()[0] is channel.snapshot()[0]


def test_what_is_not_the_successor_changes_nothing() -> None:
    channel = loaded({"a": 1}, 5)
    assert channel.apply(out(5, {"a": 9})) is Step.OLD
    assert channel.apply(out(7, {"a": 9})) is Step.HOLE
    assert channel.apply(out(6, {"a": 9}, epoch="e2")) is Step.EPOCH
    assert channel.apply(OutEntry(NAME, "state", "e1", 6, b'{"a":', 1)) is Step.HOLE
    assert channel.apply(OutEntry(NAME, "state", "e1", 6, b"", 1)) is Step.HOLE
    assert bodies(channel.snapshot())[0]["data"] == {"a": 1}


def test_a_reload_is_a_gap_for_those_before_it_unless_nothing_changed() -> None:
    channel = loaded({"a": 1}, 5)
    before = channel.position
    channel.load("e1", 5, {"a": b"1"}, 1, "trim")
    assert channel.position == before
    channel.load("e1", 9, {"a": b"4"}, 1, "trim")
    gap, snap = bodies(channel.frames_from(before))
    assert (gap["type"], gap["reason"], gap["s"]) == ("gap", "trim", 9)
    assert snap["data"] == {"a": 4}


def test_the_first_content_of_an_empty_channel_is_no_loss() -> None:
    channel = StateChannel(NAME, 1_000)
    channel.load("", 0, {}, 0, "start")
    before = channel.position
    channel.load("e1", 3, {"a": b"1"}, 0, "epoch")
    gap, _ = bodies(channel.frames_from(before))
    assert gap["reason"] == "start"


def test_a_large_snapshot_comes_in_parts_that_add_up() -> None:
    values = {f"field{number}": "x" * 100 for number in range(100)}
    parts = bodies(loaded(values, 1, part_bytes=1_000).snapshot())
    assert len(parts) > 5
    assert [part["part"] for part in parts] == list(range(len(parts)))
    merged: dict[str, Any] = {}
    for part in parts:
        merged |= part["data"]
    assert merged == values


def test_a_delta_larger_than_a_part_is_sent_as_a_snapshot() -> None:
    channel = loaded({}, 0, part_bytes=500)
    channel.apply(out(1, {f"field{number}": "x" * 100 for number in range(20)}))
    frames = bodies(channel.frames_from(Position(channel.generation, 0)))
    assert {frame["type"] for frame in frames} == {"snap"}


def test_a_returning_client_resumes_only_inside_what_is_known() -> None:
    channel = loaded({"a": 1}, 5)
    channel.apply(out(6, {"a": 2}))
    assert channel.resume_from("e1", 6) is not None
    assert channel.resume_from("e1", 5) is not None
    assert channel.resume_from("e1", 4) is None
    assert channel.resume_from("e1", 7) is None
    assert channel.resume_from("e0", 6) is None
    assert channel.resume_from("", 6) is None


def test_deleted_fields_are_forgotten_once_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "MAX_TOMBSTONES", 10)
    channel = loaded({"a": 1}, 0)
    start = channel.position
    for seq in range(1, 13):
        channel.apply(out(seq, {f"gone{seq}": None, "a": seq}))
    channel.prune()
    gap, snap = bodies(channel.frames_from(start))
    assert (gap["reason"], snap["type"]) == ("trim", "snap")
    at = channel.position
    channel.apply(out(13, {"b": 1}))
    (update,) = bodies(channel.frames_from(at))
    assert update["d"] == {"b": 1}


FIELDS = st.dictionaries(
    st.sampled_from("abcdef"), st.one_of(st.none(), st.integers(0, 9)), min_size=1
)


@given(st.lists(FIELDS, min_size=1, max_size=30), st.data())
def test_any_conflation_leads_to_the_same_state(
    patches: list[dict[str, int | None]], data: st.DataObject
) -> None:
    channel = loaded({"a": 0, "b": 0}, 0)
    client = ChannelState(NAME)
    client.subscribed({"kind": "state", "recovered": False})
    truth: dict[str, int] = {"a": 0, "b": 0}
    at = channel.position
    for frame in bodies(channel.snapshot()):
        client.apply(frame)
    for number, patch in enumerate(patches, 1):
        truth |= {name: value for name, value in patch.items() if value is not None}
        for name in [name for name, value in patch.items() if value is None]:
            truth.pop(name, None)
        channel.apply(out(number, patch))
        if data.draw(st.booleans()):
            for frame in bodies(channel.frames_from(at)):
                client.apply(frame)
            at = channel.position
    for frame in bodies(channel.frames_from(at)):
        client.apply(frame)
    assert client.values == truth
    assert client.resyncs == client.gaps == 0


def items(*seqs: int) -> list[LogItem]:
    return [LogItem(seq, b'{"n":%d}' % seq, seq) for seq in seqs]


def log(ring: int = 10) -> LogChannel:
    return LogChannel(NAME, 32_768, ring, 5)


def test_a_log_replays_exactly_what_was_missed() -> None:
    channel = log()
    channel.load("e1", 3, items(1, 2, 3), 0, "start")
    channel.apply(out(4, {"n": 4}, kind="log"))
    frames = bodies(channel.frames_from(Position(channel.generation, 2)))
    assert [(frame["p"], frame["s"], frame["data"]["n"]) for frame in frames] == [
        (2, 3, 3),
        (3, 4, 4),
    ]


def test_a_log_announces_how_many_entries_are_lost() -> None:
    channel = log(ring=3)
    channel.load("e1", 0, [], 0, "start")
    at = channel.position
    for seq in range(1, 8):
        channel.apply(out(seq, {"n": seq}, kind="log"))
    gap, snap = bodies(channel.frames_from(at))
    assert (gap["lost"], gap["reason"]) == (4, "trim")
    assert [item["s"] for item in snap["data"]] == [5, 6, 7]
    assert channel.lost_since("e1", 1) == 3
    assert channel.lost_since("e0", 1) is None


def test_a_hole_in_a_log_is_filled_from_redis_without_a_gap() -> None:
    channel = log()
    channel.load("e1", 2, items(1, 2), 0, "start")
    at = channel.position
    assert channel.apply(out(4, {"n": 4}, kind="log")) is Step.HOLE
    channel.load("e1", 4, items(1, 2, 3, 4), 0, "trim")
    frames = bodies(channel.frames_from(at))
    assert [frame["type"] for frame in frames] == ["evt", "evt"]


def test_a_log_that_went_back_is_another_epoch() -> None:
    channel = log()
    channel.load("e1", 4, items(3, 4), 0, "start")
    at = channel.position
    channel.load("e1", 1, items(1), 0, "epoch")
    gap, _ = bodies(channel.frames_from(at))
    assert (gap["reason"], gap.get("lost")) == ("epoch", None)


def test_a_snapshot_of_a_log_is_its_newest_entries() -> None:
    channel = log()
    channel.load("e1", 9, items(*range(1, 10)), 0, "start")
    (snap,) = bodies(channel.snapshot())
    assert [item["data"]["n"] for item in snap["data"]] == [5, 6, 7, 8, 9]
