"""Boards: wrong ones are found, and the oracle's own reading of comments."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import duckdb
import pytest

from operators.results import Row
from operators.talk.comments import Comments
from operators.talk.matching import normal
from operators.talk.segment import bigrams
from operators.talk.words import Words
from stream.oracle.comments import cutter, neighbours, plain, terms_of
from stream.oracle.compare import Report
from stream.oracle.compare_boards import compare_boards
from stream.oracle.load import load
from stream.oracle.terms import terms_of as settings_terms
from stream.replay import run_replay
from stream.settings import Settings
from tests.operators.one_room import event, tick, ticks
from tests.oracle.fuzz import TEXTS, random_log

LOG = b"\n".join(random_log(3, events=1_500)) + b"\n"


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return list(run_replay([LOG], settings=Settings()))


@lru_cache(maxsize=1)
def loaded(log: bytes) -> duckdb.DuckDBPyConnection:
    return load([log], settings_terms(Settings()))


def report(rows: Sequence[Row], log: bytes = LOG) -> Report:
    found = Report()
    compare_boards(loaded(log), rows, found, Words(), Settings().term_horizon_ms)
    return found


def test_right_boards_agree(rows: list[Row]) -> None:
    found = report(rows)
    assert found.mismatches == []
    assert {name for name, _ in found.boards} >= {"terms", "keywords", "pairs", "products_gmv"}


def test_of_a_basket_paid_at_one_moment_the_same_products_count_however_they_come() -> None:
    lines = [
        event(
            *("order_paid", 500, number, 1), order_id="o1", line_id=f"{number}",
            product_id=f"p{number * 7 % 30:02d}", amount_minor=100,
        )
        for number in range(30)
    ]  # fmt: skip
    found = []
    for ordered in (lines, lines[::-1]):
        log = b"".join([tick(0), *ordered, *ticks(1, 200)])
        made = list(run_replay([log], settings=Settings()))
        checked = report(made, log)
        assert checked.mismatches == []
        assert checked.boards["pairs", "session"]
        found.append([row for row in made if row.dimension == "pairs"])
    assert found[0] == found[1]
    assert "p25" not in str(found[0])


@pytest.mark.parametrize("name", ["terms", "keywords", "pairs", "products_gmv", "rooms_gmv"])
def test_a_wrong_value_rank_or_movement_and_a_missing_row_are_found(
    name: str, rows: list[Row]
) -> None:
    at = max(place for place, row in enumerate(rows) if row.dimension == name)
    lines = rows[at].body["lines"]
    assert isinstance(lines, list)
    for field in ("value", "rank", "prev_rank", "key"):
        bad = [{**lines[0], field: 99}, *lines[1:]]
        wrong = replace(rows[at], body={**rows[at].body, "lines": bad})
        assert report([*rows[:at], wrong, *rows[at + 1 :]]).mismatch_count == 1
    assert report([*rows[:at], *rows[at + 1 :]]).mismatches[0].endswith("the row is missing")
    extra = replace(rows[at], end_ms=rows[at].end_ms + 1)
    assert "no such row" in report([*rows, extra]).mismatches[0]


def test_two_readings_of_a_comment_give_the_same_terms() -> None:
    words = Words()
    comments, cut = Comments(words), cutter(words)
    for text in (*TEXTS, "面霜x1好用啊ABC 精华", "é à 玻尿酸", "a㐀b", "\u202e面霜"):
        assert plain(text) == normal(text)
        assert terms_of(text, words, cut) == comments.terms_of(normal(text))
        assert neighbours(plain(text)) == bigrams(normal(text))
