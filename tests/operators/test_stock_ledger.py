"""The stock ledger: same end state whatever the order of arrival."""

import pickle

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.stock import StockLedger, StockSettings
from stream.events import Event

T0 = 1_700_000_000_000
MINUTE = 60_000


def event(kind: str, at_ms: int, number: int = 0, **fields: object) -> Event:
    body: dict[str, object] = {
        "event_id": f"{kind}-{at_ms}-{number}",
        "source": "/test",
        "type": kind,
        "event_time_ms": T0 + at_ms,
        "tenant": "t1",
        "pool_id": "p1",
        **fields,
    }
    return msgspec.convert(body, Event)


def fold(events: list[Event], watermark_ms: int = MINUTE) -> dict[str, object]:
    ledger = StockLedger("t1", "t1")
    for one in events:
        ledger.apply(one)
    ledger.advance(T0 + watermark_ms)
    return ledger.figures("p1", T0 + watermark_ms)


def test_an_unknown_pool_has_no_figures_and_an_uncounted_one_no_stock() -> None:
    assert StockLedger("t1", "t1").figures("p1", T0) == {}
    figures = fold([event("order_paid", 1, order_id="o1", amount_minor=5, qty=2)])
    assert figures["on_hand"] is None
    assert figures["available"] is None
    assert figures["level"] is None
    assert figures["sold"] == 2


def test_a_line_is_reserved_when_placed_and_sold_when_paid() -> None:
    count = event("stock_set", 0, qty=10)
    placed = event("order_created", 10, order_id="o1", qty=3)
    paid = event("order_paid", 20, order_id="o1", amount_minor=1)
    figures = fold([count, placed])
    assert (figures["on_hand"], figures["reserved"], figures["available"]) == (10, 3, 7)
    figures = fold([count, placed, paid])
    assert (figures["on_hand"], figures["reserved"], figures["available"]) == (7, 0, 7)


def test_a_cancel_and_the_payment_timeout_let_the_units_go() -> None:
    count = event("stock_set", 0, qty=10)
    placed = event("order_created", 10, order_id="o1", line_id="a", qty=3)
    cancel = event("order_cancelled", 20, order_id="o1", line_id="a")
    whole = event("order_cancelled", 20, order_id="o1")
    assert fold([count, placed, cancel])["available"] == 10
    assert fold([whole, count, placed])["available"] == 10
    assert fold([count, placed], 15 * MINUTE)["available"] == 7
    assert fold([count, placed], 15 * MINUTE + 10)["available"] == 10


def test_a_payment_after_the_timeout_still_sells() -> None:
    events = [
        event("stock_set", 0, qty=10),
        event("order_created", 10, order_id="o1", qty=3),
        event("order_paid", 16 * MINUTE, order_id="o1", amount_minor=1),
    ]
    figures = fold(events, 17 * MINUTE)
    assert (figures["on_hand"], figures["reserved"], figures["sold"]) == (7, 0, 3)


def test_a_count_includes_what_happened_before_it() -> None:
    events = [
        event("stock_set", 0, qty=100),
        event("order_paid", 100, order_id="o1", amount_minor=1, qty=10),
        event("stock_set", 200, qty=50),
        event("order_paid", 300, order_id="o2", amount_minor=1, qty=1),
        event("stock_adjust", 400, qty=5),
        event("stock_adjust", 150, qty=1_000),
    ]
    assert fold(events)["on_hand"] == 54
    assert fold(events[::-1])["on_hand"] == 54


def test_refunds_return_units_as_told_or_the_whole_line_for_all_its_money() -> None:
    base = [
        event("stock_set", 0, qty=10),
        event("order_paid", 10, order_id="o1", amount_minor=300, qty=3),
    ]
    told = event("refund_succeeded", 20, order_id="o1", refund_id="r1", amount_minor=1, qty=1)
    whole = event("refund_succeeded", 20, order_id="o1", refund_id="r1", amount_minor=300)
    part = event("refund_succeeded", 20, order_id="o1", refund_id="r1", amount_minor=100)
    assert fold([*base, told])["on_hand"] == 8
    assert fold([whole, *base])["on_hand"] == 10
    assert fold([*base, part])["on_hand"] == 7


