"""All that a shard hands out: rows, patches, log entries, walked to the last value.

No number is NaN or infinite, a ratio has its terms and is null without them, money is a whole
number of minor units, and what a patch says of a figure is typed as its row's is.
"""

import math
from collections.abc import Iterator, Mapping
from functools import cache

import orjson
import pytest

from operators.catalogue.metrics import METRIC_BY_NAME
from operators.results import Output
from operators.shard import Record
from stream.options import make_shard
from stream.replay import version_of
from stream.settings import Settings
from tests.oracle.fuzz import random_log

Path = tuple[str, ...]
RATIO = {"num", "den", "value"}
SIZE = 60


@cache
def outputs(masked: float) -> tuple[Output, ...]:
    """Everything of a log in which something of every kind happens, flushed after each step."""
    log = random_log(35, minutes=12, events=900, masked=masked)
    shard = make_shard(0, Settings())
    made: list[Output] = []
    for number, start in enumerate(range(0, len(log), SIZE)):
        body = b"\n".join(log[start : start + SIZE]) + b"\n"
        made += shard.step([Record(version_of(number), 0, body)])
        made.append(shard.flush(0))
    made += shard.close()
    return tuple(made)


def plain(value: object) -> object:
    """A value as a client reads it: JSON, and a number that JSON has not is an error."""
    return orjson.loads(value) if isinstance(value, bytes) else value


def bodies(kind: str, masked: float) -> Iterator[tuple[Path, object]]:
    """Every body of one kind of output, under the name of its channel or row."""
    for output in outputs(masked):
        for patch in output.patches:
            if patch.channel.partition(":")[0] == kind:
                for name, value in patch.fields.items():
                    yield (patch.channel, name), plain(value)
        for row in output.rows:
            if f"{row.kind} rows" == kind:
                yield (row.kind, row.dimension, row.window), row.body
        for entry in output.entries:
            if entry.channel.partition(":")[0] == kind:
                yield (entry.channel,), entry.data


def leaves(path: Path, value: object) -> Iterator[tuple[Path, object]]:
    """Values that are no list and no map, with where they stand; checks ratios on the way."""
    if isinstance(value, Mapping):
        if "value" in value and "den" in value:
            check_ratio(path, value)
        for name, one in value.items():
            yield from leaves((*path, str(name)), one)
    elif isinstance(value, list | tuple):
        for place, one in enumerate(value):
            yield from leaves((*path, str(place)), one)
    else:
        yield path, value


def check_ratio(path: Path, value: Mapping[str, object]) -> None:
    num, den, ratio = value.get("num"), value["den"], value["value"]
    assert "num" in value, path
    assert num is None or isinstance(num, int), path
    assert den is None or isinstance(den, int), path
    if value.keys() > RATIO and den is None:
        # An alert about a figure that is no ratio: `num` is that, or null for a difference.
        assert num in (None, ratio), path
        return
    want = None if num is None or not den else num / den
    assert ratio == want, path


def metric_of(path: Path) -> str:
    """The metric that a path is about: a part of it, or of a field's name (`session.gmv_paid`)."""
    for part in reversed([one for piece in path[1:] for one in piece.split(".")]):
        if part in METRIC_BY_NAME:
            return part
    return ""


KINDS = {
    "metric rows": 20_000,
    "board rows": 100,
    "alert rows": 1,
    "stock rows": 1,
    "room": 1_000,
    "split": 1_000,
    "group": 100,
    "hist": 100,
    "board": 100,
    "stock": 1,
    "alerts": 1,
}
"""Kind of output to the values that a walk meets at least."""


@pytest.mark.parametrize("masked", [0.0, 0.05])
@pytest.mark.parametrize("kind", KINDS)
def test_every_value_is_a_whole_number_a_ratio_with_terms_text_or_null(
    kind: str, masked: float
) -> None:
    seen = 0
    for where, body in bodies(kind, masked):
        for path, value in leaves(where, body):
            seen += 1
            assert value is None or type(value) in (bool, int, float, str), path
            assert not isinstance(value, float) or math.isfinite(value), path
            if any(part.endswith("_minor") for part in path) or money(path):
                assert not isinstance(value, float), path
    assert seen >= KINDS[kind]


def money(path: Path) -> bool:
    """Whether a value is a sum of money: of a metric in minor units, and no ratio's quotient."""
    metric = METRIC_BY_NAME.get(metric_of(path))
    return metric is not None and metric.unit == "minor" and path[-1] != "value"


@pytest.mark.parametrize("kind", ["room", "split", "group", "hist", "metric rows"])
def test_a_figure_is_a_ratio_wherever_the_catalogue_says_so(kind: str) -> None:
    ratios = 0
    for where, body in bodies(kind, 0.05):
        for path, value in figures(where, body):
            metric = METRIC_BY_NAME[metric_of(path)]
            if metric.den is None:
                assert value is None or type(value) is int, path
            elif value is not None:
                assert isinstance(value, Mapping), path
                assert value.keys() == RATIO, path
                ratios += 1
    assert ratios > 100


def figures(path: Path, body: object) -> Iterator[tuple[Path, object]]:
    """Values of metrics in a body: itself, or by name one or two maps down."""
    if "nulls" in path[-1].split("."):
        return
    if metric_of(path) and path[-1] not in RATIO:
        yield path, body
    elif isinstance(body, Mapping):
        for name, value in body.items():
            yield from figures((*path, str(name)), value)
