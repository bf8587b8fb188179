"""Which order, line or refund an id means, and which events of them count: a walk through the log.

The rules, in words (docs/reliability.md, guarantees; setting `ledger_days`): a line of an order
counts once of each type, a refund once of each type and line. An order, a line and a refund are
forgotten when a day begins that is more than `ledger_days` after the day of the first event of
each; what comes later under the same id is about another. Days begin with the beats of the clock.
"""

from collections.abc import Iterable, Iterator
from typing import Final

REFUND_TYPES: Final = ("refund_requested", "refund_succeeded")

OrderEvent = tuple[int, int, str, str, str, str, str | None, str | None]
"""(pos, day, type, tenant, grp, order_id, line_id, refund_id), in log order."""
Key = tuple[str | None, ...]


class Days:
    """On which day each thing was new."""

    def __init__(self, kept_days: int) -> None:
        self._kept_days = kept_days
        self._new_on: dict[Key, int] = {}

    def of(self, key: Key, day: int) -> int:
        """The day on which what `key` means today was new: today if it is."""
        new_on = self._new_on.get(key)
        if new_on is None or day > new_on + self._kept_days:
            new_on = self._new_on[key] = day
        return new_on


def walk(events: Iterable[OrderEvent], kept_days: int) -> Iterator[tuple[int, int, int]]:
    """Yield (pos, day of its order, day of its line) of every event that counts.

    The days tell apart what has the same id; the line's is the order's where it names none.
    """
    days, counted = Days(kept_days), set[tuple[Key, int]]()
    for pos, day, kind, tenant, grp, order_id, line_id, refund_id in events:
        order = (tenant, grp, order_id)
        line = order if line_id is None else (*order, line_id)
        owner: Key = (kind, tenant, grp, refund_id, line_id) if kind in REFUND_TYPES else line
        once = (kind, *owner), days.of(owner, day)
        if once in counted:
            continue
        counted.add(once)
        yield pos, days.of(order, day), days.of(line, day)
