"""The metric catalogue: measures, axes, metrics, and the forms other parts read it in."""

from operators.catalogue.axes import DIMENSIONS, WINDOWS
from operators.catalogue.boards import TALK_BOARDS
from operators.catalogue.metrics import METRICS, Metric

__all__ = ["METRICS", "Metric", "as_json", "as_markdown"]


def _terms(terms: tuple[tuple[str, int], ...] | None) -> str | None:
    if terms is None:
        return None
    return " ".join(("+ " if factor > 0 else "− ") + name for name, factor in terms)[2:]


def as_json() -> dict[str, object]:
    """The catalogue as plain data: what `/api/catalogue` and `liveroom metrics --json` give."""
    return {
        "metrics": [
            {
                "name": metric.name,
                "title_en": metric.title_en,
                "title_zh": metric.title_zh,
                "formula": metric.formula,
                "num": _terms(metric.num),
                "den": _terms(metric.den),
                "unit": metric.unit,
                "basis": metric.basis,
                "time_basis": metric.time_basis,
                "windows": list(metric.windows),
                "dimensions": list(metric.dimensions),
                "not_to_confuse": metric.not_to_confuse,
                "source": metric.source,
                "pack": metric.pack,
                "version": metric.version,
            }
            for metric in METRICS
        ],
        "windows": {
            window.name: {
                "wire": window.wire,
                "length_ms": window.length_ms,
                "title_en": window.title_en,
                "title_zh": window.title_zh,
            }
            for window in WINDOWS
        },
        "dimensions": {
            dimension.name: {
                "title_en": dimension.title_en,
                "title_zh": dimension.title_zh,
                "windows": list(dimension.windows),
            }
            for dimension in DIMENSIONS
        },
        "boards": [
            {
                "name": board.channel,
                "window": board.window,
                "keys": board.keys,
                "title_en": board.title_en,
                "title_zh": board.title_zh,
                "columns": [
                    {
                        "field": column.field,
                        "title_en": column.title_en,
                        "title_zh": column.title_zh,
                        "formula": column.formula,
                        "unit": column.unit,
                    }
                    for column in board.columns
                ],
            }
            for board in TALK_BOARDS
        ],
    }


def as_markdown() -> str:
    """The catalogue as the text of docs/metrics.md."""
    lines = [
        "# Metrics",
        "",
        "Made by `liveroom metrics`; do not edit. Ratios carry numerator and",
        "denominator; no data is `null`; money is integer minor units.",
        "",
        "| name | title | formula | unit | basis | time | dimensions | windows | not |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| `{m.name}` | {m.title_en} {m.title_zh} | {m.formula} | {m.unit} | {m.basis} "
        f"| {m.time_basis} | {', '.join(m.dimensions)} | {', '.join(m.windows)} "
        f"| {m.not_to_confuse} |"
        for m in METRICS
    ]
    lines += [
        "",
        "## Boards of a room",
        "",
        "What viewers say, and buy together (docs/terms.md); ordered by the first two figures.",
        "",
        "| board | title | window | figures of a line |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{board.channel}` | {board.title_en} {board.title_zh} | {board.window} | "
        + "; ".join(f"`{c.field}` {c.title_en} {c.title_zh}: {c.formula}" for c in board.columns)
        + " |"
        for board in TALK_BOARDS
    ]
    return "\n".join(lines) + "\n"
