"""Engine rows against expected figures: counts what was compared, lists what differs.

A room that restarts within a minute has two sessions in one window, and two rows that only
`session_number` tells apart. So a place has figures by that number, and each must have its row.
A row that does not say its number (ground truth of the simulators) may be any of them.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import duckdb

from operators.results import Row
from stream.oracle.cells import WINDOWS, Figure, Number, Place, figures, of_nothing
from stream.oracle.gauges import NOBODY, gauges
from stream.oracle.measures import BOUNDS, DEFINITIONS, GAUGES, KEYS, NEVER_EMPTY, RATIOS
from stream.oracle.stays import stays
from stream.oracle.tags import tags
from stream.oracle.whole import whole

MAX_LISTED: Final = 1_000

_KNOWN: Final = {*DEFINITIONS, *GAUGES, *BOUNDS}
Values = Mapping[str, object]
Figures = dict[str, Figure]


@dataclass(slots=True)
class Report:
    """Outcome: values compared by (dimension, window), mismatches, metrics nobody checks.

    `boards`: values of board lines by (board, window); `alerts`: firing alerts by rule.
    `metrics`: values compared by metric; `telling`: those of them that are neither 0 nor null.
    """

    compared: Counter[tuple[str, str]] = field(default_factory=Counter)
    boards: Counter[tuple[str, str]] = field(default_factory=Counter)
    alerts: Counter[str] = field(default_factory=Counter)
    metrics: Counter[str] = field(default_factory=Counter)
    telling: Counter[str] = field(default_factory=Counter)
    mismatches: list[str] = field(default_factory=list)
    mismatch_count: int = 0
    unchecked: set[str] = field(default_factory=set)

    @property
    def total(self) -> int:
        """Values compared."""
        return self.compared.total() + self.boards.total()

    def differ(self, text: str) -> None:
        """Note a mismatch; the first 1,000 are kept in words."""
        self.mismatch_count += 1
        if len(self.mismatches) < MAX_LISTED:
            self.mismatches.append(text)


def last_revisions(rows: Iterable[Row]) -> dict[Place, list[tuple[Number, Values]]]:
    """Metrics of the highest revision of every place and session number."""
    newest: dict[tuple[Place, Number], tuple[int, list[Values]]] = {}
    for row in rows:
        metrics = row.body.get("metrics")
        if row.kind != "metric" or not isinstance(metrics, Mapping):
            continue
        place = Place(
            row.tenant,
            row.group,
            row.room_id,
            row.dimension,
            row.key,
            row.window,
            row.start_ms,
            row.end_ms,
        )
        metrics = {**metrics, **{name: row.body[name] for name in BOUNDS if name in row.body}}
        number = row.body.get("session_number")
        address = place, number if isinstance(number, int) else None
        revision, values = newest.get(address, (-1, []))
        if row.revision == revision:
            values.append(metrics)
        elif row.revision > revision:
            newest[address] = (row.revision, [metrics])
    found: dict[Place, list[tuple[Number, Values]]] = {}
    for (place, number), (_, values) in newest.items():
        found.setdefault(place, []).extend((number, one) for one in values)
    return found


def compare(
    connection: duckdb.DuckDBPyConnection,
    rows: Iterable[Row],
    promised: Mapping[tuple[str, str], Collection[str]],
) -> Report:
    """Compare every value of every metric row; then look for rows that are missing.

    Args:
        connection: of `stream.oracle.load.load`.
        rows: what the engine says; of corrected rows the last revision counts.
        promised: (dimension, window) to the metrics that every row of it must have; where one
            of them is not 0, there must be a row.
    """
    report = Report()
    given = last_revisions(rows)
    empty = of_nothing(connection) | NOBODY
    by_split: dict[tuple[str, str], list[Place]] = {split: [] for split in promised}
    for place in given:
        by_split.setdefault((place.dimension, place.window), []).append(place)
    for dimension, window in sorted(by_split):
        if dimension not in KEYS or window not in WINDOWS:
            report.unchecked.add(f"{dimension}/{window}")
            continue
        wanted = _expected(connection, dimension, window)
        for place in by_split[dimension, window]:
            candidates = wanted.get(place, {})
            for number, values in given[place]:
                fitting = [empty | one for one in _fitting(number, candidates)]
                _compare_row(report, place, values, fitting)
                for name in promised.get((dimension, window), set()) - values.keys():
                    report.differ(f"{place} {name}: the value is missing")
            for number, _ in given[place]:
                _strike_off(number, candidates)
        _look_for_missing(report, wanted, promised.get((dimension, window), ()))
    return report


def _fitting(number: Number, candidates: Mapping[Number, Figures]) -> list[Figures]:
    """What a row of that session may say: without any, that nothing happened."""
    if number in candidates:
        return [candidates[number]]
    return list(candidates.values()) if number is None and candidates else [{}]


def _strike_off(number: Number, candidates: dict[Number, Figures]) -> None:
    """Its row was there."""
    if number is None:
        candidates.clear()
    else:
        candidates.pop(number, None)


def _expected(
    connection: duckdb.DuckDBPyConnection, dimension: str, window: str
) -> dict[Place, dict[Number, Figures]]:
    """Figures of each place by the number of the session."""
    found: dict[Place, dict[Number, Figures]] = {}
    for place, number, values in figures(connection, dimension, window):
        found.setdefault(place, {})[number] = values
    if dimension == "room":
        more = [
            *gauges(connection, window),
            *stays(connection, window),
            *whole(connection, window),
            *tags(connection, window),
        ]
        for place, number, values in more:
            found.setdefault(place, {}).setdefault(number, {}).update(values)
    return found


def _look_for_missing(
    report: Report, left: Mapping[Place, Mapping[Number, Figures]], names: Collection[str]
) -> None:
    for place, candidates in left.items():
        for number, values in candidates.items():
            if any(values[name][0] for name in names if name in values):
                report.differ(f"{place} session {number}: the row is missing")


def _compare_row(report: Report, place: Place, given: Values, candidates: list[Figures]) -> None:
    """Compare with the candidate that fits best."""
    known = {name: given[name] for name in given if name in _KNOWN}
    report.unchecked.update(given.keys() - known.keys())
    report.compared[place.dimension, place.window] += len(known)
    report.metrics.update(known.keys() - set(BOUNDS))
    report.telling.update(name for name, value in known.items() if _tells(value))
    best = min((_differences(known, wanted) for wanted in candidates), key=len)
    for text in best:
        report.differ(f"{place} {text}")


def _tells(value: object) -> bool:
    return bool(value.get("value") if isinstance(value, Mapping) else value)


def _differences(given: Values, wanted: Figures) -> list[str]:
    texts = []
    for name, value in given.items():
        num, den = wanted[name]
        if den is None and name in NEVER_EMPTY and isinstance(value, Mapping):
            den = value.get("den")  # time passes without events too
        if not _equal(value, (num, den), name in RATIOS):
            texts.append(f"{name}: engine {value!r}, oracle {(num, den)!r}")
    return texts


def _equal(value: object, figure: Figure, is_ratio: bool) -> bool:
    num, den = figure
    if not is_ratio:
        return value == num and not isinstance(value, bool | float)
    ratio = None if not den or num is None else num / den
    return value == {"num": num, "den": den, "value": ratio}
