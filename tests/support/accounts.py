"""The invariant of all of it: every line that went in is accounted for."""

from collections.abc import Mapping


def balance(counters: Mapping[str, int]) -> str:
    """What is wrong with in = accepted + duplicates + dead letters; "" if it holds.

    The dead letters by reason must add up to all of them, too.
    """
    parts = {name: counters.get(name, 0) for name in ("accepted", "duplicates", "dead")}
    total, by_reason = counters.get("in", 0), 0
    for name, count in counters.items():
        by_reason += count if name.startswith("dead.") else 0
    if total != sum(parts.values()):
        return f"{total} in, but {parts}"
    if by_reason != parts["dead"]:
        return f"{parts['dead']} dead letters, but {by_reason} by reason"
    return ""


def assert_accounted(counters: Mapping[str, int]) -> None:
    """Assert that nothing was lost and nothing counted twice."""
    assert balance(counters) == ""
