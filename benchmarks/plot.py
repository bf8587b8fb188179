"""Small SVG plots by hand: bars of a few numbers, and lines that grow. No dependency."""

from collections.abc import Mapping, Sequence
from html import escape
from math import log10
from typing import Final

WIDTH: Final = 640
HEIGHT: Final = 300
_LEFT: Final = 70
_RIGHT: Final = 20
_TOP: Final = 40
_BOTTOM: Final = 50
COLOURS: Final = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed")
_STYLE: Final = (
    "<style>text{font:12px sans-serif;fill:#444}.t{font-weight:bold;font-size:14px}"
    ".g{stroke:#ddd}@media(prefers-color-scheme:dark){text{fill:#ccc}.g{stroke:#444}}</style>"
)


def _frame(title: str, body: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
        f"<title>{escape(title)}</title>{_STYLE}"
        f'<text class="t" x="{_LEFT}" y="20">{escape(title)}</text>{body}</svg>\n'
    )


def _grid(top: float, unit: str) -> str:
    marks = []
    for part in range(5):
        y = _y(top * part / 4, top)
        marks.append(
            f'<line class="g" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{top * part / 4:.3g}</text>'
        )
    return "".join(marks) + f'<text x="4" y="{_TOP - 4}">{escape(unit)}</text>'


def _y(value: float, top: float) -> float:
    return HEIGHT - _BOTTOM - value / top * (HEIGHT - _TOP - _BOTTOM)


def growth(
    title: str, axis: str, unit: str, series: Mapping[str, Sequence[tuple[float, float]]]
) -> str:
    """Lines of (size, value) on a logarithmic size axis and a value axis from 0.

    Args:
        title: above the plot.
        axis: what the sizes are.
        unit: of the values.
        series: name -> points, sizes above 0; at least one point in all.
    """
    points = [point for line in series.values() for point in line]
    low = min(log10(size) for size, _ in points)
    high = max(log10(size) for size, _ in points)
    top = max(value for _, value in points) * 1.15 or 1.0

    def x(size: float) -> float:
        share = (log10(size) - low) / (high - low) if high > low else 0.5
        return _LEFT + 20 + share * (WIDTH - _LEFT - _RIGHT - 40)

    body = [_grid(top, unit)]
    body += [
        f'<text x="{x(size):.1f}" y="{HEIGHT - _BOTTOM + 18}" text-anchor="middle">'
        f"{size:,.0f}</text>"
        for size in sorted({size for size, _ in points})
    ]
    body.append(
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 10}" text-anchor="middle">{escape(axis)}</text>'
    )
    for number, (name, line) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{x(size):.1f},{_y(value, top):.1f}" for size, value in line)
        body.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        body += [
            f'<circle cx="{x(size):.1f}" cy="{_y(value, top):.1f}" r="4" fill="{colour}"/>'
            for size, value in line
        ]
        body.append(
            f'<text x="{WIDTH - _RIGHT}" y="{20 + 14 * number}" text-anchor="end" '
            f'style="fill:{colour}">{escape(name)}</text>'
        )
    return _frame(title, "".join(body))


def bars(title: str, unit: str, values: Mapping[str, float]) -> str:
    """Horizontal bars, one a name, with their values; at least one above 0."""
    top = max(values.values())
    step = (HEIGHT - _TOP - 10) / len(values)
    body = []
    for number, (name, value) in enumerate(values.items()):
        y = _TOP + number * step
        width = value / top * (WIDTH - 300)
        body.append(
            f'<text x="190" y="{y + step / 2 + 4:.1f}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="200" y="{y + 3:.1f}" width="{width:.1f}" height="{step - 6:.1f}" '
            f'fill="{COLOURS[0]}"/>'
            f'<text x="{206 + width:.1f}" y="{y + step / 2 + 4:.1f}">{value:.3g} '
            f"{escape(unit)}</text>"
        )
    return _frame(title, "".join(body))
