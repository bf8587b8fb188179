"""Terms, keywords with the orders after them, and pairs: as boards, in any order of arrival."""

import random
from collections.abc import Sequence

import numpy as np
import pytest

from operators.compact import compact_viewers, drop_marks
from operators.shard import Record, Shard
from operators.snapshot import freeze, thaw
from operators.talk import terms as terms_module
from operators.talk.pairs import MAX_PRODUCTS
from operators.talk.tables import Keyed, Store, best, high_of, low_of, packed
from operators.talk.words import Words
from sinks.results import sorted_lines
from stream.replay import version_of
from tests.operators.one_room import (
    T0_MS,
    Played,
    event,
    play,
    quiet_shard,
    tick,
    ticks,
)

WORDS = Words(keywords=("多少钱",), stop_words=())


def said(number: int, at_ms: int, user: int, text: str, **more: object) -> bytes:
    return event("comment", at_ms, number, user, text=text, **more)


def paid(
    number: int, at_ms: int, user: int, product: str, order: str = "", **more: object
) -> bytes:
    body = {"order_id": order or f"o{number}", "product_id": product, "amount_minor": 100, **more}
    return event("order_paid", at_ms, number, user, line_id=product, **body)


def lines(
    played: Played, name: str, window: str = "session"
) -> dict[int, list[tuple[object, ...]]]:
    """End of the minute to its lines, as (key, value, second count, rank before)."""
    second = {"terms": "mentions", "keywords": "users", "pairs": "orders"}[name]
    out: dict[int, list[tuple[object, ...]]] = {}
    for row in played.rows:
        if (row.kind, row.dimension, row.window, row.room_id) == ("board", name, window, "r1"):
            found = row.body["lines"]
            assert isinstance(found, list)
            assert [line["rank"] for line in found] == list(range(1, len(found) + 1))
            out[row.end_ms - T0_MS] = [
                (line["key"], line["value"], line[second], line["prev_rank"]) for line in found
            ]
    return out


def shard() -> Shard:
    return quiet_shard(words=WORDS, term_horizon_ms=120_000)


def test_terms_are_ranked_by_distinct_users_then_mentions_then_their_text() -> None:
    log = [
        tick(0),
        said(1, 10, 1, "面霜 好用"), said(2, 20, 1, "面霜"), said(3, 30, 2, "面霜"),
        said(4, 40, 1, "好用"), said(5, 50, 3, "精华"),
        *ticks(1, 130),
    ]  # fmt: skip
    wanted = [("面霜", 2, 3, None), ("好用", 1, 2, None), ("精华", 1, 1, None)]
    played = play(log, shard())
    assert lines(played, "terms") == {60_000: wanted}
    assert lines(played, "terms", "r5")[60_000] == wanted
    row = next(row for row in played.rows if row.dimension == "terms")
    assert row.body["segmenter"] == "rjieba"


def test_the_window_forgets_what_the_session_keeps() -> None:
    log = [tick(0), said(1, 10, 1, "面霜"), *ticks(1, 120), said(2, 120_000, 2, "精华")]
    played = play([*log, *ticks(121, 500)], shard())
    assert sorted(lines(played, "terms", "r5")) == list(range(60_000, 421_000, 60_000))
    assert lines(played, "terms", "r5")[360_000] == [("精华", 1, 1, 1)]
    assert lines(played, "terms")[180_000] == [("精华", 1, 1, None), ("面霜", 1, 1, 1)]


def test_a_keyword_is_told_with_the_orders_its_users_paid_within_the_horizon() -> None:
    log = [
        tick(0),
        paid(1, 5, 1, "p1"),
        said(2, 10_000, 1, "多少钱"), said(3, 10_000, 2, "多少钱呀"), said(4, 11_000, 1, "多少钱"),
        paid(5, 10_000, 1, "p1", "o9"), paid(6, 20_000, 1, "p2", "o9"), paid(7, 30_000, 3, "p2"),
        *ticks(1, 129),
        paid(8, 129_999, 2, "p1"), paid(9, 130_000, 2, "p2"),
        *ticks(130, 260),
    ]  # fmt: skip
    played = play(log, shard())
    assert lines(played, "keywords")[60_000] == [("多少钱", 1, 2, None)]
    assert lines(played, "keywords")[180_000] == [("多少钱", 2, 2, 1)]
    row = [row for row in played.rows if row.dimension == "keywords"][-1]
    assert row.body["within_ms"] == 120_000
    found = row.body["lines"]
    assert isinstance(found, list)
    assert found[0]["paid_minor"] == 300


