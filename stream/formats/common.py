"""What every adapter shares: rejected values, money, times. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final

from stream.events import MAX_EVENT_TIME_MS, MAX_INT, MIN_EVENT_TIME_MS, Event

RAW_LIMIT_BYTES: Final = 4096
MAX_DEPTH: Final = 64
"""Levels of a JSON value that are looked into."""
TOO_DEEP: Final = "nested too deeply"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One record of a foreign file that says nothing usable: why, and its bytes (first 4 KiB)."""

    reason: str
    raw: bytes
    detail: str = ""


Reading = Iterator[Event | Unreadable]
"""What an adapter yields: events in the order of its file, rejected records between them."""


@dataclass(slots=True)
class Rejects:
    """Counts of unreadable records by reason, with the first of each reason kept."""

    by_reason: Counter[str] = field(default_factory=Counter)
    first: dict[str, Unreadable] = field(default_factory=dict)

    def add(self, record: Unreadable) -> None:
        """Count one record."""
        self.by_reason[record.reason] += 1
        self.first.setdefault(record.reason, record)

    @property
    def total(self) -> int:
        """All unreadable records, 0 when there was none."""
        return self.by_reason.total()


def unreadable(reason: str, raw: bytes, detail: str = "") -> Unreadable:
    """Make a rejected value with its bytes cut to 4 KiB."""
    return Unreadable(reason, raw[:RAW_LIMIT_BYTES], detail)


def too_deep(value: object) -> bool:
    """Whether a parsed JSON value nests deeper than `MAX_DEPTH`.

    No event does; what a parser just manages to read would fail where it is written or compared.
    """
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        inner: list[object] = []
        for one in level:
            if isinstance(one, dict):
                inner += one.values()
            elif isinstance(one, list):
                inner += one
        if not inner:
            return False
        level = inner
    return True


def minor_units(amount: Decimal) -> int:
    """Round an amount in major units to hundredths, half to even. `Decimal("2.555")` -> 256.

    Only for currencies with two decimals.

    Raises:
        ValueError: the amount is not finite or beyond `MAX_INT` hundredths.
    """
    if not amount.is_finite() or abs(amount) > MAX_INT // 100:
        message = f"amount {amount} is out of bounds"
        raise ValueError(message)
    return int((amount * 100).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def decimal(text: str) -> Decimal:
    """Parse a decimal number.

    Raises:
        ValueError: it is none, or not finite.
    """
    try:
        value = Decimal(text)
    except InvalidOperation:
        message = f"{text!r} is not a number"
        raise ValueError(message) from None
    if not value.is_finite():
        message = f"{text!r} is not finite"
        raise ValueError(message)
    return value


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware time, exact (no float), floor."""
    delta = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000


def iso_ms(text: str) -> int:
    """Milliseconds of an RFC 3339 time; the offset is required.

    Raises:
        ValueError: no such time, or no offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        message = f"{text!r} has no UTC offset"
        raise ValueError(message)
    return epoch_ms(moment)


def number_ms(value: int) -> int:
    """Normalise a time by magnitude: s below 1e11 <= ms below 1e14 <= µs."""
    if value < 100_000_000_000:
        return value * 1000
    return value if value < 100_000_000_000_000 else value // 1000


def in_bounds(time_ms: int) -> bool:
    """Whether the event time is one that the engine takes."""
    return MIN_EVENT_TIME_MS <= time_ms < MAX_EVENT_TIME_MS
