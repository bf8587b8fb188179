"""Online by second against its definition, recomputed from all points."""

from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.presence import Presence

TTL = 30
POINT = st.tuples(st.integers(0, 2), st.integers(0, 90), st.booleans())
"""(viewer, second after 10_000, is it a leave)."""


def online_at(points: list[tuple[int, int, bool]], second: int) -> int:
    """The definition, word for word."""
    count = 0
    for viewer in range(3):
        mine = [(s, leave) for who, s, leave in points if who == viewer and s <= second]
        presences = [s for s, leave in mine if not leave]
        if presences and second - max(presences) < TTL:
            count += not any(leave and s >= max(presences) for s, leave in mine)
    return count


@settings(max_examples=400, deadline=None)
@given(st.lists(POINT, max_size=25), st.integers(1, 30))
def test_any_order_and_batching_gives_the_definition(
    points: list[tuple[int, int, bool]], size: int
) -> None:
    presence = Presence(ttl_s=TTL)
    presence.advance(9_999)
    presence.grow(1)
    for start in range(0, len(points), size):
        viewer, second, leave = zip(*points[start : start + size], strict=True)
        presence.see(
            np.zeros(len(viewer), np.int64),
            np.array(viewer, np.int64),
            np.array(second, np.int64) + 10_000,
            np.array(leave),
        )
    got = presence.online(np.array([0]), 10_000, 10_150)[0].tolist()
    assert got == [online_at(points, second) for second in range(150)]


@settings(max_examples=300, deadline=None)
@given(st.lists(POINT, max_size=40), st.randoms(use_true_random=False))
def test_the_moving_horizon_keeps_peak_and_watch_time(
    points: list[tuple[int, int, bool]], random: Random
) -> None:
    presence = Presence(ttl_s=TTL)
    presence.advance(9_999)
    presence.grow(1)
    lag = 20
    # Arrival: each point up to `lag` seconds after it happened.
    arriving = sorted((s + random.randint(0, lag - 1), who, s, leave) for who, s, leave in points)
    for arrival, who, second, leave in arriving:
        presence.advance(10_000 + arrival - lag)
        presence.see(np.array([0]), np.array([who]), np.array([second + 10_000]), np.array([leave]))
    presence.advance(10_000 + 140)
    want = [online_at(points, second) for second in range(141)]
    assert presence.peak[0] == max(want)
    assert presence.watch_s[0] + presence.tail_s[0] == sum(want)
