"""Events that wait for the horizon: any order of arrival gives the same, and so does a snapshot."""

from random import Random

import numpy as np
import pytest

from operators.deferred import ARRAYS, Waiting, joined
from operators.results import Row
from operators.snapshot import freeze, thaw
from tests.operators.one_room import event, play, quiet_shard, tick, ticks

INTERVALS = ("explanation", "shift", "campaign_phase")


def waiting(n: int, seed: int) -> Waiting:
    random = np.random.default_rng(seed)
    some = np.flatnonzero(random.random(n) < 0.5)
    odd = np.column_stack((np.full(len(some), 1), some, some * 10 + 7))
    follows = np.column_stack((some, some + 100, some + 200))
    return Waiting(
        random.integers(0, 9, n).astype(np.uint8),
        random.integers(0, 99, n),
        random.integers(0, 5, n).astype(np.int32),
        random.integers(-1, 5, n).astype(np.int32),
        random.integers(-1, 50, n).astype(np.int32),
        odd,
        odd.copy(),
        follows,
    )


def same(one: Waiting, other: Waiting) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ARRAYS)


def test_what_is_joined_is_taken_apart_again() -> None:
    one, other = waiting(9, 1), waiting(5, 2)
    whole = joined([one, other])
    assert len(whole.type) == 14
    assert same(whole.take(np.arange(9)), one)
    assert same(whole.take(np.arange(9, 14)), other)
    assert same(whole.take(np.arange(14)), whole)


def test_events_that_are_taken_keep_what_is_odd_of_them() -> None:
    whole = waiting(20, 3)
    places = np.array([0, 3, 4, 11, 19])
    part = whole.take(places)
    for _, place, value in part.odd_values.tolist():
        assert value == places[place] * 10 + 7
    assert len(part.orders) == np.isin(whole.orders[:, 0], places).sum()


def log(random: Random) -> list[bytes]:
    """Six minutes of a room in any order within a minute, ticks apart."""
    lines: list[tuple[int, bytes]] = []
    for number in range(300):
        at = random.randrange(240_000)
        kind = random.choice(
            ("enter", "comment", "product_click", "order_paid", "refund_succeeded", "explain_start",
             "explain_end", "shift_start", "promo_start", "promo_end")
        )  # fmt: skip
        order = random.randrange(30)
        more: dict[str, object] = {
            "product_id": f"p{order % 3}",
            "host_id": f"h{order % 2}",
            "campaign_id": f"c{order % 2}",
        }
        if kind in ("order_paid", "refund_succeeded"):
            more |= {"order_id": f"o{order}", "amount_minor": number}
        if kind == "refund_succeeded":
            more["refund_id"] = f"f{number}"
        line = event(kind, at, number, number % 9, **more)
        lines.append((at + random.randrange(55_000), line))
    lines.sort(key=lambda one: one[0])
    out, second = [tick(0), event("room_status", 0, 9_999, status="start")], 0
    for at, line in lines:
        out += ticks(second + 1, at // 1000)
        second = max(second, at // 1000)
        out.append(line)
    out += ticks(second + 1, 310)
    return [*out, event("room_status", 310_000, 9_998, status="end"), *ticks(311, 450)]


def of_intervals(rows: list[Row]) -> list[str]:
    return sorted(str(row) for row in rows if row.dimension in INTERVALS)


@pytest.mark.parametrize("seed", range(3))
def test_a_snapshot_while_events_wait_changes_no_row(seed: int) -> None:
    lines = log(Random(seed))
    want = of_intervals(play(lines, quiet_shard()).rows)
    assert {row.split("dimension='")[1].split("'")[0] for row in want} == set(INTERVALS)
    shard, got = quiet_shard(), []
    for start in range(0, len(lines), 90):
        got += play(lines[start : start + 90], shard).rows
        successor = quiet_shard()
        thaw(successor, freeze(shard))
        shard = successor
    assert of_intervals(got) == want


def orderless(lines: list[bytes], seed: int) -> list[bytes]:
    """Events between two ticks in another order; those of orders stay, their first word stands."""
    random = Random(seed)
    out: list[bytes] = []
    batch: list[bytes] = []
    for line in lines:
        if b'"tick"' in line or b"order_id" in line:
            out += random.sample(batch, len(batch))
            batch = []
            out.append(line)
        else:
            batch.append(line)
    return out + batch


@pytest.mark.parametrize("seed", range(3))
def test_another_order_of_arrival_gives_the_same_rows(seed: int) -> None:
    lines = log(Random(seed))
    assert orderless(lines, seed) != lines
    want = of_intervals(play(lines, quiet_shard()).rows)
    assert of_intervals(play(orderless(lines, seed), quiet_shard()).rows) == want


def test_nothing_waits_longer_than_the_horizon() -> None:
    shard = quiet_shard()
    play([tick(0), event("enter", 500, 1, 1), *ticks(1, 60)], shard)
    assert sum(len(part.type) for part in shard.state.deferred.parts) == 1
    play(ticks(61, 70), shard)
    assert shard.state.deferred.parts == []


def test_viewers_that_wait_are_renumbered_with_the_others() -> None:
    shard = quiet_shard()
    lines = [event("enter", 500 + n, n, n) for n in (1, 2, 3)]
    play([tick(0), event("shift_start", 100, 9, host_id="h"), *lines, tick(1_000)], shard)
    deferred = shard.state.deferred
    assert sorted(deferred.users().tolist()) == [0, 1, 2]
    deferred.renumber_viewers(np.array([5, 6, 7]))
    assert sorted(deferred.users().tolist()) == [5, 6, 7]
