"""Every entry of the catalogue, automatically: oracle, merge laws, snapshot round trip.

One log in which something of every kind happens. A metric that never has a value other than 0
or null in it is not tested by it, so that fails: extend the log (`tests.oracle.fuzz`).
"""

from collections.abc import Mapping
from functools import cache
from random import Random

import duckdb
import pytest

from operators.catalogue import METRICS
from operators.results import Row
from operators.row_blocks import joined
from operators.shard import Record
from operators.snapshot import freeze, thaw
from sinks.results import sorted_lines
from stream.events import MAX_INT
from stream.options import make_shard
from stream.oracle.compare import Report, compare
from stream.oracle.load import load
from stream.oracle.terms import terms_of
from stream.oracle.verify import promised
from stream.replay import run_replay, version_of
from stream.settings import Settings
from tests.oracle.fuzz import random_log

NAMES = [metric.name for metric in METRICS]
RATIOS = {metric.name for metric in METRICS if metric.den is not None}
MONEY = {metric.name for metric in METRICS if metric.unit == "minor"}


@cache
def lines(masked: float = 0.0) -> list[bytes]:
    return random_log(35, minutes=12, events=900, masked=masked)


@cache
def rows(masked: float = 0.0) -> list[Row]:
    return list(run_replay([b"\n".join(lines(masked)) + b"\n"], settings=Settings()))


@cache
def database() -> duckdb.DuckDBPyConnection:
    return load([b"\n".join(lines()) + b"\n"], terms_of(Settings()))


@cache
def report() -> Report:
    return compare(database(), rows(), promised())


def played(batches: list[bytes], swap_after: int = -1) -> bytes:
    """The results of a shard; `swap_after`: another takes over from its frozen state there."""
    shard = make_shard(0, Settings())
    outputs = []
    for number, body in enumerate(batches):
        outputs += shard.step([Record(version_of(number), 0, body)])
        if number == swap_after:
            frozen = freeze(shard)
            shard = make_shard(0, Settings())
            thaw(shard, frozen)
    outputs += shard.close()
    return b"".join(sorted_lines(joined(output.rows for output in outputs)))


@cache
def undisturbed(size: int) -> bytes:
    """The results of a shard that nothing happens to."""
    return played(batches(size))


def batches(size: int) -> list[bytes]:
    log = lines()
    return [b"\n".join(log[at : at + size]) + b"\n" for at in range(0, len(log), size)]


@pytest.mark.parametrize("name", NAMES)
def test_the_oracle_agrees_on_values_that_tell_something(name: str) -> None:
    assert report().metrics[name], "no row has it"
    assert report().telling[name], "it is 0 or null in all rows of the log"


def test_nothing_differs_from_the_oracle_and_nothing_is_unchecked() -> None:
    assert report().mismatches == []
    assert report().unchecked == set()


def test_folding_in_other_batches_gives_the_same_rows() -> None:
    whole = undisturbed(10_000)
    assert whole.count(b"\n") > 1_000
    assert played(batches(7)) == whole
    assert played(batches(37)) == whole


@pytest.mark.parametrize("at", [3, 11, 19])
def test_a_state_frozen_and_thawed_goes_on_as_if_nothing_had_been(at: int) -> None:
    assert played(batches(50), swap_after=at) == undisturbed(50)


def test_folding_in_another_order_gives_the_same_last_revisions() -> None:
    random = Random(5)
    shuffled: list[bytes] = []
    second: list[bytes] = []
    for line in [*lines(), b'"tick"']:
        if b'"tick"' in line:
            random.shuffle(second)
            shuffled += [*second, line]
            second = []
        else:
            second.append(line)
    body = b"\n".join(shuffled[:-1]) + b"\n"
    got = compare(database(), run_replay([body], settings=Settings()), promised())
    assert got.mismatches == []


@pytest.mark.parametrize("masked", [0.0, 0.05])
def test_every_value_of_every_row_is_as_the_contract_says(masked: float) -> None:
    seen = 0
    for row in rows(masked):
        nulls = row.body.get("nulls", {})
        assert isinstance(nulls, Mapping)
        metrics = row.body.get("metrics", {})
        assert isinstance(metrics, Mapping)
        for name, value in metrics.items() if row.kind == "metric" else ():
            check(name, value)
            seen += 1
        assert nulls.keys() <= metrics.keys()
        for name in nulls:
            value = metrics[name]
            assert value is None or None in (value["num"], value["den"])
    assert seen > 20_000


def check(name: str, value: object) -> None:
    """A ratio with its terms, null over nothing; else an integer, or null, never NaN or text."""
    if name in RATIOS:
        assert isinstance(value, dict)
        assert value.keys() == {"num", "den", "value"}
        num, den = value["num"], value["den"]
        for term in (num, den):
            assert term is None or (type(term) is int and abs(term) <= MAX_INT)
        want = None if num is None or not den else num / den
        assert value["value"] == want
    else:
        assert value is None or type(value) is int, name
        assert value is None or name not in NAMES or name in MONEY or value >= 0
