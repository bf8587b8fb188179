import json
from collections.abc import Callable

import pytest

from simulators.api import HARD_DISORDER, SimulationPlan
from simulators.load import Played, pace
from stream.errors import ConfigError
from tests.simulators.truths import Line, Truth, as_truth

PLAN = SimulationPlan("calm", rooms=3, tenants=2, minutes=3, disorder=HARD_DISORDER)


class Steps:
    """A clock that only waiting moves."""

    def __init__(self, now_ms: int = 1_900_000_000_123) -> None:
        self.time_ms = now_ms

    def now_ms(self) -> int:
        return self.time_ms

    def wait_ms(self, duration_ms: int) -> None:
        self.time_ms += duration_ms


class Log:
    """What was appended, in order; ticks under tenant None."""

    def __init__(self) -> None:
        self.entries: list[tuple[str | None, bytes]] = []

    def send(self, tenant: str, group: str, body: bytes) -> None:
        assert group == tenant
        self.entries.append((tenant, body))

    def tick(self, line: bytes) -> None:
        self.entries.append((None, line))

    def events(self) -> list[Line]:
        out: list[Line] = []
        for _, body in self.entries:
            for line in body.split(b"\n")[:-1]:
                try:
                    out.append(json.loads(line))
                except ValueError:
                    out.append({})
        return out


def play(
    plan: SimulationPlan = PLAN, stop: Callable[[Steps], bool] = lambda _: False, speed: float = 1.0
) -> tuple[Played, Log, Steps]:
    log, clock = Log(), Steps()
    played = pace(plan, log.send, log.tick, lambda: stop(clock), speed=speed, clock=clock)
    return played, log, clock


def truth(played: Played) -> Truth:
    return as_truth(played.truth)


def ticks(log: Log) -> list[int]:
    return [one["event_time_ms"] for one in log.events() if one.get("type") == "tick"]


def test_a_whole_play_sends_every_line_now_and_closes_the_clock() -> None:
    played, log, clock = play()
    sent = [one for one in log.events() if one.get("type") != "tick"]
    assert played.complete
    assert len(sent) == played.lines == truth(played)["counts"]["in"]
    assert played.start_ms == 1_900_000_001_000
    starts = [one for one in sent if one.get("status") == "start" and "title" in one]
    assert all(0 <= one["event_time_ms"] - played.start_ms < 5_000 for one in starts)
    found = ticks(log)
    assert found[:2] == [played.start_ms, played.start_ms + 1_000]
    assert {after - before for before, after in zip(found, found[1:-1], strict=False)} == {1_000}
    assert found[-1] >= played.end_ms + 122_000
    assert clock.time_ms - played.start_ms >= PLAN.minutes * 60_000 - 1_000


def test_no_line_overtakes_the_tick_of_its_second() -> None:
    _, log, _ = play(SimulationPlan("calm", rooms=2, minutes=2))
    now_ms = 0
    for event in log.events():
        if event["type"] == "tick":
            now_ms = event["event_time_ms"]
        else:
            assert now_ms <= event["event_time_ms"] < now_ms + 1_000


def test_stopped_early_it_ends_the_rooms_and_tells_what_was_sent() -> None:
    played, log, _ = play(stop=lambda clock: clock.time_ms > 1_900_000_062_000)
    events = log.events()
    assert not played.complete
    ends = [one for one in events if one.get("status") == "end"]
    assert {one["room_id"] for one in ends} == {"r1", "r2", "r3"}
    assert all(one["event_time_ms"] == played.end_ms for one in ends)
    counts = truth(played)["counts"]
    assert counts["in"] == sum(one.get("type") != "tick" for one in events)
    assert counts["in"] == counts["accepted"] + counts["duplicates"] + sum(counts["dead"].values())
    assert {one["end_ms"] for one in truth(played)["sessions"]} == {played.end_ms}
    paid = {
        (one["order_id"], one.get("line_id")): one["amount_minor"]
        for one in events
        if one.get("type") == "order_paid" and "tenant" in one
    }
    assert sum(one["gmv_paid"] for one in truth(played)["groups"]) == sum(paid.values())


def test_speed_shortens_the_wall_time_only() -> None:
    slow, slow_log, slow_clock = play()
    fast, fast_log, fast_clock = play(speed=20)
    assert fast.truth == slow.truth
    assert ticks(fast_log) == ticks(slow_log)
    assert fast_clock.time_ms - fast.start_ms < (slow_clock.time_ms - slow.start_ms) / 15


def test_two_plays_have_different_ids_and_speed_must_be_positive() -> None:
    log, other = Log(), Log()
    pace(PLAN, log.send, log.tick, lambda: True, clock=Steps())
    pace(PLAN, other.send, other.tick, lambda: True, clock=Steps(1_900_000_500_000))
    played, first, _ = play(stop=lambda clock: clock.time_ms > 1_900_000_005_000)
    ids = {one["event_id"] for one in first.events() if one.get("type") == "enter"}
    assert all(one.startswith("s1-") for one in ids)
    assert truth(played)["plan"]["run"] != PLAN.run_id
    with pytest.raises(ConfigError, match="speed"):
        pace(PLAN, log.send, log.tick, lambda: True, speed=0)
