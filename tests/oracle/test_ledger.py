"""The walk that says which events of orders count, and which order an id means."""

from stream.oracle.ledger import OrderEvent, walk


def paid(pos: int, day: int, line: str | None = None, order: str = "o") -> OrderEvent:
    return pos, day, "order_paid", "t", "t", order, line, None


def refund(pos: int, day: int, refund_id: str, line: str | None = None) -> OrderEvent:
    return pos, day, "refund_succeeded", "t", "t", "o", line, refund_id


def test_a_line_counts_once_for_as_long_as_it_is_kept() -> None:
    assert list(walk([paid(1, 0), paid(2, 3), paid(3, 4)], 3)) == [(1, 0, 0), (3, 4, 4)]


def test_lines_of_an_order_are_new_on_days_of_their_own() -> None:
    events = [paid(1, 0, "1"), paid(2, 2, "2"), paid(3, 4, "1"), paid(4, 4, "2")]
    assert list(walk(events, 3)) == [(1, 0, 0), (2, 0, 2), (3, 4, 4)]


def test_a_repeated_refund_does_not_tell_of_its_order() -> None:
    events = [refund(1, 0, "f"), paid(2, 2, order="p"), refund(3, 3, "f"), refund(4, 4, "g")]
    assert list(walk(events, 3)) == [(1, 0, 0), (2, 2, 2), (4, 4, 4)]


def test_refunds_of_two_types_and_of_two_lines_count_each() -> None:
    asked: OrderEvent = (2, 0, "refund_requested", "t", "t", "o", None, "f")
    events = [refund(1, 0, "f"), asked, refund(3, 0, "f", "1"), refund(4, 0, "f")]
    assert [pos for pos, _, _ in walk(events, 3)] == [1, 2, 3]


def test_no_event_gives_none() -> None:
    assert list(walk([], 3)) == []
