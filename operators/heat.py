"""The heat maps: which of a minute's figures they show. They are selections, not figures.

Minute × interaction takes the room's final `1m` rows, minute × product those of its products.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from operators.hashindex import I64
from operators.results import Patch, Row
from operators.row_blocks import MetricRows


@dataclass(frozen=True, slots=True)
class Heat:
    """A row of a heat map: the metric it counts by (of a ratio the numerator)."""

    name: str
    metric: str


INTERACTIONS: Final = (
    Heat("enter", "view_pv"),
    Heat("comment", "comment_count"),
    Heat("like", "like_count"),
    Heat("gift", "gift_count"),
    Heat("follow", "follow_uv"),
    Heat("share", "share_count"),
    Heat("fans_join", "fansclub_rate"),
    Heat("click", "product_click_uv"),
    Heat("cart", "cart_uv"),
)
PRODUCT_METRICS: Final = ("product_click_uv", "cart_uv", "orders_paid", "gmv_paid")
PRODUCTS_A_MINUTE: Final = 20
"""So many products of a minute are kept for the map, and those corrected later."""


def product_history(rows: Iterable[Row | MetricRows]) -> list[Patch]:
    """Fields of `hist:T/ROOM/product` from final `1m` rows of products; others are passed over."""
    fields: dict[str, dict[str, object]] = {}
    for block in rows:
        if isinstance(block, MetricRows) and _of_products(block):
            _add_block(block, fields)
    return [Patch(channel, found) for channel, found in fields.items()]


def _of_products(block: MetricRows) -> bool:
    return (block.layout.dimension, block.layout.window) == ("product", "1m")


def _add_block(block: MetricRows, fields: dict[str, dict[str, object]]) -> None:
    """Add the products of one minute: the most clicked of each room, and corrected ones."""
    names = [name for name in PRODUCT_METRICS if name in block.layout.names]
    figures = block.num[:, [block.layout.names.index(name) for name in names]]
    minutes, revisions = block.start_ms.tolist(), block.revision.tolist()
    shown: dict[tuple[str, int], int] = {}
    for row in sorted(range(len(block)), key=lambda row: _place(names, figures, block, row)):
        at = block.places[row]
        home = f"hist:{at.tenant}/{at.room_id}/product", minutes[row]
        if revisions[row] == 0:
            shown[home] = shown.get(home, 0) + 1
            if shown[home] > PRODUCTS_A_MINUTE or not figures[row].any():
                continue
        values = dict(zip(names, figures[row].tolist(), strict=True))
        of_room = fields.setdefault(home[0], {})
        of_room[f"{minutes[row]}.{at.key}"] = {**values, "revision": revisions[row]}


def _place(names: list[str], figures: I64, block: MetricRows, row: int) -> tuple[int, int, str]:
    """Order of a minute's products: clicks, then orders, then the key."""
    counts = dict(zip(names, figures[row].tolist(), strict=True))
    clicks, orders = counts.get("product_click_uv", 0), counts.get("orders_paid", 0)
    return -clicks, -orders, block.places[row].key or ""
