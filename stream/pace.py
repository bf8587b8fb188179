"""When flushes may happen: as often as asked, within a share of the process's time. Pure."""

from typing import Final

QUICK_SHARE: Final = 0.25
"""Largest share of a process's time for quick flushes; with thousands of busy rooms they become
rarer instead of holding up the fold."""
FULL_SHARE: Final = 0.25
"""Likewise for full flushes."""


class Budget:
    """A share of the time of one thread, spent by all of its shards; seconds of a monotonic clock.

    Whoever spends `took_s` lets everyone wait until it was only that share of the time.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._free_at_s = 0.0

    def may(self, now_s: float) -> bool:
        """Whether anything may be spent."""
        return now_s >= self._free_at_s

    def spend(self, started_s: float, took_s: float) -> None:
        """Note what was spent."""
        self._free_at_s = max(self._free_at_s, started_s) + took_s / self._share


class Pace:
    """One shard's turn at something that has a budget, at most once in `interval_ms`."""

    def __init__(self, interval_ms: int, budget: Budget) -> None:
        self._interval_s = interval_ms / 1000
        self._budget = budget
        self._next_s = 0.0

    def due(self, now_s: float) -> bool:
        """Whether it is time."""
        return now_s >= self._next_s and self._budget.may(now_s)

    def may_go_on(self, now_s: float) -> bool:
        """Whether more of what was begun may follow at once: only the budget counts."""
        return self._budget.may(now_s)

    def done(self, started_s: float, took_s: float) -> None:
        """It was done."""
        self._next_s = started_s + self._interval_s
        self._budget.spend(started_s, took_s)
