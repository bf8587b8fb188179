"""Comparing what arrived with what is true: every kind of figure, every way to be wrong."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from stream.agreement import Difference, differences, expected_channels, expected_figures, same
from stream.demo_report import MAX_DIFFERENCES, agreement_lines

HEAD = {"tenant": "t1", "group": "t1", "room_id": "r1"}
RATIO = {"num": 1, "den": 3, "value": 1 / 3}
TRUTH: dict[str, Any] = {
    "rows": [
        {
            **HEAD, "dimension": "room", "key": None, "window": "session", "start_ms": 0,
            "metrics": {"gmv_paid": 100, "cvr_view": RATIO, "online_now": None},
        },
        {
            **HEAD, "dimension": "room", "key": None, "window": "1m", "start_ms": 60_000,
            "metrics": {"gmv_paid": 40},
        },
        {
            **HEAD, "dimension": "product", "key": "p.1", "window": "session", "start_ms": 0,
            "metrics": {"gmv_paid": 70},
        },
        {
            **HEAD, "dimension": "room", "key": None, "window": "r5", "start_ms": 0,
            "metrics": {"gmv_paid": 1},
        },
    ],
    "sessions": [{"tenant": "t1", "room_id": "r1", "start_ms": 0, "end_ms": None}],
    "boards": [
        {"tenant": "t1", "group": "t1", "name": "rooms_gmv", "entries": [{"key": "r1", "value": 9}]}
    ],
    "stock": [
        {
            "tenant": "t1", "group": "t1", "pool": "p.1",
            "on_hand": 5, "reserved": 1, "sold": 2, "available": 4,
        }
    ],
    "counts": {"in": 12, "accepted": 9, "duplicates": 1, "dead": {"not_json": 2}},
}  # fmt: skip
ARRIVED: dict[str, dict[str, Any]] = {
    "room:t1/r1": {"session.gmv_paid": 100, "session.cvr_view": RATIO, "meta.title": "x"},
    "hist:t1/r1": {"60000": {"gmv_paid": 40, "revision": 1}},
    "split:t1/r1/product": {"session.gmv_paid.p.1": 70},
    "board:t1/t1/rooms_gmv": {"1": {"key": "r1", "value": 9, "prev_rank": None}},
    "stock:t1/t1": {"p.1": {"on_hand": 5, "reserved": 1, "sold": 2, "available": 4}},
    "counters": {"in": 12, "accepted": 9, "duplicates": 1, "dead": 2, "dead.not_json": 2},
}


def test_equal_figures_agree() -> None:
    assert differences(TRUTH, ARRIVED) == []


def test_every_kind_of_figure_is_compared() -> None:
    assert expected_channels(TRUTH) == set(ARRIVED)
    assert len(expected_figures(TRUTH)) == 3 + 1 + 1 + 2 + 4 + 5


@pytest.mark.parametrize("channel", sorted(ARRIVED))
def test_a_channel_that_never_came_is_a_difference(channel: str) -> None:
    arrived = {name: fields for name, fields in ARRIVED.items() if name != channel}
    assert {found.channel for found in differences(TRUTH, arrived)} == {channel}


def _wrong_gmv(arrived: dict[str, Any]) -> None:
    arrived["room:t1/r1"]["session.gmv_paid"] = 101


def _wrong_ratio(arrived: dict[str, Any]) -> None:
    arrived["room:t1/r1"]["session.cvr_view"] = {"num": 2, "den": 6, "value": 1 / 3}


def _zero_for_no_data(arrived: dict[str, Any]) -> None:
    arrived["room:t1/r1"]["session.online_now"] = 0


def _wrong_minute(arrived: dict[str, Any]) -> None:
    arrived["hist:t1/r1"]["60000"]["gmv_paid"] = 41


def _surplus_rank(arrived: dict[str, Any]) -> None:
    arrived["board:t1/t1/rooms_gmv"]["2"] = {"key": "r2", "value": 1}


def _float_money(arrived: dict[str, Any]) -> None:
    arrived["split:t1/r1/product"]["session.gmv_paid.p.1"] = 70.0


def _wrong_stock(arrived: dict[str, Any]) -> None:
    arrived["stock:t1/t1"]["p.1"]["available"] = 3


def _lost_line(arrived: dict[str, Any]) -> None:
    arrived["counters"]["in"] = 13


def _letter_of_another_reason(arrived: dict[str, Any]) -> None:
    arrived["counters"]["dead.poison"] = 1


@pytest.mark.parametrize(
    "spoil",
    [
        _wrong_gmv, _wrong_ratio, _zero_for_no_data, _wrong_minute, _surplus_rank, _float_money,
        _wrong_stock, _lost_line, _letter_of_another_reason,
    ],
)  # fmt: skip
def test_one_wrong_figure_is_one_difference(spoil: Callable[[dict[str, Any]], None]) -> None:
    arrived = copy.deepcopy(ARRIVED)
    spoil(arrived)
    assert len(differences(TRUTH, arrived)) == 1


def test_the_screen_of_a_room_that_ended_shows_who_was_there_at_its_end() -> None:
    truth = copy.deepcopy(TRUTH)
    truth["rows"][0]["metrics"]["online_now"] = 7
    truth["sessions"][0]["end_ms"] = 90_000
    arrived = copy.deepcopy(ARRIVED)
    assert [found.expected for found in differences(truth, arrived)] == [7]
    arrived["room:t1/r1"]["session.online_now"] = 7
    assert differences(truth, arrived) == []


def test_quotients_may_differ_in_the_last_bit() -> None:
    assert same({"num": 1, "den": 3, "value": 0.3333333333333333}, {**RATIO})
    assert not same({"num": 1, "den": 3, "value": 0.3333}, {**RATIO})
    assert same({"num": 0, "den": 0, "value": None}, {"num": 0, "den": 0, "value": None})
    assert not same({"num": 0, "den": 0, "value": None}, {"num": 0, "den": 0, "value": 0})


def test_the_report_shows_both_sides_and_the_verdict() -> None:
    arrived = copy.deepcopy(ARRIVED)
    _wrong_gmv(arrived)
    lines = list(agreement_lines(TRUTH, arrived, differences(TRUTH, arrived)))
    assert lines[-1] == "16 figures compared over WebSocket, 1 differ"
    assert any("session.gmv_paid" in line and "<-- differs" in line for line in lines)
    assert any(line.startswith("differs: room:t1/r1 session.gmv_paid") for line in lines)


def test_the_report_of_many_differences_is_cut() -> None:
    wrong = [Difference("room:t1/r1", str(n), 1, None) for n in range(MAX_DIFFERENCES + 7)]
    assert "... and 7 more" in list(agreement_lines(TRUTH, ARRIVED, wrong))