def test_oversold_units_name_the_newest_orders() -> None:
    events = [event("stock_set", 0, qty=2)]
    events += [
        event("order_paid", 10 + n, n, order_id=f"o{n}", amount_minor=1, room_id=f"r{n}")
        for n in range(4)
    ]
    figures = fold(events[::-1])
    assert figures["available"] == -2
    assert figures["oversell_units"] == 2
    assert figures["oversell_orders"] == ["o2", "o3"]
    assert figures["level"] == "out"


def test_a_quota_belongs_to_one_room() -> None:
    events = [
        event("stock_set", 0, qty=10),
        event("stock_set", 1, qty=4, room_id="r1"),
        event("order_paid", 10, order_id="o1", amount_minor=1, qty=3, room_id="r1"),
        event("order_created", 10, order_id="o2", qty=2, room_id="r2"),
    ]
    figures = fold(events)
    assert figures["available"] == 5
    assert figures["quotas"] == {"r1": {"on_hand": 1, "reserved": 0, "available": 1}}
    assert figures["shared_available"] == 4


def test_a_safety_buffer_is_kept_back() -> None:
    assert fold([event("stock_set", 0, qty=10, value=3)])["available"] == 7


def test_a_snapshot_is_plain_data_and_restores_the_same_ledger() -> None:
    ledger = StockLedger("t1", "t1")
    for one in _story(4):
        ledger.apply(one)
    ledger.advance(T0 + MINUTE)
    data = pickle.loads(pickle.dumps(ledger.snapshot()))
    again = StockLedger("t1", "t1")
    state = msgspec.msgpack.decode(data["state"], strict=False)
    del state["waiting"]
    again.restore({"state": msgspec.msgpack.encode({**state, "name_of_the_future": 1})})
    assert again.figures("p1", T0 + MINUTE) == ledger.figures("p1", T0 + MINUTE)
    assert again.snapshot() == ledger.snapshot()


def test_history_beyond_the_horizon_is_folded_away() -> None:
    ledger = StockLedger("t1", "t1", StockSettings(line_retention_ms=3_600_000))
    ledger.apply(event("stock_set", 0, qty=100_000))
    for n in range(3_000):
        at_ms = n * 4_000 + 1
        ledger.apply(event("order_paid", at_ms, n, order_id=f"o{n}", amount_minor=1))
        ledger.advance(T0 + at_ms)
    ledger.advance(T0 + 12_000_000)
    assert ledger.figures("p1", T0 + 12_000_000)["on_hand"] == 97_000
    assert len(pickle.dumps(ledger.snapshot())) < 1_200_000


def _story(orders: int) -> list[Event]:
    found = [event("stock_set", 0, qty=orders), event("stock_set", 7_000, qty=orders)]
    for n in range(orders):
        at_ms = 1_000 * (n + 1)
        found.append(event("order_created", at_ms, order_id=f"o{n}", line_id="1", qty=1 + n % 3))
        if n % 3 != 2:
            found.append(
                event("order_paid", at_ms + 4_000, order_id=f"o{n}", line_id="1", amount_minor=9)
            )
        if n % 4 == 2:
            found.append(event("order_cancelled", at_ms + 2_000, order_id=f"o{n}", line_id="1"))
        if n % 5 == 0:
            found.append(
                event(
                    "refund_succeeded",
                    at_ms + 5_500,
                    order_id=f"o{n}",
                    refund_id=f"r{n}",
                    line_id="1",
                    amount_minor=9,
                )
            )
        found.append(event("stock_adjust", at_ms + 500, n, qty=n - 2))
    return found


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_order_of_arrival_ends_the_same(data: st.DataObject) -> None:
    story = _story(12)
    shuffled = data.draw(st.permutations(story))
    repeats = data.draw(st.lists(st.sampled_from(story), max_size=5))
    lines = [one for one in repeats if one.type.startswith("order")]
    assert fold([*shuffled, *lines]) == fold(story)


