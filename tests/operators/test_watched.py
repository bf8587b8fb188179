"""Rooms that nobody looks at are said later, never less."""

import pytest

from operators.patches import WIDE_EVERY
from operators.shard import Record, Shard
from stream.replay import version_of
from tests.operators.one_room import event, quiet_shard, tick
from tests.operators.test_patches import Screen, merge, shown

ROOMS = ("r1", "r2", "r3")


def some_of_each(at_ms: int, number: int) -> list[bytes]:
    """One viewer more in each room, with a split, and a tick."""
    return [
        *(
            event("enter", at_ms, number * 10 + n, number * 10 + n, room_id=room, channel="paid")
            for n, room in enumerate(ROOMS)
        ),
        tick(at_ms + 500),
    ]


def fed(shard: Shard, number: int) -> None:
    lines = [tick(0)] if number == 1 else []
    lines += some_of_each(number * 1_000, number)
    shard.step([Record(version_of(number), 0, b"".join(lines))])


def rooms_in(screen: Screen) -> set[str]:
    """Rooms whose figures are in it."""
    return {
        channel.split("/")[1] for channel in screen if channel.split(":")[0] in ("room", "split")
    }


def test_quick_flushes_say_watched_rooms_and_every_fourth_round_says_all() -> None:
    shard = quiet_shard()
    shard.patches.watched.tell(frozenset({"split:t1/r2/channel", "room:t1/elsewhere"}))
    for number in range(1, WIDE_EVERY + 1):
        fed(shard, number)
        assert rooms_in(shown(shard.flush(0, full=False).patches)) == {"r2"}
        said = shown(shard.flush(0, most=1_000).patches)
        last = number == WIDE_EVERY
        assert rooms_in(said) == (set(ROOMS) if last else {"r2"})
        assert "group:t1/t1" in said, "totals are always said"
        assert shard.patches.left_over == (not last)


@pytest.mark.parametrize("names", [frozenset(), frozenset({"room:t1/r3"})])
def test_it_comes_to_the_same(names: frozenset[str]) -> None:
    whole, hinted = quiet_shard(), quiet_shard()
    hinted.patches.watched.tell(names)
    screens: list[Screen] = []
    for shard in (whole, hinted):
        screen: Screen = {}
        for number in range(1, 30):
            fed(shard, number)
            merge(screen, shard.flush(0, full=number % 3 == 0, most=4).patches)
        merge(screen, shard.flush(0).patches)
        assert not shard.patches.left_over
        screens.append(screen)
    assert screens[0] == screens[1]


def test_a_room_that_gets_a_watcher_is_said_at_once_from_then_on() -> None:
    shard = quiet_shard()
    shard.patches.watched.tell(frozenset())
    fed(shard, 1)
    assert rooms_in(shown(shard.flush(0, full=False).patches)) == set()
    shard.patches.watched.tell(frozenset({"hist:t1/r1"}))
    fed(shard, 2)
    quick = shown(shard.flush(0, full=False).patches)
    assert rooms_in(quick) == {"r1"}
    assert quick["room:t1/r1"]["session.view_uv"] == 2


def test_where_nobody_tells_every_room_is_watched() -> None:
    shard = quiet_shard()
    shard.patches.watched.tell(frozenset())
    shard.patches.watched.tell(None)
    fed(shard, 1)
    assert rooms_in(shown(shard.flush(0, full=False).patches)) == set(ROOMS)
