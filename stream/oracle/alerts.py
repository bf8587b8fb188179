"""Alerts against the recomputed figures: what a firing alert says of its window must be so.

Checked are the figures that a window, and not a rule's own memory, decides: metrics of the
catalogue in minutes and rolling windows, shares of comments, violations. Events count as far as
the log had told them when the rule was judged.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

import duckdb

from operators.results import Row
from stream.oracle.compare import Report
from stream.oracle.measures import DEFINITIONS, KEYS

_OF_WINDOW: Final = ("threshold", "wilson", "robust_z", "ewma", "change", "share")
_PANE_MS: Final = 15_000
_MINUTE_MS: Final = 60_000
_CLOSE: Final = 2e-6
"""Values are written with six digits."""

Figure = tuple[int, int | None]


class RuleFacts(Protocol):
    """What is read of a rule."""

    @property
    def kind(self) -> str:
        """Kind of its detector."""

    @property
    def scope(self) -> str:
        """What its subjects are."""

    @property
    def numbers(self) -> Mapping[str, float]:
        """Parameters of its detector."""


def check_alerts(
    connection: duckdb.DuckDBPyConnection,
    rows: Iterable[Row],
    rules: Mapping[str, RuleFacts],
    report: Report,
    lag_ms: int,
) -> None:
    """Compare the value of every firing alert whose figure is definable.

    Args:
        connection: of `stream.oracle.load.load`.
        rows: what the engine says.
        rules: by name.
        report: where the outcome goes: `alerts` counts rules, "not checked" the others.
        lag_ms: how far the watermark trails the clock.
    """
    for row in rows:
        if row.kind != "alert" or row.body.get("state") != "firing":
            continue
        figure = _figure(connection, row, rules.get(row.dimension), lag_ms)
        if figure is None:
            report.alerts["not checked"] += 1
            continue
        report.alerts[row.dimension] += 1
        num, den = figure
        right = num if den is None else num / den if den else None
        value = row.body.get("value")
        good = isinstance(value, int | float) and right is not None and abs(value - right) < _CLOSE
        if not good or row.body.get("num", num) not in (num, None):
            said = {name: row.body.get(name) for name in ("value", "num", "den")}
            report.differ(f"alert {row.body.get('id')}: engine {said}, oracle {figure}")


def _figure(
    connection: duckdb.DuckDBPyConnection, row: Row, rule: RuleFacts | None, lag_ms: int
) -> Figure | None:
    """The figure that an alert is about; None where its window does not decide it."""
    metric, window = str(row.body.get("metric")), str(row.body.get("of_window"))
    if rule is None or row.room_id is None or rule.numbers.get("rate_s"):
        return None
    told = _told(connection, row, lag_ms)
    if metric == "violations" and rule.kind == "event":
        query = f"SELECT count(*) FROM ({told}) WHERE type = 'violation' AND event_time_ms < ?"
        return _one(connection.execute(query, [row.end_ms]).fetchone(), None)
    if rule.kind not in _OF_WINDOW or not window[1:].isdigit():
        return None
    if metric in ("negative_share", "repeat_share"):
        start_ms = row.end_ms - int(window[1:]) * _MINUTE_MS
        inside = (
            f"SELECT * FROM ({told}) WHERE type = 'comment' AND event_time_ms >= {start_ms} "
            f"AND event_time_ms < {row.end_ms}"
        )
        if metric == "negative_share":
            query = f"SELECT count(*) FILTER (negative), count(*) FROM ({inside})"
            return _one(connection.execute(query).fetchone(), 1)
        found = connection.execute(f"SELECT coalesce(text, '') FROM ({inside})").fetchall()
        texts = Counter(text.strip().lower()[:64] for (text,) in found)
        return max(texts.values(), default=0), texts.total()
    return _metric(connection, row, rule.scope, metric, window, told)


def _metric(
    connection: duckdb.DuckDBPyConnection,
    row: Row,
    scope: str,
    metric: str,
    window: str,
    told: str,
) -> Figure | None:
    definition = DEFINITIONS.get(metric)
    if definition is None or scope not in KEYS or metric == "src_share":
        return None
    minutes = int(window[1:])
    step_ms = _MINUTE_MS if window == "m1" else _PANE_MS
    end_ms = row.end_ms // step_ms * step_ms
    key = "TRUE" if scope == "room" else f"{KEYS[scope]} = $key"
    query = f"""
        SELECT {definition.num}, {definition.den or "NULL"}
        FROM (SELECT *, {minutes} AS minutes FROM ({told}))
        WHERE event_time_ms >= {end_ms - minutes * _MINUTE_MS} AND event_time_ms < {end_ms}
            AND {key}
    """
    parameters = {} if scope == "room" else {"key": row.key}
    found = connection.execute(query, parameters).fetchone()
    return _one(found, 1 if definition.den else None)


def _told(connection: duckdb.DuckDBPyConnection, row: Row, lag_ms: int) -> str:
    """Query of what the log had told of the room's newest session when the rule was judged."""
    beat = connection.execute(
        "SELECT min(pos) FROM lines WHERE type = 'tick' AND event_time_ms >= ?",
        [row.end_ms + lag_ms],
    ).fetchone()
    pos = beat[0] if beat and beat[0] is not None else 0
    found = connection.execute(
        "SELECT session FROM placed_events WHERE tenant = ? AND grp = ? AND room_id = ? "
        "AND pos < ? ORDER BY session_start_ms DESC LIMIT 1",
        [row.tenant, row.group, row.room_id, pos],
    ).fetchone()
    return (
        f"SELECT * FROM placed_events WHERE session = {found[0] if found else -1} AND pos < {pos}"
    )


def _one(found: tuple[int, ...] | None, den: int | None) -> Figure | None:
    if found is None or found[0] is None:
        return None
    return found[0], None if den is None else found[den]
