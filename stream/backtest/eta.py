"""How often the stock-out interval holds the real sell-out moment."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import msgspec

from operators.rules.observed import PANE_MS as BEAT_MS
from operators.stock import STOCK_TYPES, StockLedger
from operators.stock.model import pool_of
from stream.backtest.labels import Incident
from stream.backtest.table import percent
from stream.events import Event

LEVELS_S: Final = (600, 300, 180)
"""An ETA is sampled when it first falls below each of these."""

LAG_MS: Final = 2_000
SOLD_OUT_KINDS: Final = ("stock_out", "slow_restock")


@dataclass(frozen=True, slots=True)
class EtaCase:
    """One sample: what was predicted at a moment, and when the pool was really empty."""

    below_s: int
    mid_s: int
    low_s: int
    high_s: int
    real_s: float

    @property
    def held(self) -> bool:
        """Whether the interval held the real moment."""
        return self.low_s <= self.real_s <= self.high_s


def stock_events(chunks: Iterable[bytes]) -> list[Event]:
    """Ticks and stock events of a recording; other lines are skipped unread."""
    wanted = [f'"{name}"'.encode() for name in (*STOCK_TYPES, "tick")]
    decoder = msgspec.json.Decoder(Event)
    found = []
    for chunk in chunks:
        for line in chunk.split(b"\n"):
            if any(name in line for name in wanted):
                try:
                    found.append(decoder.decode(line))
                except msgspec.DecodeError:
                    continue
    return found


def eta_cases(events: Sequence[Event], labels: Sequence[Incident]) -> list[EtaCase]:
    """Samples for every labelled sell-out of the first pool it names, none after a restock."""
    cases: list[EtaCase] = []
    for label in labels:
        if label.kind in SOLD_OUT_KINDS and label.subject is not None:
            mine = [one for one in events if one.tenant in (None, label.tenant)]
            cases += _of_one(mine, label.subject, label.start_ms)
    return cases


def _of_one(events: Sequence[Event], pool: str, empty_ms: int) -> list[EtaCase]:
    ledger = StockLedger("", "")
    cases: list[EtaCase] = []
    open_levels = list(LEVELS_S)
    beat = 0
    for event in events:
        if event.type != "tick":
            ledger.apply(event)
            if event.type == "stock_adjust" and pool_of(event) == pool and (event.qty or 0) > 0:
                cases, open_levels = [], list(LEVELS_S)
            continue
        watermark_ms = event.event_time_ms - LAG_MS
        if watermark_ms // BEAT_MS == beat:
            continue
        beat = watermark_ms // BEAT_MS
        now_ms = beat * BEAT_MS
        if now_ms >= empty_ms:
            break
        ledger.advance(now_ms)
        _sample(ledger.figures(pool, now_ms), open_levels, cases, (empty_ms - now_ms) / 1000)
    return cases


def _sample(
    figures: dict[str, object], open_levels: list[int], cases: list[EtaCase], real_s: float
) -> None:
    names = ("available", "stockout_eta_s", "stockout_eta_low_s", "stockout_eta_high_s")
    available, mid, low, high = (figures.get(name) for name in names)
    if not (isinstance(available, int) and available > 0):
        return
    if not (isinstance(mid, int) and isinstance(low, int) and isinstance(high, int)):
        return
    for below_s in [one for one in open_levels if mid < one]:
        open_levels.remove(below_s)
        cases.append(EtaCase(below_s, mid, low, high, real_s))


def eta_table(cases: Sequence[EtaCase]) -> str:
    """Markdown table by level."""
    lines = [
        "| ETA first below | cases | interval held it | too early | too late "
        "| median ETA | median real | median width |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, levels in [*((f"{one // 60} min", (one,)) for one in LEVELS_S), ("all", LEVELS_S)]:
        mine = [case for case in cases if case.below_s in levels]
        if not mine:
            continue
        early = sum(case.real_s > case.high_s for case in mine)
        late = sum(case.real_s < case.low_s for case in mine)
        lines.append(
            f"| {name} | {len(mine)} | {percent(sum(one.held for one in mine) / len(mine))} "
            f"| {early} | {late} | {median(one.mid_s for one in mine):.0f} s "
            f"| {median(one.real_s for one in mine):.0f} s "
            f"| {median(one.high_s - one.low_s for one in mine):.0f} s |"
        )
    return "\n".join(lines) + "\n"
