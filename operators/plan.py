"""The catalogue compiled: what each event type adds to, and how figures are read.

Everything here is derived from `operators.catalogue`; nothing is typed twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from operators.catalogue.axes import DIMENSIONS, WINDOWS, Dimension, Window
from operators.catalogue.measures import MEASURES, Kind, Measure
from operators.catalogue.metrics import METRICS, Metric, Terms
from operators.hashindex import I64, Bool
from stream.events import EVENT_TYPES

F32 = npt.NDArray[np.float32]

VALUE_COLUMNS: Final = ("one", "qty", "amount", "known_amount", "question", "negative")
"""Rows of the value matrix a fold is given; `known_`: only where the order was seen before."""
ID_COLUMNS: Final = (
    *("user", "order", "known_user", "known_order", "negative_user"),
    *("told_user", "new_user", "product"),
)
"""Rows of the id matrix a fold is given."""
ROOM_DIMENSION: Final = 0
"""Place of the room among the plan's dimensions: the only one with gauges."""


@dataclass(frozen=True, slots=True)
class Contributions:
    """What one event of each type adds: entries `start[type] … start[type] + count[type]`.

    `dimension`, `measure`, `column` have one place an entry: the column of the cell matrix
    (those of `Plan.at_once` or of `Plan.deferred`),
    the number of the measure in the plan, the row of the value (or id) matrix.
    """

    start: I64
    count: I64
    dimension: I64
    measure: I64
    column: I64
    place: I64
    """Place of the measure among those of its dimension; see `Plan.measures_by_dimension`."""

    def expand(self, types: npt.NDArray[np.uint8]) -> tuple[I64, I64]:
        """For events of `types`: (event place, entry number) of every addition."""
        counts = self.count[types]
        events = np.repeat(np.arange(len(types)), counts)
        first = np.cumsum(counts) - counts
        entries = np.arange(len(events)) - np.repeat(first - self.start[types], counts)
        return events, entries


@dataclass(frozen=True, slots=True)
class Layer:
    """The n-th terms of some metrics: `factor` times column `measure`, added to column `metric`.

    All three have shape (terms,), a metric at most once. A product with the matrix of terms is
    the same, but int64 has no fast one, and nearly all its factors are 0.
    """

    metric: I64
    measure: I64
    factor: I64


@dataclass(frozen=True, slots=True)
class View:
    """How the metrics of one dimension are read from a matrix of measures.

    `num` and `den` have shape (measures, metrics), the `_layers` say the same; `has_den` and
    `in_window[name]` (metrics,). `used`: the measures that are a term of any; `uses[name]` is
    (used, metrics), 1 where a metric of that window has the measure among its terms.
    """

    dimension: str
    metrics: tuple[Metric, ...]
    windows: tuple[Window, ...]
    num: I64
    den: I64
    num_layers: tuple[Layer, ...]
    den_layers: tuple[Layer, ...]
    has_den: Bool
    deferred: bool
    in_window: dict[str, Bool]
    used: I64
    uses: dict[str, F32]


