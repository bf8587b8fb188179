"""Engine rows against expected figures: counts what was compared, lists what differs."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import duckdb

from operators.results import Row
from stream.oracle.cells import WINDOWS, Figure, Place, figures
from stream.oracle.gauges import gauges
from stream.oracle.measures import DEFINITIONS, GAUGES, KEYS

MAX_LISTED: Final = 1_000


@dataclass(slots=True)
class Report:
    """Outcome: values compared by (dimension, window), mismatches, metrics nobody checks."""

    compared: Counter[tuple[str, str]] = field(default_factory=Counter)
    mismatches: list[str] = field(default_factory=list)
    mismatch_count: int = 0
    unchecked: set[str] = field(default_factory=set)

    @property
    def total(self) -> int:
        """Values compared."""
        return self.compared.total()

    def differ(self, text: str) -> None:
        """Note a mismatch."""
        self.mismatch_count += 1
        if len(self.mismatches) < MAX_LISTED:
            self.mismatches.append(text)


def last_revisions(rows: Iterable[Row]) -> dict[Place, Mapping[str, object]]:
    """Metrics of the highest revision of every metric row."""
    newest: dict[Place, tuple[int, Mapping[str, object]]] = {}
    for row in rows:
        metrics = row.body.get("metrics")
        if row.kind != "metric" or row.room_id is None or not isinstance(metrics, Mapping):
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
        if place not in newest or newest[place][0] < row.revision:
            newest[place] = (row.revision, metrics)
    return {place: metrics for place, (_, metrics) in newest.items()}


def compare(
    connection: duckdb.DuckDBPyConnection,
    rows: Iterable[Row],
    wanted_splits: Collection[tuple[str, str]],
) -> Report:
    """Compare every value of every metric row; then look for rows that are missing.

    Args:
        connection: of `stream.oracle.load.load`.
        rows: what the engine says; of corrected rows the last revision counts.
        wanted_splits: (dimension, window) for which every row must be there.
    """
    report = Report()
    given = last_revisions(rows)
    splits = {(place.dimension, place.window) for place in given} | set(wanted_splits)
    for dimension, window in sorted(splits):
        if dimension not in KEYS or window not in WINDOWS:
            report.unchecked.add(f"{dimension}/{window}")
            continue
        wanted = dict(_expected(connection, dimension, window))
        for place in [p for p in given if (p.dimension, p.window) == (dimension, window)]:
            _compare_row(report, place, given[place], wanted.pop(place, {}))
        if (dimension, window) in wanted_splits:
            _look_for_missing(report, wanted)
    return report


def _look_for_missing(report: Report, left: Mapping[Place, Mapping[str, Figure]]) -> None:
    for place, values in left.items():
        if any(figure[0] for figure in values.values()):
            report.differ(f"{_where(place)}: the row is missing")


def _expected(
    connection: duckdb.DuckDBPyConnection, dimension: str, window: str
) -> Iterator[tuple[Place, dict[str, Figure]]]:
    audience = dict(gauges(connection, window)) if dimension == "room" else {}
    for place, values in figures(connection, dimension, window):
        yield place, values | audience.pop(place, {})
    yield from audience.items()


def _compare_row(
    report: Report, place: Place, given: Mapping[str, object], wanted: Mapping[str, Figure]
) -> None:
    for name, value in given.items():
        if name not in DEFINITIONS and name not in GAUGES:
            report.unchecked.add(name)
            continue
        report.compared[place.dimension, place.window] += 1
        figure = wanted.get(name, _nothing(name, value))
        if not _equal(value, figure):
            report.differ(f"{_where(place)} {name}: engine {value!r}, oracle {figure!r}")


def _nothing(name: str, value: object) -> Figure:
    """A window without any event: 0, over 0 for a ratio (minutes count without events)."""
    if not isinstance(value, Mapping):
        return 0, None
    den = value.get("den")
    return 0, den if name == "comment_per_min" and isinstance(den, int) else 0


def _equal(value: object, figure: Figure) -> bool:
    num, den = figure
    if den is None:
        return value == num and not isinstance(value, bool | float)
    ratio = None if den == 0 or num is None else num / den
    return value == {"num": num, "den": den, "value": ratio}


def _where(place: Place) -> str:
    key = "" if place.key is None else f"={place.key}"
    return (
        f"{place.tenant}/{place.room_id} {place.dimension}{key} {place.window} "
        f"[{place.start_ms}, {place.end_ms})"
    )