def test_live_figures_have_every_event_and_settled_ones_those_the_watermark_passed() -> None:
    ledger = StockLedger("t1", "t1")
    ledger.apply(event("stock_set", 0, qty=10))
    ledger.advance(T0 + 5_000)
    ledger.apply(event("order_created", 6_000, order_id="o1"))
    assert ledger.live("p1", T0 + 5_000)["available"] == 9
    assert ledger.figures("p1", T0 + 5_000)["available"] == 10
    assert ledger.patch(T0 + 5_000)["p1"] == ledger.live("p1", T0 + 5_000)
    ledger.advance(T0 + 10_000)
    assert ledger.figures("p1", T0 + 10_000)["available"] == 9


def test_a_room_that_only_sold_leaves_nothing_in_its_pools() -> None:
    count = event("stock_set", 0, qty=100)
    quota = event("stock_set", 1, 1, qty=5, room_id="r0")
    sales = [
        event("order_paid", 10 + n, n, order_id=f"o{n}", amount_minor=1, room_id=f"r{n}")
        for n in range(20)
    ]
    ledger = StockLedger("t1", "t1")
    for one in (count, quota, *sales):
        ledger.apply(one)
    later_ms = T0 + 32 * 24 * 60 * MINUTE
    ledger.advance(T0 + 10 * MINUTE)
    ledger.advance(later_ms)
    state = ledger.snapshot()["state"]
    assert isinstance(state, bytes)
    assert b"r0" in state
    assert b"r19" not in state
    quotas = ledger.figures("p1", later_ms)["quotas"]
    assert quotas == {"r0": {"on_hand": 4, "reserved": 0, "available": 4}}


def test_what_was_listed_long_ago_and_never_sold_is_dead() -> None:
    events = [event("stock_set", 0, qty=10), event("product_listed", 0, product_id="p1")]
    events[1] = msgspec.structs.replace(events[1], pool_id=None)
    assert fold(events, 29 * MINUTE)["dead"] == 0
    assert fold(events, 30 * MINUTE)["dead"] == 1
    sold = event("order_paid", 5, order_id="o1", amount_minor=1)
    assert fold([*events, sold], 30 * MINUTE)["dead"] == 0


def test_the_summary_counts_active_skus_and_ties_up_capital() -> None:
    ledger = StockLedger("t1", "t1")
    for one in (
        event("catalog", 0, role="product", target_id="a", title="A", unit_cost_minor=250),
        event("stock_set", 0, 1, pool_id="p1", product_id="a", qty=4),
        event("stock_set", 0, 2, pool_id="p2", qty=3),
        event("order_paid", 5, pool_id="p1", order_id="o1", amount_minor=1),
    ):
        ledger.apply(one)
    ledger.advance(T0 + MINUTE)
    summary = ledger.summary(T0 + MINUTE)
    assert summary["active_sku_rate"] == {"num": 1, "den": 2, "value": 0.5}
    assert summary["capital_tied_minor"] == 750
    assert ledger.live("p1", T0 + MINUTE)["hint"] == "list_next"
    assert ledger.live("p1", T0 + MINUTE)["turnover"] == {"num": 2, "den": 7, "value": 2 / 7}


def test_velocity_is_net_units_a_minute_and_the_interval_holds_the_eta() -> None:
    events = [event("stock_set", 0, qty=1_000)]
    events += [event("order_created", 1_000 * n, n, order_id=f"o{n}", qty=1) for n in range(1, 600)]
    figures = fold(events, 10 * MINUTE)
    assert abs(float(str(figures["velocity_5m"])) - 60) < 1
    low, mid, high = (int(str(figures[f"stockout_eta{part}_s"])) for part in ("_low", "", "_high"))
    assert low < mid < high
    assert abs(mid - 401) < 10
    assert high - low < 200


def test_nothing_selling_has_no_eta_and_nothing_left_has_eta_zero() -> None:
    assert fold([event("stock_set", 0, qty=5)])["stockout_eta_s"] is None
    assert fold([event("stock_set", 0, qty=0)])["stockout_eta_s"] == 0


def test_quiet_days_do_not_slow_the_ledger_down() -> None:
    ledger = StockLedger("t1", "t1")
    ledger.apply(event("stock_set", 0, qty=5))
    ledger.apply(event("order_paid", 5, order_id="o1", amount_minor=1))
    ledger.advance(T0)
    ledger.advance(T0 + 300 * 24 * 3_600_000)
    assert ledger.figures("p1", T0 + 300 * 24 * 3_600_000)["on_hand"] == 4
