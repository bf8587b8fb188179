"""Detectors that learn from the subject's own past: robust z, EWMA, change, CUSUM, pace."""

import math
from bisect import bisect_left, bisect_right
from statistics import median

from operators.rules.judge import Look, Memory, number_of
from operators.rules.model import Finding, Rule

MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal sample over its median absolute deviation."""


BUCKET_MS = 30_000
SAMPLE_MS = 15_000


def robust_z(rule: Rule, look: Look, memory: Memory) -> Finding | None:
    """Distance from the median of the past in MADs, with a minimum band.

    The past is `history_s` long and ends `gap_s` ago. A breach is not learned from, until it
    has lasted `relearn_s`: then it is the new normal.
    """
    value = _value(rule, look, memory)
    if value is None:
        return None
    past = _past(rule, look, memory)
    if look.now_ms - look.started_ms < rule.numbers["warmup_s"] * 1000 or len(past) < 12:
        _sample(memory, look.now_ms, value)
        return None
    middle, spread = _middle(memory, past)
    band = max(spread, rule.numbers["min_band"], rule.numbers["min_band_ratio"] * middle)
    return _against(rule, look, memory, value, middle, band)


def _middle(memory: Memory, past: list[float]) -> tuple[float, float]:
    """Median and spread of the past, which changes more rarely than it is looked at."""
    sums, first_ms = memory.sums, float(memory.points[0][0])
    if sums.get("past_first_ms") != first_ms or sums.get("past_count") != len(past):
        middle = median(past)
        sums["middle"] = middle
        sums["spread"] = MAD_TO_SIGMA * median(abs(one - middle) for one in past)
        sums["past_first_ms"], sums["past_count"] = first_ms, float(len(past))
    return sums["middle"], sums["spread"]


def ewma(rule: Rule, look: Look, memory: Memory) -> Finding | None:
    """An exponentially weighted mean and variance as a control chart (Roberts 1959)."""
    value = _value(rule, look, memory)
    if value is None:
        return None
    sums = memory.sums
    weight = 1.0 - math.exp(-rule.every_s / rule.numbers["history_s"])
    if look.now_ms - look.started_ms < rule.numbers["warmup_s"] * 1000 or "mean" not in sums:
        _smooth(memory, value, max(weight, 1.0 / (1.0 + sums.get("seen", 0.0))))
        return None
    band = max(
        math.sqrt(sums["variance"]),
        rule.numbers["min_band"],
        rule.numbers["min_band_ratio"] * sums["mean"],
    )
    finding = _against(rule, look, memory, value, sums["mean"], band)
    if not finding.breach:
        _smooth(memory, value, weight)
    return finding


def _smooth(memory: Memory, value: float, weight: float) -> None:
    sums = memory.sums
    off = value - sums.get("mean", value)
    sums["mean"] = sums.get("mean", value) + weight * off
    sums["variance"] = (1.0 - weight) * (sums.get("variance", 0.0) + weight * off * off)
    sums["seen"] = sums.get("seen", 0.0) + 1.0


def change(rule: Rule, look: Look, memory: Memory) -> Finding | None:
    """The figure now against itself `gap_s` ago: the window before, when both are as long."""
    value = _value(rule, look, memory)
    if value is None:
        return None
    past = _past(rule, look, memory)
    memory.points.append((look.now_ms, value, 0.0))
    if not past or look.now_ms - look.started_ms < rule.numbers["warmup_s"] * 1000:
        return None
    before = past[-1]
    ratio, drop = rule.numbers["ratio"], _drops(rule)
    enough = max(before, value) >= rule.numbers["min_value"]
    breach = enough and (value < ratio * before if drop else value > ratio * before)
    back = rule.numbers["clear_ratio"] * before
    return Finding(breach, value > back if drop else value < back, value, before)


def _value(rule: Rule, look: Look, memory: Memory) -> float | None:
    """The figure, or None when it cannot be judged; a known event forgets the past.

    With `rate_s` the figure is a running total, and what counts is its growth per minute.
    """
    if look.reset_ms > memory.sums.get("reset_ms", 0.0):
        memory.points, memory.sums = [], {"reset_ms": float(look.reset_ms)}
    value = number_of(look.value(rule.window, rule.metric))
    rate_s = rule.numbers.get("rate_s", 0)
    if value is None or not rate_s:
        return value if look.learning else None
    steps = int(rate_s // rule.every_s)
    memory.tail = [*memory.tail[-steps:], value]
    if len(memory.tail) <= steps or not look.learning:
        return None
    return max(0.0, value - memory.tail[0]) * 60 / (steps * rule.every_s)


def _past(rule: Rule, look: Look, memory: Memory) -> list[float]:
    """Points of the history that ended `gap_s` ago; older ones are dropped."""
    gap_ms = int(rule.numbers["gap_s"] * 1000)
    first_ms = look.now_ms - gap_ms - int(rule.numbers["history_s"] * 1000)
    _drop_before(memory, first_ms)
    return [value for _, value, _ in memory.points[: _until(memory, look.now_ms - gap_ms)]]


def _drop_before(memory: Memory, first_ms: int) -> None:
    """Forget points older than `first_ms`; points stand in order of time."""
    points = memory.points
    if points and points[0][0] < first_ms:
        del points[: bisect_left(points, (first_ms, -math.inf, -math.inf))]


def _until(memory: Memory, last_ms: int) -> int:
    """How many points are not younger than `last_ms`."""
    return bisect_right(memory.points, (last_ms, math.inf, math.inf))


def _drops(rule: Rule) -> bool:
    return rule.words.get("direction", "drop") == "drop"


def _against(
    rule: Rule, look: Look, memory: Memory, value: float, middle: float, band: float
) -> Finding:
    """Judge a value against the middle and band of its past, and learn from it or not."""
    z, ratio = rule.numbers["z"], rule.numbers["ratio"]
    back = rule.numbers["clear_ratio"] * middle
    if _drops(rule):
        far = value < middle - z * band and value < ratio * middle
        breach, clear = far and middle >= rule.numbers["min_value"], value > back
    else:
        far = value > middle + z * band and value > ratio * middle
        breach, clear = far and value >= rule.numbers["min_value"], value < back
    if not breach:
        memory.sums.pop("since_ms", None)
        if rule.kind == "robust_z" and clear:
            _sample(memory, look.now_ms, value)
    elif look.now_ms - memory.sums.setdefault("since_ms", float(look.now_ms)) >= (
        rule.numbers["relearn_s"] * 1000
    ):
        memory.points, memory.sums = [], {}
    return Finding(breach, clear, value, middle)


def _sample(memory: Memory, now_ms: int, value: float) -> None:
    """Add a level to the past, at most one per SAMPLE_MS: levels change slowly."""
    if not memory.points or now_ms - memory.points[-1][0] >= SAMPLE_MS:
        memory.points.append((now_ms, value, 0.0))


def cusum(rule: Rule, look: Look, memory: Memory) -> Finding | None:
    """Page's CUSUM: slow, lasting changes of a count, or (`cusum_ratio`) of a share.

    Each step adds the log-likelihood ratio of `ratio` times the past rate against the past
    rate: Poisson over the minutes passed, or binomial over the growth of `per` (Page 1954).
    `limit` is in nats.
    """
    step = _step(rule, look, memory)
    if step is None or not look.learning:
        memory.sums.pop("score", None)
        return None
    counted, exposed = step
    past = _past_sums(rule, look, memory)
    rate = _past_rate(rule, past)
    if rate is None:
        _learn(memory, look.now_ms, counted, exposed)
        return None
    nats = _binomial if rule.kind == "cusum_ratio" else _poisson
    limit = rule.numbers["limit"]
    score = max(0.0, memory.sums.get("score", 0.0) + nats(rule, rate, counted, exposed))
    memory.sums["score"] = min(score, 1.5 * limit)
    if score < limit:
        _learn(memory, look.now_ms, counted, exposed)
        memory.sums.pop("since_ms", None)
    elif look.now_ms - memory.sums.setdefault("since_ms", float(look.now_ms)) >= (
        rule.numbers["relearn_s"] * 1000
    ):
        memory.points, memory.sums = [], {"last": memory.sums["last"]}
    recent = _recent(memory, counted, exposed)
    value = recent[0] / recent[1] if recent[1] else None
    den = recent[1] if rule.kind == "cusum_ratio" else None
    return Finding(score >= limit, score <= 0.3 * limit, value, rate, recent[0], den)


def _step(rule: Rule, look: Look, memory: Memory) -> tuple[float, float] | None:
    """Growth of the count and of its exposure since the last step; None at the first one."""
    total = look.value("session", rule.metric)[0]
    per = rule.words.get("per")
    per_total = 0 if per is None else look.value("session", per)[0]
    if total is None or per_total is None:
        return None
    sums = memory.sums
    if look.reset_ms > sums.get("reset_ms", 0.0):
        memory.points = []
        sums["reset_ms"], sums["score"] = float(look.reset_ms), 0.0
    known = "last" in sums
    counted = max(0.0, total - sums.get("last", 0.0))
    grown = max(0.0, per_total - sums.get("last_per", 0.0))
    sums["last"], sums["last_per"] = float(total), float(per_total)
    if not known:
        return None
    return counted, rule.every_s / 60 if per is None else grown


def _learn(memory: Memory, now_ms: int, counted: float, exposed: float) -> None:
    """Add a step to the past, in buckets: half an hour of 5 s steps would be long to sum."""
    if memory.points and memory.points[-1][0] // BUCKET_MS == now_ms // BUCKET_MS:
        at_ms, before, exposed_before = memory.points[-1]
        memory.points[-1] = (at_ms, before + counted, exposed_before + exposed)
    else:
        memory.points.append((now_ms, counted, exposed))


def _past_sums(rule: Rule, look: Look, memory: Memory) -> tuple[float, float]:
    gap_ms = int(rule.numbers["gap_s"] * 1000)
    first_ms = look.now_ms - gap_ms - int(rule.numbers["history_s"] * 1000)
    _drop_before(memory, first_ms)
    counted = exposed = 0.0
    for _, more, longer in memory.points[: _until(memory, look.now_ms - gap_ms)]:
        counted += more
        exposed += longer
    return counted, exposed


def _past_rate(rule: Rule, past: tuple[float, float]) -> float | None:
    """Count per exposure of the past; None while too little was seen."""
    counted, exposed = past
    if exposed < rule.numbers["min_exposure"]:
        return None
    if rule.kind == "cusum_ratio":
        return (counted + 1.0) / (exposed + 2.0)
    if counted < rule.numbers["min_count"] and _drops(rule):
        return None
    return max(rule.numbers["min_rate"], counted / exposed)


def _poisson(rule: Rule, rate: float, counted: float, exposed: float) -> float:
    ratio = rule.numbers["ratio"]
    nats = counted * math.log(ratio) - (ratio - 1.0) * rate * exposed
    return nats / rule.numbers["dispersion"]


def _binomial(rule: Rule, rate: float, counted: float, exposed: float) -> float:
    other = min(0.98, rate * rule.numbers["ratio"])
    failed = max(0.0, exposed - counted)
    return counted * math.log(other / rate) + failed * math.log((1 - other) / (1 - rate))


def _recent(memory: Memory, counted: float, exposed: float) -> tuple[float, float]:
    """Counts and exposures of about the last minute, exponentially weighted."""
    keep, sums = 0.9, memory.sums
    sums["recent"] = sums.get("recent", 0.0) * keep + counted
    sums["recent_per"] = sums.get("recent_per", 0.0) * keep + exposed
    return sums["recent"], sums["recent_per"]


def pace(rule: Rule, look: Look, memory: Memory) -> Finding | None:
    """Progress towards a target over a long and a short window, both too slow.

    Expected progress is even over `planned_s`; the short window (a sixth of the long) says that
    it still is so (multi-window burn rates of site reliability practice).
    """
    total = number_of(look.value("session", rule.metric))
    target = look.target(rule.metric)
    if total is None or target is None or target <= 0:
        return None
    now_ms, planned_ms = look.now_ms, rule.numbers["planned_s"] * 1000
    memory.points.append((now_ms, total, 0.0))
    long_ms = int(rule.numbers["long_s"] * 1000)
    _drop_before(memory, now_ms - long_ms - 60_000)
    elapsed_ms = now_ms - look.started_ms
    if elapsed_ms < rule.numbers["warmup_s"] * 1000 or total >= target:
        return Finding(breach=False, clear=total >= target, value=None)
    shares = [
        _progress(memory, look, min(span_ms, elapsed_ms), total) * planned_ms / target
        for span_ms in (long_ms, int(rule.numbers["short_s"] * 1000))
    ]
    below, clear = rule.numbers["below"], rule.numbers["clear_above"]
    slow = all(one < below for one in shares)
    return Finding(slow, shares[0] > clear, shares[0], 1.0, total, target)


def _progress(memory: Memory, look: Look, span_ms: int, total: float) -> float:
    """Growth per ms over the last `span_ms` (since the start: from 0)."""
    since_ms = look.now_ms - span_ms
    if since_ms <= look.started_ms:
        return total / max(1, look.now_ms - look.started_ms)
    at_ms, before, _ = memory.points[max(0, _until(memory, since_ms) - 1)]
    return (total - before) / max(1, look.now_ms - at_ms)
