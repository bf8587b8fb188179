"""Ground truth of stock: what each pool holds, line by line, and who was oversold."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulators.walk import Pool, pool_name

LineKey = tuple[int, int]
"""(order, line) within the tenant."""


@dataclass(slots=True)
class PoolCount:
    """Components of a pool, from events in time order.

    `open_lines`: units of lines created and neither paid nor cancelled. `takers`: created ms and
    units of every line that holds or bought.
    """

    stocked: int = 0
    sold: int = 0
    returned: int = 0
    open_lines: dict[LineKey, int] = field(default_factory=dict)
    takers: dict[LineKey, tuple[int, int]] = field(default_factory=dict)

    def move(self, name: str, time_ms: int, key: LineKey, qty: int) -> None:
        """Apply one stock, order or refund event."""
        if name in ("stock_set", "stock_adjust"):
            self.stocked += qty
        elif name == "order_created":
            self.open_lines[key] = qty
            self.takers[key] = (time_ms, qty)
        elif name == "order_cancelled":
            self.open_lines.pop(key, None)
            self.takers.pop(key, None)
        elif name == "order_paid":
            self.open_lines.pop(key, None)
            self.takers.setdefault(key, (time_ms, qty))
            self.sold += qty
        elif name == "refund_succeeded":
            self.returned += qty
            self.takers.pop(key, None)

    def figures(self) -> dict[str, int]:
        """on_hand = stocked - sold + returned; available = on_hand - reserved."""
        on_hand = self.stocked - self.sold + self.returned
        reserved = sum(self.open_lines.values())
        return {
            "stocked": self.stocked,
            "on_hand": on_hand,
            "reserved": reserved,
            "sold": self.sold,
            "returned": self.returned,
            "available": on_hand - reserved,
            "oversold": max(0, reserved - on_hand),
        }

    def oversold_orders(self) -> list[int]:
        """The newest takers of the missing units, oldest first."""
        missing = self.figures()["oversold"]
        orders: list[int] = []
        newest = sorted(self.takers.items(), key=lambda item: item[1][0], reverse=True)
        for (order, _), (_, units) in newest:
            if missing <= 0:
                break
            missing -= units
            orders.append(order)
        return orders[::-1]


def stock_rows(name: str, run: str, pools: Mapping[Pool, PoolCount]) -> list[dict[str, object]]:
    """One entry per pool of the tenant `name`; order ids begin with `run`."""
    return [
        {
            "tenant": name,
            "group": name,
            "pool": pool_name(pool),
            **count.figures(),
            "oversold_orders": [f"{run}-{name}-o{order}" for order in count.oversold_orders()],
        }
        for pool, count in sorted(pools.items())
    ]
