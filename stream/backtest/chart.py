"""The result of a back-test as one HTML file: tables, and a time line per room. No scripts."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from operators.rules.model import RuleSet
from stream.backtest.labels import Incident
from stream.backtest.score import Fired, Scores
from stream.backtest.table import HEAD, cells, rule_names

WIDTH = 1000
LANE = 18
COLOURS = ("#0b6e99", "#c2410c", "#4d7c0f", "#7e22ce")


@dataclass(frozen=True, slots=True)
class Played:
    """One recording: its labels and what each rule file fired in it."""

    name: str
    labels: Sequence[Incident] | None
    fired: Sequence[Sequence[Fired]]


_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;
color:#1a1a1a;background:#fff}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #ddd}
th:first-child,td:first-child{text-align:left}
svg{width:100%;height:auto}
text{font-size:11px;fill:#333}
@media (prefers-color-scheme:dark){body{background:#16181d;color:#e8e8e8}
th,td{border-color:#444}text{fill:#ccc}}
"""


def html_report(
    names: Sequence[str],
    files: Sequence[RuleSet],
    results: Sequence[Scores],
    played: Sequence[Played],
) -> str:
    """The whole page."""
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width'>",
        f"<title>liveroom backtest</title><style>{_STYLE}</style></head><body>",
        "<h1>Back-test of alert rules</h1>",
        _table(names, files, results),
        *(_recording(names, one) for one in played),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _table(names: Sequence[str], files: Sequence[RuleSet], results: Sequence[Scores]) -> str:
    top = "".join(f"<th colspan='{len(HEAD)}'>{escape(name)}</th>" for name in names)
    head = "".join(f"<th>{column}</th>" for _ in names for column in HEAD)
    rows = []
    for rule in rule_names(files):
        columns = [text for one in results for text in cells(one.rules.get(rule), one)]
        rows.append(
            f"<tr><td>{escape(rule)}</td>"
            + "".join(f"<td>{text}</td>" for text in columns)
            + "</tr>"
        )
    return (
        f"<table><thead><tr><th></th>{top}</tr><tr><th>rule</th>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _recording(names: Sequence[str], played: Played) -> str:
    """One time line: a lane per room, incidents as bars, alerts as ticks by rule file."""
    labels = list(played.labels or ())
    alerts = [alert for fired in played.fired for alert in fired]
    times = [one.at_ms for one in alerts]
    times += [ms for one in labels for ms in (one.start_ms, one.end_ms)]
    title = f"<h2>{escape(played.name)}</h2>"
    if not times:
        return f"{title}<p>No incident, no alert.</p>"
    first, last = min(times), max(times)
    span = max(1, last - first)
    rooms = {(one.tenant, one.room_id or "") for one in labels}
    rooms |= {(one.tenant, one.room_id or "") for one in alerts}
    lanes = {room: place for place, room in enumerate(sorted(rooms))}

    def across(at_ms: int) -> float:
        return round(120 + (WIDTH - 140) * (at_ms - first) / span, 1)

    height = LANE * len(lanes) * max(1, len(names)) + 30
    shapes = [f"<svg viewBox='0 0 {WIDTH} {height}' role='img' aria-label='time line'>"]
    for (tenant, room), place in lanes.items():
        top = place * LANE * len(names)
        where = escape(f"{tenant} {room or 'stock'}")
        shapes.append(f"<text x='0' y='{top + 13}'>{where}</text>")
    for one in labels:
        top = lanes[one.tenant, one.room_id or ""] * LANE * len(names)
        wide = max(2.0, across(one.end_ms) - across(one.start_ms))
        told = escape(f"{one.kind} {one.subject or ''}")
        shapes.append(
            f"<rect x='{across(one.start_ms)}' y='{top}' width='{wide}' "
            f"height='{LANE * len(names) - 2}' fill='#fbbf24' opacity='.45'>"
            f"<title>{told}</title></rect>"
        )
    for file, fired in enumerate(played.fired):
        for alert in fired:
            top = lanes[alert.tenant, alert.room_id or ""] * LANE * len(names) + file * LANE
            told = escape(f"{names[file]}: {alert.rule} {alert.subject}")
            shapes.append(
                f"<rect x='{across(alert.at_ms)}' y='{top + 2}' width='3' height='{LANE - 6}' "
                f"fill='{COLOURS[file % len(COLOURS)]}'><title>{told}</title></rect>"
            )
    minutes = span // 60_000
    shapes.append(f"<text x='120' y='{height - 6}'>0</text>")
    shapes.append(f"<text x='{WIDTH - 60}' y='{height - 6}'>{minutes} min</text></svg>")
    return title + "\n".join(shapes)