class Plan:
    """The compiled form of some metrics."""

    def __init__(self, metrics: Iterable[Metric] = METRICS) -> None:
        self.metrics = tuple(metrics)
        used = {name for m in self.metrics for name, _ in (*m.num, *(m.den or ()))}
        self.measures: tuple[Measure, ...] = tuple(m for m in MEASURES if m.name in used)
        self.number = {measure.name: i for i, measure in enumerate(self.measures)}
        in_use = {name for metric in self.metrics for name in metric.dimensions}
        self.dimensions = tuple(d for d in DIMENSIONS if d.name in in_use)
        self.at_once = tuple(d for d in self.dimensions if not d.deferred)
        self.deferred = tuple(d for d in self.dimensions if d.deferred)
        self.is_distinct = np.array([m.kind is Kind.DISTINCT for m in self.measures])
        self.of_viewers = np.array(
            [m.kind is Kind.DISTINCT and m.column.endswith("user") for m in self.measures]
        )
        self.is_gauge = np.array([m.kind is Kind.GAUGE for m in self.measures])
        self.added = self._contributions(self.at_once, False)
        self.told_apart = self._contributions(self.at_once, True)
        self.deferred_added = self._contributions(self.deferred, False)
        self.deferred_told_apart = self._contributions(self.deferred, True)
        self.views = tuple(self._view(d) for d in self.dimensions)

    def _contributions(self, dimensions: tuple[Dimension, ...], distinct: bool) -> Contributions:
        kinds = (Kind.DISTINCT,) if distinct else (Kind.COUNT, Kind.SUM)
        columns = ID_COLUMNS if distinct else VALUE_COLUMNS
        entries: list[list[tuple[int, int, int]]] = [[] for _ in EVENT_TYPES]
        for place, dimension in enumerate(dimensions):
            wanted = {
                name
                for metric in self._metrics_of(dimension)
                for name, _ in (*metric.num, *(metric.den or ()))
            }
            for number, measure in enumerate(self.measures):
                if measure.kind in kinds and measure.name in wanted:
                    row = columns.index(measure.column or "one")
                    for code, entry in enumerate(EVENT_TYPES):
                        if entry.name in measure.types:
                            entries[code].append((place, number, row))
        count = np.array([len(of_type) for of_type in entries], np.int64)
        flat = np.array([e for of_type in entries for e in of_type], np.int64).reshape(-1, 3)
        start = np.cumsum(count) - count
        own = [self._measures_of(dimension).tolist() for dimension in dimensions]
        places = [own[place].index(number) for place, number in flat[:, :2].tolist()]
        return Contributions(
            start, count, flat[:, 0], flat[:, 1], flat[:, 2], np.array(places, np.int64)
        )

    def measures_by_dimension(self) -> list[I64]:
        """Of each dimension the measures that events add to, ascending."""
        return [self._measures_of(dimension) for dimension in self.dimensions]

    def _measures_of(self, dimension: Dimension) -> I64:
        terms = {
            name
            for metric in self._metrics_of(dimension)
            for name, _ in (*metric.num, *(metric.den or ()))
        }
        wanted = [self.number[name] for name in terms if not self.is_gauge[self.number[name]]]
        return np.array(sorted(wanted), np.int64)

    def _metrics_of(self, dimension: Dimension) -> tuple[Metric, ...]:
        """The metrics of a dimension that have one of its windows."""
        return tuple(
            metric
            for metric in self.metrics
            if dimension.name in metric.dimensions and set(dimension.windows) & set(metric.windows)
        )

    def _view(self, dimension: Dimension) -> View:
        metrics = self._metrics_of(dimension)
        allowed = dimension.windows
        names = {name for metric in metrics for name in metric.windows if name in allowed}
        num = self._matrix([metric.num for metric in metrics])
        den = self._matrix([metric.den or () for metric in metrics])
        in_window = {
            name: np.array([name in metric.windows for metric in metrics]) for name in names
        }
        terms = (num != 0) | (den != 0)
        used = np.flatnonzero(terms.any(axis=1))
        return View(
            dimension.name,
            metrics,
            tuple(window for window in WINDOWS if window.name in names),
            num,
            den,
            self._layers([metric.num for metric in metrics]),
            self._layers([metric.den or () for metric in metrics]),
            np.array([metric.den is not None for metric in metrics]),
            dimension.deferred,
            in_window,
            used,
            {name: (terms[used] & in_window[name]).astype(np.float32) for name in names},
        )

    def measures_of(self, dimension: str) -> Bool:
        """Which measures the metrics of a dimension use, (measures,)."""
        view = next(view for view in self.views if view.dimension == dimension)
        return np.asarray(((view.num != 0) | (view.den != 0)).any(axis=1) & ~self.is_gauge)

    def _matrix(self, columns: list[Terms]) -> I64:
        matrix = np.zeros((len(self.measures), len(columns)), np.int64)
        for place, terms in enumerate(columns):
            for name, factor in terms:
                matrix[self.number[name], place] += factor
        return matrix

    def _layers(self, columns: list[Terms]) -> tuple[Layer, ...]:
        layers = []
        for depth in range(max(map(len, columns), default=0)):
            having = [place for place, terms in enumerate(columns) if len(terms) > depth]
            terms = [columns[place][depth] for place in having]
            layers.append(
                Layer(
                    np.array(having, np.int64),
                    np.array([self.number[name] for name, _ in terms], np.int64),
                    np.array([factor for _, factor in terms], np.int64),
                )
            )
        return tuple(layers)
