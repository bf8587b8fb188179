"""Values of cells: null for no data, gauges, and rows in which nothing happened."""

import numpy as np
import pytest

from operators.catalogue.axes import WINDOW_BY_NAME
from operators.figures import Figures, Span, value_of, values_of
from operators.plan import View
from operators.row_blocks import Layout
from operators.shard import Shard
from tests.operators.one_room import T0_MS, event, play, quiet_shard, tick, ticks


def test_a_ratio_carries_its_terms_and_is_null_over_nothing() -> None:
    assert value_of(3, 120, True) == {"num": 3, "den": 120, "value": 0.025}
    assert value_of(0, 5, True) == {"num": 0, "den": 5, "value": 0.0}
    assert value_of(3, 0, True) == {"num": 3, "den": 0, "value": None}
    assert value_of(0, 0, True) == {"num": 0, "den": 0, "value": None}
    assert value_of(7, 0, False) == 7


def view_of(shard: Shard, dimension: str) -> View:
    return next(view for view in shard.state.plan.views if view.dimension == dimension)


def read(
    shard: Shard, window: str, end_ms: int, dimension: str = "room"
) -> list[dict[str, object]]:
    """Values of all cells of a dimension at T0_MS + end_ms."""
    state = shard.state
    place = [view.dimension for view in state.plan.views].index(dimension)
    cells = np.flatnonzero(state.cube.cell_dimension[: state.cube.cells.count] == place)
    figures = Figures(state.plan, state.cube, state.presence, state.active, state.sessions)
    span = Span(WINDOW_BY_NAME[window], T0_MS + end_ms, (T0_MS + end_ms) // 1000)
    view = view_of(shard, dimension)
    measures = figures.measures(view, cells, span)
    num, den = figures.ratios(view, measures)
    layout = Layout(view, window)
    return values_of(layout.names, layout.has_den, num[:, layout.which], den[:, layout.which])


def shown(log: list[bytes]) -> Shard:
    shard = quiet_shard()
    play(log, shard)
    return shard


LOG = [
    tick(0),
    event("enter", 500, 1, 1, channel="paid"),
    event("enter", 1_500, 2, 2, channel="feed"),
    event("comment", 2_000, 3, 1, text="hi", channel="paid"),
    event("order_paid", 3_000, 4, 1, order_id="o1", amount_minor=900, product_id="p1"),
    *ticks(1, 20),
    event("leave", 20_500, 5, 2),
    *ticks(21, 62),
]


def test_a_room_is_read_in_every_window() -> None:
    shard = shown(LOG)
    for window in ("session", "1m", "r1", "r5", "r10"):
        (room,) = read(shard, window, 60_000)
        assert room["view_uv"] == 2
        assert room["gmv_paid"] == 900
        assert room["cvr_view"] == {"num": 1, "den": 2, "value": 0.5}
        assert room["aov_order"] == {"num": 900, "den": 1, "value": 900.0}


@pytest.mark.parametrize(
    ("window", "minutes"), [("session", 1), ("1m", 1), ("r1", 1), ("r5", 5), ("r10", 10)]
)
def test_comments_a_minute_are_over_the_length_of_the_window(window: str, minutes: int) -> None:
    (room,) = read(shown(LOG), window, 60_000)
    assert room["comment_per_min"] == {"num": 1, "den": minutes, "value": 1 / minutes}


def test_a_session_has_as_many_minutes_as_it_began() -> None:
    shard = shown(LOG)
    for end_ms, minutes in ((500, 1), (60_500, 1), (60_501, 2), (120_501, 3)):
        (room,) = read(shard, "session", end_ms)
        rate = room["comment_per_min"]
        assert isinstance(rate, dict)
        assert rate["den"] == minutes, end_ms


def test_who_left_is_offline_and_the_peak_stays() -> None:
    shard = shown(LOG)
    (before,) = read(shard, "1m", 20_000)
    assert (before["online_now"], before["pcu"]) == (2, 2)
    (after,) = read(shard, "1m", 60_000)
    assert (after["online_now"], after["pcu"]) == (1, 2)
    (session,) = read(shard, "session", 60_000)
    assert (session["online_now"], session["pcu"]) == (1, 2)


def test_gauges_are_read_for_rooms_in_the_minute_and_the_session_only() -> None:
    shard = shown(LOG)
    for window in ("r1", "r5", "r10"):
        (room,) = read(shard, window, 60_000)
        assert not {"online_now", "pcu"} & set(room)
    assert not any("online_now" in cell for cell in read(shard, "session", 60_000, "channel"))


def test_a_split_has_its_own_figures() -> None:
    shard = shown(LOG)
    by_views = sorted(str(cell["view_pv"]) for cell in read(shard, "session", 60_000, "channel"))
    assert by_views == ["0", "1", "1"]  # the order names no channel
    (product,) = read(shard, "session", 60_000, "product")
    assert product["gmv_paid"] == 900


def test_a_window_without_events_is_known_to_be_empty_although_it_has_a_length() -> None:
    shard = shown([tick(0), event("enter", 500, 1, 1), event("leave", 900, 2, 1), *ticks(1, 190)])
    state = shard.state
    figures = Figures(state.plan, state.cube, state.presence, state.active, state.sessions)
    view = view_of(shard, "room")
    cells = np.array([0])
    for window, nothing in (("1m", True), ("session", False)):
        span = Span(WINDOW_BY_NAME[window], T0_MS + 180_000, (T0_MS + 180_000) // 1000)
        measures = figures.measures(view, cells, span)
        assert measures[0, state.plan.number["minutes"]] > 0
        assert figures.nothing(measures).tolist() == [nothing], window
