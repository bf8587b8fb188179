"""Stock as final rows: what each pool and the whole group stood at, at the end of a minute.

Said when the watermark passes the minute's end, from what the watermark has passed, like alerts:
the order of arrival within the watermark's slack is invisible, later events show in later rows.
A pool has a row for each minute in which its figures may have changed; one that does not sell any
more has none.
"""

from collections.abc import Mapping
from typing import Final

from operators.results import Row
from operators.stock.ledger import StockLedger

MINUTE_MS: Final = 60_000
MAX_MINUTES: Final = 60
"""A leap of the clock says the last hour only: what went before it can be read from no screen."""


class StockRows:
    """Moves a ledger's time and says its rows."""

    def __init__(self, ledger: StockLedger) -> None:
        self._ledger = ledger
        self._minute: int | None = None
        self._changed: set[str] = set()

    def advance(self, watermark_ms: int) -> tuple[set[str], list[Row]]:
        """Move the ledger to a watermark.

        Returns:
            The pools that may have changed, and the rows of the minutes that are over.
        """
        rows: list[Row] = []
        moved: set[str] = set()
        now = watermark_ms // MINUTE_MS
        if self._minute is not None:
            for minute in range(max(self._minute + 1, now - MAX_MINUTES), now + 1):
                changed = self._ledger.advance(minute * MINUTE_MS)
                moved |= changed
                self._changed |= changed
                rows += self._rows(minute * MINUTE_MS)
        self._minute = now
        rest = self._ledger.advance(watermark_ms)
        self._changed |= rest
        return moved | rest, rows

    def _rows(self, end_ms: int) -> list[Row]:
        pools = sorted(name for name in self._changed if self._ledger.is_counted(name))
        self._changed.clear()
        if not pools:
            return []
        rows = [self._row("pool", one, end_ms, self._ledger.figures(one, end_ms)) for one in pools]
        total = self._ledger.settled_summary(end_ms)
        return [*rows, self._row("group", None, end_ms, total)]

    def _row(
        self, dimension: str, key: str | None, end_ms: int, figures: Mapping[str, object]
    ) -> Row:
        return Row(
            "stock",
            self._ledger.tenant,
            self._ledger.group,
            None,
            dimension,
            key,
            "session",
            end_ms - MINUTE_MS,
            end_ms,
            True,
            0,
            {"metrics": dict(figures)},
        )

    def snapshot(self) -> dict[str, object]:
        """Plain data."""
        return {"minute": self._minute, "changed": sorted(self._changed)}

    def restore(self, data: Mapping[str, object]) -> None:
        """Take a snapshot."""
        minute, changed = data.get("minute"), data.get("changed")
        self._minute = minute if isinstance(minute, int) else None
        self._changed = set(changed) if isinstance(changed, list) else set()
