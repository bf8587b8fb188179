from decimal import Decimal

from stream.formats.common import minor_units
from stream.formats.uci import HEADER
from stream.ids import hash_user
from tests.stream.formats.support import KEY, read

HEAD = (",".join(HEADER) + "\n").encode()


def rows(*lines: str) -> bytes:
    return HEAD + "\n".join(lines).encode() + b"\n"


def test_a_positive_line_is_an_order_placed_and_paid() -> None:
    events, bad = read("uci", rows("1,P,CUP,6,2010-12-01 08:26:00,2.55,17850.0,France"))
    assert not bad
    assert [event.type for event in events] == [
        "catalog",
        "catalog",
        "order_created",
        "order_paid",
    ]
    paid = events[-1]
    assert (paid.order_id, paid.line_id, paid.product_id, paid.qty) == ("1", "1", "P", 6)
    assert (paid.amount_minor, paid.currency) == (1530, "GBP")
    assert paid.user_id == hash_user(KEY, "17850")
    assert paid.event_time_ms == 1_291_191_960_000


def test_summer_time_of_london_is_an_hour_from_utc() -> None:
    events, _ = read("uci", rows("1,P,,1,2011-07-01 12:00:00,1,,X"))
    assert events[-1].event_time_ms == 1_309_518_000_000  # 2011-07-01T11:00:00Z


def test_a_cancel_is_a_refund_with_positive_amount() -> None:
    events, _ = read("uci", rows("C9,P,CUP,-2,2010-12-01 08:26:00,0.29,1,X"))
    refund = events[-1]
    assert (refund.type, refund.refund_id, refund.order_id) == ("refund_succeeded", "C9", "C9")
    assert (refund.qty, refund.amount_minor) == (2, 58)


def test_a_negative_quantity_without_cancel_is_a_stock_write_off() -> None:
    events, _ = read("uci", rows("536589,21777,,-10,2010-12-01 16:50:00,0.0,,X"))
    assert [event.type for event in events] == ["catalog", "stock_adjust"]
    assert (events[-1].qty, events[-1].product_id) == (-10, "21777")


def test_exact_duplicate_lines_are_two_lines_of_one_order() -> None:
    line = "1,P,CUP,1,2010-12-01 08:26:00,1.00,,X"
    events, _ = read("uci", rows(line, line))
    paid = [event for event in events if event.type == "order_paid"]
    assert {event.order_id for event in paid} == {"1"}
    assert {event.line_id for event in paid} == {"1", "2"}
    assert all(event.user_id is None for event in paid)


def test_line_totals_round_half_to_even() -> None:
    assert minor_units(Decimal("0.125")) == 12
    assert minor_units(Decimal("0.135")) == 14
    assert minor_units(Decimal("0.001") * 1000) == 100


def test_other_spreadsheets_date_form_and_quoted_commas_are_read() -> None:
    events, bad = read("uci", rows('1,P,"HOOK, 1 HANGER",1,12/1/2010 8:26,1.95,,X'))
    assert not bad
    assert events[-1].event_time_ms == 1_291_191_960_000
    assert events[1].title == "HOOK, 1 HANGER"


def test_unreadable_lines_are_counted_and_the_rest_is_unharmed() -> None:
    events, bad = read(
        "uci",
        rows(
            "1,P,CUP,x,2010-12-01 08:26:00,1,,X",
            "cut,short",
            "2,P,CUP,1,yesterday,1,,X",
            "3,P,CUP,1,2010-12-01 08:26:00,NaN,,X",
            "A563186,B,Adjust bad debt,1,2011-08-12 14:51:00,-11062.06,,X",
            "4,P,CUP,0,2010-12-01 08:26:00,1,,X",
            "5,P,CUP,1,2010-12-01 08:26:00,1,,X",
        ),
    )
    assert [record.reason for record in bad] == ["row"] * 4 + ["negative_price", "zero_qty"]
    assert [event.order_id for event in events if event.type == "order_paid"] == ["5"]


def test_an_amount_beyond_all_money_is_unreadable() -> None:
    events, bad = read("uci", rows("1,P,,1,2010-12-01 08:26:00,1e30,,X"))
    assert "order_paid" not in [event.type for event in events]
    assert len(bad) == 1
