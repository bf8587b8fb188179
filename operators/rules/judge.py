"""Detectors: pure functions from a subject's figures and its memory to a finding."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from operators.rules.model import Finding, Rule, Value


class Memory(msgspec.Struct):
    """What a detector remembers of one subject: timed points and named sums. Plain data."""

    points: list[tuple[int, float]] = []
    sums: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class Look:
    """One subject at one moment. `value(window, metric)` reads its figures."""

    now_ms: int
    started_ms: int
    last_event_ms: int
    reset_ms: int
    value: Callable[[str, str], Value]


def number_of(value: Value) -> float | None:
    """A figure as one number: the ratio, or the plain value; None without data or at den 0."""
    num, den = value
    if num is None or den == 0:
        return None
    return num if den is None else num / den


def threshold(rule: Rule, look: Look, memory: Memory) -> Finding | None:
    """Fixed levels. Without a clear level, the alert clears as soon as it no longer breaches."""
    num, den = look.value(rule.window, rule.metric)
    value = number_of((num, den))
    if value is None or (den is not None and den < (rule.number("min_den") or 0)):
        return None
    above, below = rule.number("above"), rule.number("below")
    over = above is not None and value > above
    under = below is not None and value < below
    clear_below, clear_above = rule.number("clear_below"), rule.number("clear_above")
    clear = not over and not under
    if clear_below is not None:
        clear = clear and value < clear_below
    if clear_above is not None:
        clear = clear and value > clear_above
    level = above if over or below is None else below
    return Finding(over or under, clear, value, level, num, den)


DETECTORS: dict[str, Callable[[Rule, Look, Memory], Finding | None]] = {"threshold": threshold}
"""Kind name to its function; the same names as `kinds.KINDS`."""