def test_a_pair_is_of_one_order_or_of_one_buyer() -> None:
    log = [
        tick(0),
        paid(1, 10, 1, "pb", "o1"), paid(2, 10, 1, "pa", "o1"), paid(3, 20, 1, "pc", "o2"),
        paid(4, 30, 2, "pa"), paid(5, 40, 2, "pa"),
        *ticks(1, 70),
        paid(6, 70_000, 2, "pb"),
        *ticks(71, 190),
    ]  # fmt: skip
    first = [("pa + pb", 1, 1, None), ("pa + pc", 1, 0, None), ("pb + pc", 1, 0, None)]
    then = [("pa + pb", 2, 1, 1), ("pa + pc", 1, 0, 2), ("pb + pc", 1, 0, 3)]
    assert lines(play(log, shard()), "pairs") == {60_000: first, 120_000: then}


def test_a_basket_makes_pairs_of_its_first_products_only() -> None:
    many = [paid(n, n, 1, f"p{n:02}", "o1") for n in range(MAX_PRODUCTS + 5)]
    listening = shard()
    play([tick(0), *many, *ticks(1, 130)], listening)
    pairs = MAX_PRODUCTS * (MAX_PRODUCTS - 1) // 2
    assert len(listening.fold.talk.pairs.slots) == pairs


def busy(seed: int) -> list[bytes]:
    rng = random.Random(seed)
    body = []
    for number in range(300):
        at_ms, user = rng.randrange(200_000), rng.randrange(9)
        if rng.random() < 0.6:
            words = rng.sample(["面霜", "精华", "好用", "多少钱", "口红", "色号"], 2)
            body.append((at_ms, said(number, at_ms, user, " ".join(words))))
        else:
            order, product = f"o{rng.randrange(60)}", f"p{rng.randrange(5)}"
            body.append((at_ms, paid(number, at_ms, user, product, order)))
    return [line for _, line in sorted(body)]


def arranged(body: Sequence[bytes], delay_ms: int, seed: int) -> list[bytes]:
    """The events with ticks, each up to `delay_ms` late."""
    rng = random.Random(seed)
    timed = [
        (int(line.split(b'"event_time_ms": ')[1].split(b",")[0]) - T0_MS, line) for line in body
    ]
    arriving = sorted(
        (at + (rng.randrange(delay_ms) if delay_ms else 0), line) for at, line in timed
    )
    out, second = [tick(0)], 0
    for at, line in arriving:
        while second < at // 1000:
            second += 1
            out.append(tick(second * 1000))
        out.append(line)
    return [*out, *ticks(second + 1, 400)]


def board_lines(played: Played) -> list[bytes]:
    talk = ("terms", "keywords", "pairs")
    return list(sorted_lines(row for row in played.rows if row.dimension in talk))


@pytest.mark.parametrize("seed", range(3))
def test_order_of_arrival_and_batches_do_not_show(seed: int) -> None:
    body = busy(seed)
    # One line of an order is counted once, whichever copy comes first: keep one of each.
    body = list({_line(one): one for one in body}.values())
    plain = board_lines(play(arranged(body, 0, 0), shard()))
    assert len(plain) > 10
    assert board_lines(play(arranged(body, 59_000, seed), shard(), size=7)) == plain


def _line(event_line: bytes) -> bytes:
    return event_line.split(b'"line_id"')[-1]


