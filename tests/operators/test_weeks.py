"""Weeks of rooms that are never seen again: what is over leaves a name and a few numbers."""

from collections.abc import Iterator

import pytest

from operators import compact
from operators.shard import Record
from operators.snapshot import freeze
from stream.options import make_shard
from stream.replay import version_of
from stream.settings import Settings
from tests.operators.one_room import event, tick

_DAY_MS = 86_400_000
_DAYS = 2
"""`ledger_days`."""
_LATER = _DAYS + 4


def day(number: int) -> Iterator[bytes]:
    """Some minutes of two rooms of that day, then hours of ticks."""
    start_ms = number * _DAY_MS
    made: list[tuple[int, bytes]] = []
    count = number * 10_000

    def add(kind: str, at_ms: int, room: str, user: int | None = None, **more: object) -> None:
        nonlocal count
        count += 1
        made.append((at_ms, event(kind, at_ms, count, user, room_id=room, **more)))

    for place in range(2):
        room = f"room{number}of{place}"
        add("room_status", start_ms + 100, room, status="start", title="衣", host_id="h1")
        for second in range(2, 120):
            user = 1000 * number + 10 * second + place
            at_ms = start_ms + second * 1_000
            add("enter", at_ms, room, user, channel="feed")
            if not second % 3:
                add("comment", at_ms, room, user, text=("多少钱", "好看", "质量")[second % 9 // 3])
                body = {"product_id": f"p{second % 7}", "order_id": f"o{number}.{place}.{second}"}
                add("order_paid", at_ms, room, user, amount_minor=500 + second, **body)
                refund = {"refund_id": f"f{number}.{place}.{second}", "amount_minor": 100}
                if not second % 9:
                    add("refund_succeeded", at_ms + 5_000, room, user, **body, **refund)
            if not second % 4:
                add("explain_start", at_ms, room, product_id=f"p{second % 7}")
        add("violation", start_ms + 110_000, room, severity=2, text="x")
        add("room_status", start_ms + 120_000, room, status="end")
    seconds = [*range(0, 1_200, 10), *range(7_200, 86_400, 7_200)]
    made += [(start_ms + s * 1_000, tick(start_ms + s * 1_000)) for s in seconds]
    made.sort(key=lambda one: one[0])
    yield from (line for _, line in made)


@pytest.fixture(scope="module")
def weeks() -> list[tuple[int, bytes]]:
    """Return number of sessions and frozen state, each day of twice `_LATER`."""
    shard, found, turn = make_shard(0, Settings(ledger_days=_DAYS)), [], 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compact, "MIN_VIEWERS", 100)
        for number in range(2 * _LATER):
            lines = list(day(number))
            for start in range(0, len(lines), 200):
                turn += 1
                shard.step([Record(version_of(turn), turn, b"".join(lines[start : start + 200]))])
                shard.flush(turn)
            found.append((shard.state.sessions.count, freeze(shard)))
    return found


def test_of_a_room_of_long_ago_little_but_the_name_is_left(weeks: list[tuple[int, bytes]]) -> None:
    for number, (_, state) in enumerate(weeks):
        assert state.count(b"room%dof0" % number) > 4, "the day itself is remembered"
        if number >= _LATER:
            # Among the rooms of the shard and (twice) of the rules, and by its title.
            assert state.count(b"room%dof0" % (number - _LATER)) <= 4


def test_a_session_of_long_ago_takes_a_few_numbers(weeks: list[tuple[int, bytes]]) -> None:
    (early, before), (late, after) = weeks[_LATER], weeks[-1]
    assert (len(after) - len(before)) / (late - early) < 1_000
