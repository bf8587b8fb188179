"""What is said when: quick flushes say rooms, full ones the rest, slices everything in turn."""

from collections.abc import Mapping

import orjson

from operators.results import Patch, Row
from operators.shard import Record, Shard
from stream.replay import version_of
from tests.operators.one_room import event, quiet_shard, tick, ticks

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


def one_session(number: int, second: int) -> list[bytes]:
    """A session of two events from a second on, and ticks until it is sealed and idle."""
    at_ms = second * 1_000
    return [
        tick(at_ms),
        event("room_status", at_ms, number, status="start"),
        event("enter", at_ms + 100, number + 1, 1, channel="paid"),
        event(
            "order_paid", at_ms + 200, number + 2, 1, order_id=f"o{number}", product_id="p1",
            amount_minor=500, channel="paid",
        ),
        event("room_status", at_ms + 2_000, number + 3, status="end"),
    ]  # fmt: skip


def flushed(shard: Shard, lines: list[bytes], seconds: range, screen: Screen) -> None:
    """Fold lines, then a tick and a full flush at each of the seconds."""
    number = seconds.start
    fed(shard, lines, number)
    for second in seconds:
        number += 1
        fed(shard, [tick(second * 1_000)], number)
        merge(screen, shard.flush(0).patches)


def test_what_was_sent_of_a_session_that_is_over_is_let_go_and_used_again() -> None:
    shard, screen = quiet_shard(), Screen()
    held = []
    for session in range(4):
        start = session * 1_000
        flushed(
            shard,
            one_session(start, start),
            range(start + 5, start + 1_000, 5),
            screen,
        )
        held.append({name: sent.count for name, sent in shard.patches._sent.items()})
        left = {channel for channel, _ in shard.patches._channels.values()}
        assert left == {"group:t1/t1"}
        assert not shard.patches._meta
    assert held[0]["room"] == 1
    assert held[3] == held[0]


def test_a_refund_after_that_says_the_same_figures_as_without_letting_go() -> None:
    screens = []
    for flushes in (range(5, 1_000, 5), range(995, 1_000, 5)):
        shard, screen = quiet_shard(), Screen()
        if flushes.start > 5:
            fed(shard, one_session(1, 0), 1)
            fed(shard, [tick(second * 1_000) for second in range(5, 995, 5)], 2)
            flushed(shard, [], flushes, screen)
        else:
            flushed(shard, one_session(1, 0), flushes, screen)
        refund = event(
            "refund_succeeded", 1_000_000, 9, 1, order_id="o1", refund_id="f1", amount_minor=500
        )
        flushed(shard, [refund], range(1_005, 1_070, 5), screen)
        # A null takes a field away: a channel of nothing else is none.
        held = {c: {f: v for f, v in of.items() if v is not None} for c, of in screen.items()}
        screens.append({c: fields for c, fields in held.items() if fields})
    assert screens[0] == screens[1]
    assert screens[0]["room:t1/r1"]["session.refund_amount"] == 500


def test_a_session_that_ends_shows_what_its_rows_say() -> None:
    """Also of a host without an event for long: the session has had more minutes since."""
    shard = quiet_shard()
    sold = event("order_paid", 950, 3, 2, host_id="h1", order_id="o", amount_minor=700)
    log = [*LINES, sold, *ticks(2, 1_200), event("room_status", 1_200_000, 9, status="end")]
    log += ticks(1_201, 1_400)
    screen: Screen = {}
    rows: list[Row] = []
    for number, start in enumerate(range(0, len(log), 60), 1):
        body = b"".join(log[start : start + 60])
        for output in shard.step([Record(version_of(number), 0, body)]):
            rows += [row for row in output.rows if row.dimension == "host" and row.key == "h1"]
            merge(screen, output.patches)
        merge(screen, shard.flush(0).patches)
    metrics = next(row.body["metrics"] for row in rows if row.window == "session")
    assert isinstance(metrics, dict)
    assert metrics["gmv_per_min"] == {"num": 700, "den": 20, "value": 35.0}
    fields = screen["split:t1/r1/host"]
    assert {name: fields.get(f"session.{name}.h1") for name in metrics} == metrics
