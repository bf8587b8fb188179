"""Price bands: the intervals of unit price that orders are split by."""

from typing import Final

PRICE_EDGES_MINOR: Final = (1_000, 3_000, 5_000, 10_000, 20_000, 50_000, 100_000)
"""Lower edges of all bands but the first, ascending, minor units of the room's currency."""

_LOWS: Final = (0, *PRICE_EDGES_MINOR)
PRICE_BANDS: Final = (
    *(f"{low}-{high}" for low, high in zip(_LOWS, PRICE_EDGES_MINOR, strict=False)),
    f"{_LOWS[-1]}+",
)
"""Keys of the bands, `low-high` in minor units, half-open `[low, high)`; the last is open."""


def price_band(amount_minor: int | None, qty: int | None) -> str | None:
    """Band of a line's unit price, amount over units; None where it has no price.

    Args:
        amount_minor: money of the whole line.
        qty: units of the line, None for one.
    """
    units = 1 if qty is None else qty
    if amount_minor is None or amount_minor < 0 or units <= 0:
        return None
    return PRICE_BANDS[sum(amount_minor >= edge * units for edge in PRICE_EDGES_MINOR)]
