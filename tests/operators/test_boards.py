"""Leaderboards: order, ties, movement, their minutes."""

from operators.boards import Boards
from operators.shard import Record
from stream.replay import version_of
from tests.operators.one_room import T0_MS, Played, event, play, quiet_shard, tick, ticks


def paid(number: int, at_ms: int, product: str, amount: int, **more: object) -> bytes:
    body = {"order_id": f"o{number}", "product_id": product, "amount_minor": amount, **more}
    return event("order_paid", at_ms, number, number % 7, **body)


def board(played: Played, name: str, room: str | None = None) -> list[tuple[int, list[object]]]:
    """(end of the minute, its lines) of every row of a board."""
    out: list[tuple[int, list[object]]] = []
    for row in played.rows:
        if (row.kind, row.dimension, row.room_id) == ("board", name, room):
            lines = row.body["lines"]
            assert isinstance(lines, list)
            out.append((row.end_ms - T0_MS, lines))
    return out


def line(rank: int, key: str, value: int, prev_rank: int | None) -> dict[str, object]:
    return {"rank": rank, "key": key, "value": value, "prev_rank": prev_rank}


def test_lines_come_by_value_then_by_key_and_tell_the_rank_a_minute_ago() -> None:
    log = [
        tick(0),
        paid(1, 0, "pb", 100),
        paid(2, 0, "pa", 100),
        paid(3, 0, "pc", 300),
        *ticks(1, 70),
        paid(4, 70_000, "pa", 500),
        paid(5, 70_000, "pd", 50),
        *ticks(71, 190),
    ]
    assert board(play(log, quiet_shard()), "products_gmv") == [
        (60_000, [line(1, "pc", 300, None), line(2, "pa", 100, None), line(3, "pb", 100, None)]),
        (
            120_000,
            [
                line(1, "pa", 600, 2),
                line(2, "pc", 300, 1),
                line(3, "pb", 100, 3),
                line(4, "pd", 50, None),
            ],
        ),
    ]


def test_a_minute_without_a_change_has_no_row() -> None:
    log = [tick(0), paid(1, 0, "p1", 100), *ticks(1, 310)]
    assert [end for end, _ in board(play(log, quiet_shard()), "products_gmv")] == [60_000]


def test_a_minute_does_not_see_the_next_ones_sales_however_it_was_batched() -> None:
    log = [tick(0), paid(1, 0, "p1", 100), *ticks(1, 60), paid(2, 60_000, "p2", 900)]
    log += ticks(61, 190)
    for size in (0, 1, 9):
        rows = board(play(log, quiet_shard(), size=size), "products_gmv")
        assert rows[0] == (60_000, [line(1, "p1", 100, None)])
        assert rows[1] == (120_000, [line(1, "p2", 900, None), line(2, "p1", 100, 1)])


def test_a_group_sums_its_rooms_and_each_room_has_its_own() -> None:
    log = [
        tick(0),
        paid(1, 0, "p1", 100),
        paid(2, 0, "p1", 20, room_id="r2"),
        paid(3, 0, "p2", 110, room_id="r2"),
        paid(4, 0, "p1", 7, room_id="r3", tenant="t2"),
        *ticks(1, 130),
    ]
    played = play(log, quiet_shard())
    groups = {row.tenant: row.body["lines"] for row in played.rows
              if (row.dimension, row.room_id) == ("products_gmv", None)}  # fmt: skip
    assert groups == {
        "t1": [line(1, "p1", 120, None), line(2, "p2", 110, None)],
        "t2": [line(1, "p1", 7, None)],
    }
    assert board(played, "products_gmv", "r2") == [
        (60_000, [line(1, "p2", 110, None), line(2, "p1", 20, None)])
    ]
    assert board(played, "rooms_gmv")[0] == (
        60_000, [line(1, "r2", 130, None), line(2, "r1", 100, None)]
    )  # fmt: skip


def test_units_and_hosts_have_boards_of_their_own() -> None:
    log = [
        tick(0),
        paid(1, 0, "p1", 100, qty=3, host_id="h1"),
        paid(2, 0, "p2", 300, qty=1, host_id="h2"),
        paid(3, 0, "p3", 900),
        *ticks(1, 130),
    ]
    played = play(log, quiet_shard())
    units = [line(1, "p1", 3, None), line(2, "p2", 1, None), line(3, "p3", 1, None)]
    assert board(played, "products_units") == [(60_000, units)]
    hosts = [line(1, "h2", 300, None), line(2, "h1", 100, None)]
    assert board(played, "hosts_gmv") == [(60_000, hosts)]


def test_the_cut_keeps_the_smallest_key_among_equal_values() -> None:
    log = [tick(0), *(paid(n, 0, f"p{n}", 10) for n in range(9, 0, -1)), *ticks(1, 130)]
    (_, lines), = board(play(log, quiet_shard(board_lines=3)), "products_gmv")  # fmt: skip
    assert lines == [line(1, "p1", 10, None), line(2, "p2", 10, None), line(3, "p3", 10, None)]


def test_an_ended_session_leaves_the_board_after_its_time() -> None:
    log = [
        tick(0),
        paid(1, 0, "p1", 100),
        event("enter", 0, 2, 1, room_id="r2"),
        event("room_status", 30_000, 3, status="end"),
        *ticks(1, 65),
    ]
    shard = quiet_shard(board_ttl_ms=40_000)
    play(log, shard)
    assert Boards(shard.state).lines(None)
    play(ticks(66, 71), shard)
    assert Boards(shard.state).lines(None) == {}


def test_a_board_that_was_empty_begins_anew() -> None:
    keep_alive = [event("enter", at * 1_000, at, 1, room_id="r2") for at in range(0, 310, 30)]
    log = [
        tick(0),
        paid(1, 0, "p1", 100),
        *ticks(1, 29),
        event("room_status", 30_000, 3, status="end"),
        *(
            line
            for at in range(30, 310, 30)
            for line in (keep_alive[at // 30], *ticks(at, at + 29))
        ),
    ]
    shard = quiet_shard(board_ttl_ms=150_000)
    assert [end for end, _ in board(play(log, shard), "products_gmv", "r1")] == [60_000]
    assert not shard.boards.before
    assert not shard.boards.said
    again = play([paid(4, 310_000, "p1", 100), *ticks(310, 500)], shard)
    assert board(again, "products_gmv", "r1") == [(360_000, [line(1, "p1", 100, None)])]


def test_screens_are_told_only_boards_that_changed() -> None:
    shard = quiet_shard()
    lines = [tick(0), paid(1, 100, "p1", 500), paid(2, 200, "p1", 500, room_id="r2")]
    shard.step([Record(version_of(1), 0, b"".join(lines))])
    first = {p.channel for p in shard.flush(0).patches if p.channel.startswith("board:")}
    assert {"board:t1/t1/products_gmv@r1", "board:t1/t1/products_gmv@r2"} <= first
    shard.step([Record(version_of(2), 0, paid(3, 300, "p1", 500, room_id="r2"))])
    later = {p.channel for p in shard.flush(0).patches if p.channel.startswith("board:")}
    assert "board:t1/t1/products_gmv" in later
    assert "board:t1/t1/products_gmv@r2" in later
    assert "board:t1/t1/products_gmv@r1" not in later
    shard.step([Record(version_of(3), 0, event("enter", 400, 4, 4))])
    assert not [p for p in shard.flush(0).patches if p.channel.startswith("board:")]
