from sinks.log import LogGap, LogRecord, Position, log_id
from sinks.log_cursor import LogCursor


def entry(n: int, body: bytes = b"x") -> dict[bytes, bytes]:
    return {b"n": str(n).encode(), b"b": body}


def test_entries_in_number_order_come_out_as_records() -> None:
    cursor = LogCursor(Position())
    cursor.admit("5-0", entry(1))
    cursor.admit("5-1", entry(2))
    assert cursor.pop(100) == [LogRecord("5-0", 1, b"x"), LogRecord("5-1", 2, b"x")]
    assert cursor.position == Position("5-1", 2)


def test_a_jump_in_the_numbers_is_announced_with_its_count_before_the_next_record() -> None:
    cursor = LogCursor(Position("5-0", 1))
    cursor.admit("9-0", entry(5))
    assert cursor.pop(100) == [LogGap(3, "trimmed"), LogRecord("9-0", 5, b"x")]


def test_numbers_that_begin_again_are_a_restarted_log() -> None:
    cursor = LogCursor(Position("5-0", 7))
    cursor.admit("9-0", entry(1))
    cursor.admit("9-1", entry(2))
    taken = cursor.pop(100)
    assert taken[0] == LogGap(None, "restarted")
    assert [item.n for item in taken[1:] if isinstance(item, LogRecord)] == [1, 2]


def test_an_entry_written_by_hand_is_skipped_and_announced() -> None:
    cursor = LogCursor(Position())
    cursor.admit("5-0", {b"hello": b"world"})
    cursor.admit("5-1", {b"n": b"one", b"b": b"x"})
    cursor.admit("6-0", entry(1))
    assert cursor.pop(100)[:2] == [LogGap(None, "foreign")] * 2
    assert cursor.position == Position("6-0", 1)


def test_pop_takes_at_least_one_and_then_no_more_than_fits() -> None:
    cursor = LogCursor(Position())
    for n in range(1, 5):
        cursor.admit(f"{n}-0", entry(n, b"12345678"))
    assert [len(cursor.pop(limit)) for limit in (1, 16, 7, 7)] == [1, 2, 1, 0]
    assert cursor.queued_bytes == 0


def test_a_log_behind_our_position_is_read_from_its_beginning() -> None:
    cursor = LogCursor(Position("9-0", 4))
    assert not cursor.check("9-0")
    assert cursor.check("8-7")
    assert cursor.pop(1) == [LogGap(None, "restarted")]
    assert cursor.position == Position()
    assert not cursor.check(None), "announced once"


def test_ids_compare_as_pairs_of_numbers() -> None:
    assert log_id("10-2") < log_id("10-10") < log_id("11")
