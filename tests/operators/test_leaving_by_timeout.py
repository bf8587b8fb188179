"""Feeds without leave events: a viewer has left `presence_ttl_ms` after the last sign of it."""

import pytest

from tests.operators.one_room import event, play, quiet_shard, tick, ticks

LOG = [
    tick(0),
    event("room_status", 0, 1, status="start"),
    event("enter", 10_000, 2, 1),
    event("enter", 20_000, 3, 2),
    *ticks(1, 40),
    event("comment", 40_000, 4, 2, text="hi"),
    *ticks(41, 260),
    event("room_status", 260_000, 5, status="end"),
    *ticks(261, 400),
]


@pytest.mark.parametrize(
    ("ttl_s", "online"),
    [
        # Viewer 1 is there in [10, 10 + ttl), viewer 2 in [20, 40 + ttl), at second 59, 119, ….
        (30, [1, 0, 0, 0]),
        (60, [2, 0, 0, 0]),
        (100, [2, 1, 0, 0]),
        (150, [2, 2, 1, 0]),
    ],
)
def test_who_gives_no_sign_leaves_when_the_time_is_over(ttl_s: int, online: list[int]) -> None:
    shard = quiet_shard(presence_ttl_ms=ttl_s * 1000)
    minutes = [row for row in play(LOG, shard).metrics("1m") if row["revision"] == 0]
    got = {}
    for row in minutes:
        metrics = row["metrics"]
        assert isinstance(metrics, dict)
        got[row["start"]] = metrics["online_now"]
    assert [got.get(minute * 60_000, 0) for minute in range(4)] == online
    (session,) = play(LOG, quiet_shard(presence_ttl_ms=ttl_s * 1000)).metrics("session")
    metrics = session["metrics"]
    assert isinstance(metrics, dict)
    assert metrics["avg_watch_s"]["num"] == ttl_s + min(ttl_s, 20) + ttl_s
    assert metrics["pcu"] == 2
