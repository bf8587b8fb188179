"""Orders that are packed away: figures are those of a ledger that packs nothing."""

import pickle
import random
from collections.abc import Iterator

import msgspec
import pytest

from operators.stock import StockLedger, StockSettings
from stream.events import Event

T0 = 1_700_000_000_000 // 86_400_000 * 86_400_000
MINUTE = 60_000
POOLS = ("a", "b", "c")
SETTINGS = StockSettings(listed_orders=40, line_retention_ms=2 * 86_400_000)


class Unpacked(StockLedger):
    """Keeps every order as objects."""

    def _put_away(self, watermark_ms: int) -> None:
        pass


def order_event(kind: str, at_ms: int, number: int, **more: object) -> Event:
    body: dict[str, object] = {
        "event_id": f"{kind}{number}{more.get('line_id', '')}", "source": "/test", "type": kind,
        "tenant": "t1", "event_time_ms": T0 + at_ms, "order_id": f"o{number}",
        "room_id": f"r{number % 2}", "pool_id": POOLS[number % 3], "qty": 1 + number % 2,
        "amount_minor": 900,
    }  # fmt: skip
    return msgspec.convert(body | more, Event)


def story(orders: int, span_ms: int, seed: int) -> list[Event]:
    """Counts that are soon oversold; orders paid at once, late, never; refunds from all ages."""
    rng = random.Random(seed)
    found = [
        msgspec.convert(
            {"event_id": f"s{pool}{at}", "source": "/test", "type": "stock_set", "tenant": "t1",
             "event_time_ms": T0 + at, "pool_id": pool, "qty": rng.randint(0, 30)},
            Event,
        )
        for pool in POOLS
        for at in range(0, span_ms, span_ms // 5)
    ]  # fmt: skip
    for number in range(orders):
        at_ms, line = rng.randrange(span_ms), rng.choice((None, "1"))
        kind = rng.random()
        if kind < 0.9:
            found.append(order_event("order_created", at_ms, number, line_id=line))
        if kind < 0.2:
            found.append(order_event("order_created", at_ms + 9, number, line_id="2"))
        paid_ms = at_ms + rng.choice((0, 4_000, 100_000, 950_000, 3_000_000))
        if 0.1 < kind < 0.8:
            found.append(order_event("order_paid", paid_ms, number, line_id=line))
        if kind > 0.7:
            cancelled = at_ms + rng.choice((5_000, 200_000, 1_200_000))
            found.append(order_event("order_cancelled", cancelled, number, line_id=None))
        if kind < 0.15 or kind > 0.95:
            refunded = paid_ms + rng.choice((0, 500_000, span_ms))
            found.append(
                order_event("refund_succeeded", refunded, number, refund_id="f1", line_id=line)
            )
    return sorted(found, key=lambda event: event.event_time_ms + rng.randrange(50_000))


def seen(ledger: StockLedger, events: list[Event]) -> Iterator[object]:
    """All figures at each minute of a story, of both books."""
    now_ms, waiting = T0, list(reversed(events))
    while waiting:
        now_ms += MINUTE
        while waiting and waiting[-1].event_time_ms < now_ms:
            ledger.apply(waiting.pop())
        ledger.advance(now_ms - 2_000)
        ledger.changed()
        yield [(ledger.figures(p, now_ms), ledger.live(p, now_ms)) for p in POOLS]


@pytest.mark.parametrize("seed", [1, 2])
def test_figures_are_those_of_a_ledger_that_packs_nothing(seed: int) -> None:
    events = story(5_000, 2 * 3_600_000, seed)
    packing, plain = StockLedger("t1", "t1", SETTINGS), Unpacked("t1", "t1", SETTINGS)
    named = 0
    for one, other in zip(seen(packing, events), seen(plain, events), strict=True):
        assert one == other
        named += "'oversell_orders': ['o" in str(one)
    assert named > 10
    small, large = (len(pickle.dumps(one.snapshot())) for one in (packing, plain))
    assert small * 4 < large


def test_a_snapshot_holds_the_packed_orders() -> None:
    events = story(3_000, 3_600_000, 3)
    cut = len(events) // 2
    ledger = StockLedger("t1", "t1", SETTINGS)
    for _ in seen(ledger, events[:cut]):
        pass
    again = StockLedger("t1", "t1", SETTINGS)
    again.restore(pickle.loads(pickle.dumps(ledger.snapshot())))
    assert again.snapshot() == ledger.snapshot()
    for one, other in zip(seen(ledger, events[cut:]), seen(again, events[cut:]), strict=True):
        assert one == other


def test_packed_orders_are_forgotten_when_the_others_are() -> None:
    packing, plain = StockLedger("t1", "t1", SETTINGS), Unpacked("t1", "t1", SETTINGS)
    events = story(3_000, 3_600_000, 4)
    late = order_event("refund_succeeded", 3 * 86_400_000, 1, refund_id="f9", qty=None)
    for ledger in (packing, plain):
        for _ in seen(ledger, [one for one in events if one.type == "order_paid"]):
            pass
        ledger.advance(T0 + 3 * 86_400_000 - 1)
        ledger.advance(late.event_time_ms + 1)
        ledger.apply(late)
    assert packing.live("b", late.event_time_ms) == plain.live("b", late.event_time_ms)
    assert packing.live("b", late.event_time_ms)["returned"] == 0
    assert len(pickle.dumps(packing.snapshot())) < 4_000
