"""Simple detectors: pure functions from a subject's figures and its memory to a finding."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from operators.rules.model import Finding, Rule, Value


class Memory(msgspec.Struct):
    """What a detector remembers of one subject: timed points, a tail, named sums. Plain data."""

    points: list[tuple[int, float, float]] = []
    tail: list[float] = []
    sums: dict[str, float] = {}

    def empty(self) -> bool:
        """True when there is nothing to keep."""
        return not (self.points or self.tail or self.sums)


@dataclass(frozen=True, slots=True)
class Look:
    """One subject at one moment.

    `value(window, metric)` reads its figures, `target(metric)` what is planned. `reset_ms` is
    the newest known event (0: none), `learning` False while a known event or missing data makes
    the figures unfit to learn from or to judge.
    """

    now_ms: int
    started_ms: int
    reset_ms: int
    learning: bool
    value: Callable[[str, str], Value]
    target: Callable[[str], int | None]


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


def levels(rule: Rule) -> tuple[float, float]:
    """Between these, both included, a threshold is not breached."""
    above, below = rule.number("above"), rule.number("below")
    return -math.inf if below is None else below, math.inf if above is None else above


def absence(rule: Rule, look: Look, memory: Memory) -> Finding | None:
    """A figure that counts seconds without something, against a longest wait."""
    value = number_of(look.value(rule.window, rule.metric))
    if value is None:
        return None
    limit = rule.numbers["after_s"]
    return Finding(value > limit, value <= limit, value, limit)


def event(rule: Rule, look: Look, memory: Memory) -> Finding | None:
    """Something that was told counts as an alert for a set time after it was last told."""
    num, den = look.value(rule.window, rule.metric)
    if num is None:
        return None
    last = memory.sums.get("count", 0.0)
    if num > last:
        memory.sums["count"], memory.sums["at_ms"] = float(num), float(look.now_ms)
    if "at_ms" not in memory.sums:
        return Finding(breach=False, clear=True, value=num)
    age_ms = look.now_ms - memory.sums["at_ms"]
    active = age_ms < rule.numbers["lasts_s"] * 1000
    return Finding(active, not active, num)


def wilson(rule: Rule, look: Look, memory: Memory) -> Finding | None:
    """A rate whose Wilson interval lies beyond the session's own rate before the window.

    Wilson (1927): the score interval of a binomial share, at `z` standard normal units.
    """
    num, den = look.value(rule.window, rule.metric)
    all_num, all_den = look.value("session", rule.metric)
    if num is None or den is None or all_num is None or all_den is None or not look.learning:
        return None
    base_num, base_den = all_num - num, all_den - den
    if den < rule.numbers["min_den"] or base_den < rule.numbers["min_base_den"]:
        return None
    base = base_num / base_den
    low, high = wilson_interval(min(num, den), den, rule.numbers["z"])
    drop = rule.words.get("direction", "drop") == "drop"
    edge = base * rule.numbers["ratio"]
    breach = high < edge if drop else low > edge
    clear = high >= base if drop else low <= base
    return Finding(breach, clear and not breach, num / den, base, num, den)


def wilson_interval(num: float, den: float, z: float) -> tuple[float, float]:
    """Score interval of `num` in `den` (> 0) trials at the normal quantile `z`."""
    share, square = num / den, z * z
    middle = share + square / (2 * den)
    half = z * math.sqrt(share * (1 - share) / den + square / (4 * den * den))
    return (middle - half) / (1 + square / den), (middle + half) / (1 + square / den)


def mismatch(rule: Rule, look: Look, memory: Memory) -> Finding | None:
    """Our figure against the one another system reports, as a share of the larger.

    Reports come rarely and ours moves on: a new report is held against what ours was in the
    last beats, and its verdict stands until the next report.
    """
    ours = number_of(look.value(rule.window, rule.metric))
    theirs = number_of(look.value("", rule.words["reported"]))
    if ours is None or theirs is None:
        return None
    memory.tail = [*memory.tail[-3:], ours]
    if theirs != memory.sums.get("theirs"):
        nearest = min(max(theirs, min(memory.tail)), max(memory.tail))
        memory.sums["theirs"], memory.sums["ours"] = float(theirs), float(nearest)
    ours = memory.sums["ours"]
    if max(ours, theirs) < rule.numbers["min_value"]:
        return None
    share = abs(ours - theirs) / max(ours, theirs)
    limit = rule.numbers["ratio"]
    return Finding(share > limit, share < 0.8 * limit, ours, theirs)


def share(rule: Rule, look: Look, memory: Memory) -> Finding | None:
    """A share of comments against its own past, with a least number of distinct users."""
    num, den = look.value(rule.window, rule.metric)
    if num is None or not den:
        return None
    users = look.value(rule.window, rule.words["users"])[0] if "users" in rule.words else num
    now_share = num / den
    past_num = memory.sums.get("num", 0.0)
    past_den = memory.sums.get("den", 0.0)
    base = (past_num + 1.0) / (past_den + 50.0)
    limit = max(rule.numbers["least_ratio"], rule.numbers["ratio"] * base)
    breach = now_share > limit and (users or 0) >= rule.numbers["min_users"]
    if not breach and look.learning:
        keep = math.exp(-rule.every_s / rule.numbers["history_s"])
        memory.sums["num"] = past_num * keep + num * rule.every_s / 60
        memory.sums["den"] = past_den * keep + den * rule.every_s / 60
    return Finding(breach, now_share < 0.6 * limit, now_share, base, num, den)


KIND_OF: Final[dict[str, Callable[[Rule, Look, Memory], Finding | None]]] = {
    "threshold": threshold,
    "absence": absence,
    "event": event,
    "wilson": wilson,
    "mismatch": mismatch,
    "share": share,
}