def test_a_successor_goes_on_where_the_snapshot_was_taken() -> None:
    log = arranged(busy(5), 0, 0)
    whole = board_lines(play(log, shard()))
    old = shard()
    first = play(log[: len(log) // 2], old)
    new = shard()
    thaw(new, freeze(old))
    rows = [*first.rows, *play(log[len(log) // 2 :], new).rows]
    assert board_lines(Played(rows=rows)) == whole


def test_an_ended_session_is_forgotten_and_its_channels_retire() -> None:
    log = arranged(busy(1), 0, 0)[:-151]
    end_ms = 215_000
    log += [event("room_status", end_ms, 9_999, status="end"), *ticks(251, 560)]
    listening = shard()
    retired: list[str] = []
    for number, line in enumerate(log, 1):
        for output in listening.step([Record(version_of(number), 0, line)]):
            retired += output.retired
        listening.flush(0)
    talk = listening.fold.talk
    assert (len(talk.terms.slots), len(talk.pairs.slots)) == (0, 0)
    assert not talk.channels.now
    assert {name for name in retired if name.startswith("board:")} == {
        f"board:t1/t1/{name}@r1" for name in ("terms", "terms_session", "keywords", "pairs")
    }


def test_channels_show_ranks_and_take_away_those_below_the_last() -> None:
    listening = shard()
    shown: dict[str, dict[str, object]] = {}
    log = [tick(0), said(1, 10, 1, "面霜 精华"), *ticks(1, 420)]
    for number, line in enumerate(log, 1):
        listening.step([Record(version_of(number), 0, line)])
        for patch in listening.flush(0).patches:
            if "@r1" in patch.channel:
                known = shown.setdefault(patch.channel.split("/")[2], {})
                known.update(patch.fields)
                for rank in [rank for rank, value in known.items() if value is None]:
                    del known[rank]
        if number == 40:
            assert sorted(shown["terms@r1"]) == ["1", "2"]
            assert "terms_session@r1" not in shown
    listening.forget_sent()
    again = {patch.channel: patch.fields for patch in listening.flush(0).patches}
    assert again["board:t1/t1/terms_session@r1"]["1"] == shown["terms_session@r1"]["1"]
    assert shown["terms@r1"] == {}
    assert sorted(shown["terms_session@r1"]) == ["1", "2"]


def test_a_full_session_counts_only_the_terms_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terms_module, "MAX_TERMS", 2)
    log = [tick(0), said(1, 10, 1, "面霜 精华"), *ticks(1, 60)]
    log += [said(2, 60_010, 2, "口红 面霜"), *ticks(61, 190)]
    found = lines(play(log, shard()), "terms")
    assert found[120_000] == [("面霜", 2, 2, 2), ("精华", 1, 1, 1)]


def test_viewers_and_terms_may_get_other_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operators.compact.MIN_VIEWERS", 1)
    monkeypatch.setattr("operators.talk.talk._SPARE_NAMES", 0)
    log = arranged(busy(2), 0, 0)
    whole = board_lines(play(log, shard()))
    listening = shard()
    crowd = [event("room_exposure", 10, 5_000 + n, 1_000 + n, room_id="rx") for n in range(60)]
    half = len(log) // 2
    first = play([log[0], *crowd, *log[1:half]], listening)
    listening.fold.talk.comments.read(["没有人 再说 这些话"])
    every = np.ones(listening.state.sessions.count, np.bool_)
    drop_marks(listening.state.cube, every, ~every)
    compact_viewers(listening.state, listening.fold.talk)
    listening.fold.talk._compact_names()
    rows = [*first.rows, *play(log[half:], listening).rows]
    assert board_lines(Played(rows=rows)) == whole


def test_tables_keep_and_renumber_their_rows() -> None:
    table = Keyed("count")
    rows = table.rows(packed(np.array([1, 2, 1]), np.array([7, 8, 9])))
    table.add("count", rows, np.array([1, 2, 3]))
    assert table.renumber_high(np.array([-1, -1, 5])).tolist() == [-1, 0, -1]
    assert high_of(table.index.keys()).tolist() == [5]
    assert low_of(table.index.keys()).tolist() == [8]
    assert table.counts["count"].tolist() == [2]
    store = Store("a", "b")
    store.add(np.array([1, 2]), np.array([3, 4]))
    store.keep(store["a"] > 1)
    assert store.whole.tolist() == [[2], [4]]


def test_the_best_include_all_that_equal_the_last() -> None:
    homes, values = np.array([0, 0, 0, 1]), np.array([5, 7, 5, 1])
    assert {home: sorted(places) for home, places in best(homes, (values,), 2).items()} == {
        0: [0, 1, 2],
        1: [3],
    }
    assert best(np.zeros(0, np.int64), (np.zeros(0, np.int64),), 2) == {}
