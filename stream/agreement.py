"""Do the figures that arrived on a screen equal the simulator's ground truth? Pure.

The truth file is the simulator's (docs: `simulators.api`); arrived figures are state channels
as a client holds them: channel name to fields. Both are turned into flat figures and compared
one by one: a missing one is a difference, an additional one too where the truth is complete.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Channels = Mapping[str, Mapping[str, Any]]
FigureKey = tuple[str, str]

RATIO_TOLERANCE: Final = 1e-12
"""Quotients of the same integers may differ in the last bit between languages."""

COUNTED: Final = ("in", "accepted", "duplicates", "dead")
"""The engine's totals: the first is the sum of the others, always."""

_STOCK_PARTS: Final = ("on_hand", "reserved", "sold", "available")


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure that is not as it must be; `arrived` None: it never came."""

    channel: str
    field: str
    expected: object
    arrived: object


def expected_channels(truth: Mapping[str, Any]) -> set[str]:
    """State channels that a client must hold to be compared with this truth."""
    return {channel for channel, _ in expected_figures(truth)}


def expected_figures(truth: Mapping[str, Any]) -> dict[FigureKey, object]:
    """Flat figures of a truth file: sessions, final minutes, boards, stock."""
    figures: dict[FigureKey, object] = {}
    for row in truth["rows"]:
        figures.update(_row_figures(row))
    for board in truth["boards"]:
        figures.update(_board_figures(board))
    for line in truth["stock"]:
        channel = f"stock:{line['tenant']}/{line['group']}"
        figures.update({(channel, f"{line['pool']}.{p}"): line[p] for p in _STOCK_PARTS})
    figures.update(_count_figures(truth["counts"]))
    return figures


def arrived_figure(channels: Channels, key: FigureKey) -> object:
    """The figure under a key of `expected_figures`; None when it did not arrive."""
    channel, field = key
    fields = channels.get(channel, {})
    if channel.startswith(("hist:", "stock:", "board:")):
        outer, _, inner = field.rpartition(".")
        inside = fields.get(outer)
        return inside.get(inner) if isinstance(inside, Mapping) else None
    return fields.get(field)


def differences(truth: Mapping[str, Any], channels: Channels) -> list[Difference]:
    """Every figure that disagrees; empty: all agree exactly."""
    found = [
        Difference(*key, expected, arrived)
        for key, expected in expected_figures(truth).items()
        if not same(expected, arrived := arrived_figure(channels, key))
    ]
    return found + list(_surplus(truth, channels))


def same(expected: object, arrived: object) -> bool:
    """Equal figures; ratios by numerator, denominator and quotient."""
    if isinstance(expected, Mapping) and isinstance(arrived, Mapping):
        one, other = expected.get("value"), arrived.get("value")
        if isinstance(one, int | float) and isinstance(other, int | float):
            close = abs(one - other) <= RATIO_TOLERANCE * max(1.0, abs(one))
        else:
            close = one is None and other is None
        parts = all(expected.get(part) == arrived.get(part) for part in ("num", "den"))
        return close and parts
    return type(expected) is type(arrived) and expected == arrived


def _row_figures(row: Mapping[str, Any]) -> Iterator[tuple[FigureKey, object]]:
    place = f"{row['tenant']}/{row['room_id']}"
    for metric, value in row["metrics"].items():
        if row["window"] == "session" and row["dimension"] == "room":
            yield (f"room:{place}", f"session.{metric}"), value
        elif row["window"] == "session":
            channel = f"split:{place}/{row['dimension']}"
            yield (channel, f"session.{metric}.{row['key']}"), value
        elif row["window"] == "1m" and row["dimension"] == "room":
            yield (f"hist:{place}", f"{row['start_ms']}.{metric}"), value


def _board_figures(board: Mapping[str, Any]) -> Iterator[tuple[FigureKey, object]]:
    channel = _board_channel(board)
    for rank, entry in enumerate(board["entries"], start=1):
        yield (channel, f"{rank}.key"), entry["key"]
        yield (channel, f"{rank}.value"), entry["value"]


def _board_channel(board: Mapping[str, Any]) -> str:
    return f"board:{board['tenant']}/{board['group']}/{board['name']}"


def _count_figures(counts: Mapping[str, Any]) -> Iterator[tuple[FigureKey, object]]:
    """Totals of the engine: every line that went in is accepted, a duplicate or a dead letter."""
    for name in ("accepted", "duplicates"):
        yield ("counters", name), counts[name]
    dead = sum(counts["dead"].values())
    yield ("counters", "in"), counts["accepted"] + counts["duplicates"] + dead
    yield ("counters", "dead"), dead
    for reason, count in counts["dead"].items():
        yield ("counters", f"dead.{reason}"), count


def _surplus(truth: Mapping[str, Any], channels: Channels) -> Iterator[Difference]:
    """Beyond the truth: someone on a board who sold nothing, dead letters of another reason."""
    for board in truth["boards"]:
        channel = _board_channel(board)
        for rank in sorted(channels.get(channel, {})):
            if rank.isdigit() and int(rank) > len(board["entries"]):
                yield Difference(channel, rank, None, channels[channel][rank])
    known = {f"dead.{reason}" for reason in truth["counts"]["dead"]}
    for name, count in sorted(channels.get("counters", {}).items()):
        if name.startswith("dead.") and name not in known and count:
            yield Difference("counters", name, None, count)
