"""What the headless demo prints: truth and arrival side by side, then every difference. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from stream.agreement import (
    Channels,
    Difference,
    arrived_figure,
    expected_figures,
    same,
)

MAX_DIFFERENCES: Final = 40


def agreement_lines(
    truth: Mapping[str, Any], channels: Channels, wrong: Sequence[Difference]
) -> Iterator[str]:
    """A table of the sessions and boards, the number of figures compared, the differences."""
    figures = expected_figures(truth)
    yield f"{'figure':58} {'truth':>18} {'arrived':>18}"
    for (channel, field), expected in figures.items():
        if channel.startswith(("room:", "counters", "board:")):
            arrived = arrived_figure(channels, (channel, field))
            mark = "" if same(expected, arrived) else "  <-- differs"
            yield f"{channel + ' ' + field:58} {shown(expected):>18} {shown(arrived):>18}{mark}"
    for found in wrong[:MAX_DIFFERENCES]:
        yield (
            f"differs: {found.channel} {found.field}: "
            f"truth {shown(found.expected)}, arrived {shown(found.arrived)}"
        )
    if len(wrong) > MAX_DIFFERENCES:
        yield f"... and {len(wrong) - MAX_DIFFERENCES} more"
    yield f"{len(figures)} figures compared over WebSocket, {len(wrong)} differ"


def shown(value: object) -> str:
    """A figure in a table cell; a ratio as numerator/denominator, no data as a dash."""
    if value is None:
        return "–"
    if isinstance(value, Mapping) and "num" in value:
        return f"{value['num']}/{value['den']}"
    return str(value)
