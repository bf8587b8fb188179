"""Snapshots over an upgrade: other metrics, other dimensions, other names."""

import pickle
from collections.abc import Iterable
from dataclasses import replace

import pytest

from operators.catalogue.metrics import METRIC_BY_NAME, METRICS, Metric
from operators.copies import CopySpace
from operators.frozen import parse, whole
from operators.options import Options
from operators.plan import Plan
from operators.results import Row
from operators.rules.model import RuleSet
from operators.shard import Shard
from operators.snapshot import capture, freeze, thaw
from sinks.results import sorted_lines
from stream.errors import StateError
from tests.operators.one_room import event, play, tick, ticks

FIRST = [
    tick(0),
    event("enter", 100, 1, 1, channel="paid", host_id="h1", platform="douyin"),
    event("product_click", 200, 2, 1, product_id="p1", channel="paid"),
    event(
        "order_paid", 300, 3, 1, product_id="p1", order_id="o1", amount_minor=700, channel="paid"
    ),
    *ticks(1, 10),
]
SECOND = [
    event("enter", 10_100, 11, 2, channel="feed", host_id="h1"),
    event("order_paid", 10_200, 12, 2, product_id="p1", order_id="o2", amount_minor=50),
    event("room_status", 11_000, 13, status="end"),
    *ticks(11, 130),
]
SMALL = [
    METRIC_BY_NAME[name]
    for name in ("view_pv", "view_uv", "gmv_paid", "units_paid", "pay_uv", "cvr_view")
]
NO_CHANNEL = [
    replace(metric, dimensions=tuple(name for name in metric.dimensions if name != "channel"))
    for metric in METRICS
]
"""The dimension in the middle: those after it have other numbers without it."""


def shard_of(metrics: Iterable[Metric]) -> Shard:
    return Shard(0, Plan(metrics), RuleSet((), "", {}), Options())


def upgraded(before: Iterable[Metric], after: Iterable[Metric]) -> list[Row]:
    """Rows of the second half by a successor with other metrics."""
    old = shard_of(before)
    play(FIRST, old)
    new = shard_of(after)
    thaw(new, freeze(old))
    return [row for row in play(SECOND, new).rows if row.kind == "metric"]


def session(rows: list[Row], dimension: str = "room") -> dict[str | None, dict[str, object]]:
    """Session figures by key."""
    out: dict[str | None, dict[str, object]] = {}
    for row in rows:
        if (row.dimension, row.window) == (dimension, "session"):
            metrics = row.body["metrics"]
            assert isinstance(metrics, dict)
            out[row.key] = metrics
    return out


def test_the_same_metrics_give_the_same_rows() -> None:
    whole = [row for row in play([*FIRST, *SECOND], shard_of(METRICS)).rows if row.kind == "metric"]
    assert list(sorted_lines(upgraded(METRICS, METRICS))) == list(sorted_lines(whole))


def test_a_metric_that_stays_keeps_its_past_whatever_is_added_or_dropped() -> None:
    wanted = session(upgraded(METRICS, METRICS))[None]
    for before, after in ((SMALL, METRICS), (METRICS, SMALL), (SMALL, SMALL[::-1])):
        figures = session(upgraded(before, after))[None]
        for metric in SMALL:
            assert figures[metric.name] == wanted[metric.name], metric.name


def test_a_new_metric_counts_from_the_upgrade_on() -> None:
    figures = session(upgraded(SMALL, METRICS))[None]
    assert figures["orders_paid"] == 1
    assert figures["gmv_paid"] == 750


@pytest.mark.parametrize("dimension", ["room", "product", "host", "platform"])
def test_dimensions_may_come_and_go(dimension: str) -> None:
    wanted = session(upgraded(METRICS, METRICS), dimension)
    assert wanted
    assert session(upgraded(METRICS, NO_CHANNEL), dimension) == wanted
    assert session(upgraded(NO_CHANNEL, METRICS), dimension) == wanted


def test_a_new_dimension_counts_from_the_upgrade_on() -> None:
    rows = upgraded(NO_CHANNEL, METRICS)
    assert {key: figures["view_pv"] for key, figures in session(rows, "channel").items()} == {
        "feed": 1,
        "unknown": 0,
    }
    assert session(upgraded(METRICS, NO_CHANNEL), "channel") == {}


def changed(data: bytes, **changes: object) -> bytes:
    """A snapshot with some names changed, as earlier versions wrote them: one plain pickle."""
    loaded = parse(data)
    assert isinstance(loaded, dict)
    plain = pickle.loads(loaded.pop("plain"))
    return pickle.dumps({**loaded, **plain, **changes})


def test_an_unknown_name_is_dropped_and_one_of_another_type_starts_empty() -> None:
    old = shard_of(METRICS)
    play(FIRST, old)
    new = shard_of(METRICS)
    thaw(new, changed(freeze(old), tables_of_tomorrow=[1, 2], revisions="none", horizon_s=None))
    assert new.beat.rows.revisions == {}
    assert new.state.counters == old.state.counters


@pytest.mark.parametrize("encoding", [0, 99, None, "1"])
def test_another_encoding_is_refused_with_a_remedy(encoding: object) -> None:
    data = changed(freeze(shard_of(SMALL)), encoding=encoding)
    with pytest.raises(StateError, match="recovery-dir"):
        thaw(shard_of(SMALL), data)


def test_an_empty_shard_goes_there_and_back() -> None:
    new = shard_of(METRICS)
    thaw(new, freeze(shard_of(METRICS)))
    assert play([*FIRST, *SECOND], new).rows == play([*FIRST, *SECOND], shard_of(METRICS)).rows


def test_freezing_changes_nothing_and_gives_the_same_bytes_again() -> None:
    shard = shard_of(METRICS)
    play(FIRST, shard)
    assert freeze(shard) == freeze(shard)


def test_a_copy_that_is_encoded_twice_raises_and_is_no_empty_state() -> None:
    shard = shard_of(METRICS)
    play(FIRST, shard)
    captured = capture(shard)
    assert captured.parts()
    with pytest.raises(StateError, match="twice"):
        captured.parts()


def test_copies_in_one_space_are_apart_until_they_are_let_go() -> None:
    shard, space = shard_of(METRICS), CopySpace()
    play(FIRST, shard)
    before, first = freeze(shard), capture(shard, space)
    play(SECOND, shard)
    after, second = freeze(shard), capture(shard, space)
    assert before != after
    assert whole(first.parts()) == before
    first.let_go()
    third = capture(shard, space)
    assert whole(second.parts()) == whole(third.parts()) == after
