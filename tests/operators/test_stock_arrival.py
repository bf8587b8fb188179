"""Random shops, random delays: the ledger ends where the event times say."""

from dataclasses import dataclass

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.stock import StockLedger
from operators.stock.drain import Drain, f_quantile, rate_at
from stream.events import Event

T0 = 1_700_000_000_000
LATENESS_MS = 60_000
SLACK_MS = 2_000
POOLS = ("a", "b")
ROOMS = (None, "r1", "r2")


@dataclass(frozen=True)
class Sent:
    """An event and how much later than its event time it arrives."""

    event: Event
    delay_ms: int


@st.composite
def shop(draw: st.DrawFn) -> list[Sent]:
    """Counts, adjustments and orders of a few minutes on two pools and two rooms."""
    found: list[Sent] = []
    kinds = ("stock_set", "stock_adjust", "order_created", "order_paid", "order_cancelled")
    for number in range(draw(st.integers(3, 25))):
        kind = draw(st.sampled_from((*kinds, "refund_succeeded")))
        body: dict[str, object] = {
            "event_id": f"e{number}", "source": "/test", "type": kind, "tenant": "t1",
            "event_time_ms": T0 + draw(st.integers(0, 300)) * 1_000 + number,
            "pool_id": draw(st.sampled_from(POOLS)), "room_id": draw(st.sampled_from(ROOMS)),
            "qty": draw(st.integers(1, 9)),
        }  # fmt: skip
        if kind.startswith(("order", "refund")):
            order = draw(st.integers(0, 4))
            body |= {"order_id": f"o{order}", "amount_minor": 5, "pool_id": POOLS[order % 2]}
        if kind == "refund_succeeded":
            body["refund_id"] = f"r{number}"
        delay_ms = draw(st.integers(0, LATENESS_MS))
        found.append(Sent(msgspec.convert(body, Event), delay_ms))
    return found


def play(sent: list[Sent], delayed: bool) -> list[dict[str, object]]:
    """Deliver in order of arrival behind ticks of whole seconds; figures an hour later."""
    arriving = sorted(
        sent, key=lambda one: one.event.event_time_ms + (one.delay_ms if delayed else 0)
    )
    ledger = StockLedger("t1", "t1")
    for one in arriving:
        due_ms = one.event.event_time_ms + (one.delay_ms if delayed else 0)
        ledger.advance(due_ms // 1_000 * 1_000 - SLACK_MS)
        ledger.apply(one.event)
    end_ms = T0 + 3_600_000
    ledger.advance(end_ms)
    return [
        figures
        for pool in POOLS
        for figures in (ledger.figures(pool, end_ms), ledger.live(pool, end_ms))
    ]


@given(shop())
@settings(max_examples=40, deadline=None)
def test_delays_within_the_lateness_change_nothing(sent: list[Sent]) -> None:
    in_time, delayed = play(sent, delayed=False), play(sent, delayed=True)
    for one, other in zip(in_time, delayed, strict=True):
        assert one == other


@given(shop())
@settings(max_examples=20, deadline=None)
def test_both_books_agree_once_the_watermark_has_passed(sent: list[Sent]) -> None:
    settled_a, live_a, settled_b, live_b = play(sent, delayed=True)
    assert (settled_a, settled_b) == (live_a, live_b)


def test_quantiles_of_f_are_those_of_the_tables() -> None:
    z_95 = 1.6448536
    for numerator, denominator, expected in ((10, 10, 2.978), (5, 20, 2.711), (40, 60, 1.594)):
        assert abs(f_quantile(z_95, numerator, denominator) / expected - 1) < 0.01
        lower = 1 / f_quantile(z_95, denominator, numerator)
        assert abs(f_quantile(-z_95, numerator, denominator) / lower - 1) < 0.01


def test_too_little_evidence_gives_no_upper_bound() -> None:
    assert f_quantile(1.6448536, 100, 0.5) == float("inf")
    assert f_quantile(-1.6448536, 100, 0.5) == 0.0


def test_the_velocity_does_not_depend_on_how_often_history_is_folded() -> None:
    often, once = Drain(), Drain()
    for second in range(900):
        for drain in (often, once):
            drain.add(T0 + second * 1_000, 1 + second % 3)
        often.fold(T0 + second * 1_000 - 62_000)
    once.fold(T0 + 899_000 - 62_000)
    assert rate_at(often, T0 + 900_000) == rate_at(once, T0 + 900_000)
