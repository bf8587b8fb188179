"""What is said when: quick flushes say rooms, full ones the rest, slices everything in turn."""

from collections.abc import Mapping

import orjson

from operators.results import Patch
from operators.shard import Record, Shard
from stream.replay import version_of
from tests.operators.one_room import event, quiet_shard, tick

Screen = dict[str, dict[str, object]]


def fed(shard: Shard, lines: list[bytes], number: int = 1) -> Shard:
    shard.step([Record(version_of(number), 0, b"".join(lines))])
    return shard


def shown(patches: tuple[Patch, ...]) -> Screen:
    def value(raw: object) -> object:
        return orjson.loads(raw) if isinstance(raw, bytes) else raw

    return {p.channel: {f: value(v) for f, v in p.fields.items()} for p in patches}


def merge(screen: Screen, patches: tuple[Patch, ...]) -> None:
    for channel, fields in shown(patches).items():
        screen.setdefault(channel, {}).update(fields)


def windows(fields: Mapping[str, object]) -> set[str]:
    return {name.partition(".")[0] for name in fields}


LINES = [
    tick(0),
    event("enter", 500, 1, 1, channel="paid"),
    event("product_click", 900, 2, 1, product_id="p1", channel="paid"),
    tick(1_000),
]


def test_a_quick_flush_says_sessions_and_minutes_of_rooms() -> None:
    shard = fed(quiet_shard(), LINES)
    quick = shown(shard.flush(0, full=False).patches)
    assert set(quick) == {"room:t1/r1"}
    assert windows(quick["room:t1/r1"]) == {"session", "m1", "meta"}
    assert quick["room:t1/r1"]["session.view_uv"] == 1
    assert shard.patches.left_over


def test_a_full_flush_says_what_quick_ones_left_over() -> None:
    at_once = shown(fed(quiet_shard(), LINES).flush(0).patches)
    shard = fed(quiet_shard(), LINES)
    screen: Screen = {}
    merge(screen, shard.flush(0, full=False).patches)
    assert shard.flush(0, full=False).patches == ()
    merge(screen, shard.flush(0).patches)
    assert screen == at_once
    assert not shard.patches.left_over
    assert shard.flush(0).patches == ()


def test_slices_come_to_the_same_and_rooms_do_not_wait_for_theirs() -> None:
    rooms = [f"r{number}" for number in range(1, 6)]
    lines = [LINES[0]] + [
        event("enter", 500, number, number, room_id=room, channel="paid")
        for number, room in enumerate(rooms, 10)
    ]
    at_once = shown(fed(quiet_shard(), lines).flush(0).patches)
    shard = fed(quiet_shard(), lines)
    screen: Screen = {}
    first = shard.flush(0, most=2).patches
    merge(screen, first)
    quick = {room for room in rooms if "session.view_uv" in screen[f"room:t1/{room}"]}
    assert quick == set(rooms)
    flushes = 1
    while shard.patches.left_over:
        merge(screen, shard.flush(0, most=2).patches)
        flushes += 1
    assert flushes > 3
    assert screen == at_once


def test_what_changes_all_the_time_does_not_starve_the_rest() -> None:
    shard = fed(quiet_shard(), [LINES[0], event("enter", 100, 1, 1, channel="paid")])
    said: set[str] = set()
    for number in range(2, 40):
        fed(shard, [event("enter", 100 + number, number, number, channel="paid")], number)
        for patch in shard.flush(0, most=1).patches:
            said.add(patch.channel)
    assert {f"split:t1/r1/{d}" for d in ("channel", "host", "platform")} <= said
