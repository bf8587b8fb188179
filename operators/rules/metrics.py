"""Which figures a rule may name, and in which windows."""

from typing import Final

from operators.catalogue import METRICS
from operators.catalogue.axes import DIMENSIONS, WINDOWS
from operators.rules.kinds import POOL_FIGURES
from operators.rules.observed import COUNTED, FIGURES

_WINDOWS_OF: Final = {metric.name: metric.windows for metric in METRICS}
_DIMENSIONS_OF: Final = {metric.name: metric.dimensions for metric in METRICS}
_WINDOWS_OF_DIMENSION: Final = {one.name: one.windows for one in DIMENSIONS}
_DIMENSION_OF: Final = {"group": "tenant"}
"""Scopes that are called otherwise in the catalogue."""
_WIRE: Final = {window.name: window.wire for window in WINDOWS}
_PLAIN: Final = ("explain_gap_s", "silence_s")
_CUMULATIVE: Final = ("cusum", "cusum_ratio", "pace")
MAX_OBSERVED_MINUTES: Final = 30


def metric_problem(metric: str, scope: str) -> str | None:
    """What is wrong with naming `metric` in a rule of that scope; None when it can be read."""
    if scope == "pool":
        if metric in POOL_FIGURES:
            return None
        return f"metric {metric!r} is no figure of a stock pool: {', '.join(POOL_FIGURES)}"
    observed = metric in FIGURES or metric.startswith("reported_")
    if observed:
        return None if scope == "room" else f"metric {metric!r} is known per room only"
    if metric not in _WINDOWS_OF:
        return f"metric {metric!r} is not in the catalogue (liveroom metrics lists it)"
    if _DIMENSION_OF.get(scope, scope) not in _DIMENSIONS_OF[metric]:
        return f"metric {metric!r} is not computed by {scope}"
    return None


def window_problem(metric: str, scope: str, window: str, kind: str) -> str | None:
    """What is wrong with the window; None when the figure exists in it."""
    if scope == "pool" or metric in _PLAIN or metric.startswith("reported_"):
        return f"metric {metric!r} has no window" if window else None
    if kind in _CUMULATIVE:
        good = metric in COUNTED or "session" in _windows(metric, scope)
        if window not in ("", "session"):
            return f"kind {kind!r} reads the session total; leave window out"
        return None if good else f"metric {metric!r} has no session total"
    if metric in FIGURES:
        minutes = window[1:]
        if window == "session" and metric in COUNTED:
            return None
        good = window[:1] == "r" and minutes.isdigit() and 1 <= int(minutes) <= 30
        return None if good else f"window {window!r} of {metric!r} must be r1 to r30"
    windows = _windows(metric, scope)
    wire = [_WIRE.get(name, name) for name in windows]
    if metric in _WINDOWS_OF and window not in wire:
        return f"window {window!r} of {metric!r} by {scope} is not one of {', '.join(wire)}"
    if kind == "wilson" and "session" not in windows:
        return f"kind 'wilson' reads the session total, which {metric!r} by {scope} has not"
    return None


def _windows(metric: str, scope: str) -> list[str]:
    """Windows in which a metric of the catalogue is computed for a scope."""
    allowed = _WINDOWS_OF_DIMENSION.get(_DIMENSION_OF.get(scope, scope), ())
    return [name for name in _WINDOWS_OF.get(metric, ()) if name in allowed]
