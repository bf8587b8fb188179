"""Who stayed, against its definition, recomputed from all points."""

from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.presence import Presence
from operators.stays import STAY_S

TTL = 45
BASE = 10_000
POINT = st.tuples(
    st.integers(0, 2), st.integers(0, 140), st.sampled_from(("enter", "like", "leave"))
)
"""(viewer, second after BASE, kind)."""
Points = list[tuple[int, int, str]]


def watched(points: Points, viewer: int, limit: int) -> int:
    """Seconds before `limit` at which the viewer was online, word for word."""
    total = 0
    for second in range(limit):
        mine = [(s, kind) for who, s, kind in points if who == viewer and s <= second]
        presences = [s for s, kind in mine if kind != "leave"]
        if presences and second - max(presences) < TTL:
            total += not any(kind == "leave" and s >= max(presences) for s, kind in mine)
    return total


def defined(points: Points, limit: int) -> tuple[int, int, int, int]:
    """(entrants, those who stayed, all who stayed, what they watched)."""
    entrants = {who for who, _, kind in points if kind == "enter"}
    seconds = {who: watched(points, who, limit) for who, _, _ in points}
    stayers = {who for who, s in seconds.items() if s >= STAY_S}
    return len(entrants), len(entrants & stayers), len(stayers), sum(seconds[w] for w in stayers)


def fresh() -> Presence:
    presence = Presence(ttl_s=TTL)
    presence.advance(BASE - 1)
    presence.grow(1)
    return presence


def see(presence: Presence, points: Points) -> None:
    viewers, seconds, kinds = zip(*points, strict=True)
    presence.see(
        np.zeros(len(points), np.int64),
        np.array(viewers, np.int64),
        np.array(seconds, np.int64) + BASE,
        np.array([kind == "leave" for kind in kinds]),
        np.array([kind == "enter" for kind in kinds]),
    )


def found(presence: Presence) -> tuple[int, int, int, int]:
    stays = presence.stays
    return (
        int(stays.entrants[0]),
        int(stays.entrants_stayed[0]),
        int(stays.stayers[0]),
        int(stays.stayers_watch_s[0]),
    )


@settings(max_examples=300, deadline=None)
@given(st.lists(POINT, min_size=1, max_size=25), st.integers(1, 30), st.integers(1, 200))
def test_any_order_batching_and_limit_gives_the_definition(
    points: Points, size: int, limit: int
) -> None:
    presence = fresh()
    for start in range(0, len(points), size):
        see(presence, points[start : start + size])
    presence.read_stays(np.array([BASE + limit]))
    assert found(presence) == defined(points, limit)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(POINT, min_size=1, max_size=40),
    st.integers(1, 150),
    st.randoms(use_true_random=False),
)
def test_the_moving_horizon_settles_a_session_at_its_end(
    points: Points, end: int, random: Random
) -> None:
    presence = fresh()
    presence.stop_s[0] = BASE + end
    # Those a session can get: none long after its end, each up to 20 s after it happened.
    points = [point for point in points if point[1] < end + 40] or [(0, 0, "enter")]
    arriving = sorted((s + random.randint(0, 19), (who, s, kind)) for who, s, kind in points)
    for arrival, point in arriving:
        presence.advance(BASE + arrival - 60)
        see(presence, [point])
    presence.advance(BASE + 400)
    assert presence.stays.settled[0]
    presence.read_stays(np.array([BASE + 9]))  # does not open the books again
    assert found(presence) == defined(points, end)


def test_letting_a_session_go_keeps_what_was_found() -> None:
    presence = fresh()
    see(presence, [(0, 1, "enter"), (1, 2, "enter"), (1, 4, "leave"), (2, 5, "like")])
    presence.last_s[0] = BASE + 40
    presence.release(np.array([True]))
    assert presence.index.count == 0
    assert found(presence) == (2, 1, 2, 40 + 36)
