"""The cube against a recount by dictionaries, in any batches and any order."""

from collections import defaultdict
from dataclasses import dataclass, replace
from random import Random

import numpy as np
import pytest

from operators.catalogue.axes import PANE_MS
from operators.catalogue.measures import Kind
from operators.cube import Cube, pack_ids
from operators.hashindex import I64, HashIndex
from operators.plan import ID_COLUMNS, VALUE_COLUMNS, Plan
from stream.events import TYPE_CODE
from tests.operators.one_room import T0_MS, event, play, quiet_shard, tick, ticks

PLAN = Plan()
TYPES = tuple(sorted({name for measure in PLAN.measures for name in measure.types}))
FIRST_PANE = 1_000_000
LENGTHS = (4, 20, 40)

Address = tuple[int, int, int]
"""(session, dimension, key)."""


@dataclass(frozen=True)
class Made:
    """One event: its type, pane, session, key by dimension, values and ids."""

    type: str
    pane: int
    session: int
    keys: tuple[int, ...]
    values: tuple[int, ...]
    ids: tuple[int, ...]


def made(random: Random, first: int, last: int) -> Made:
    """A random event in panes `[first, last]`; a third lack the key of some dimension."""
    return Made(
        random.choice(TYPES),
        random.randint(first, last),
        random.randint(-1, 2),
        (-1, *(random.randint(-1, 2) for _ in PLAN.at_once[1:])),
        (1, *(random.randint(-200, 900) for _ in VALUE_COLUMNS[1:])),
        tuple(random.randint(-1, 6) for _ in ID_COLUMNS),
    )


def fold(cube: Cube, events: list[Made]) -> None:
    sessions = np.array([one.session for one in events], np.int64)
    cells = np.stack(
        [
            cube.cell(sessions, place, np.array([one.keys[place] for one in events], np.int64))
            for place in range(len(PLAN.at_once))
        ],
        axis=1,
    )
    values = np.array([one.values for one in events], np.int64).T
    ids = np.array([one.ids for one in events], np.int64).T
    assert values.shape[0] == len(VALUE_COLUMNS)
    assert ids.shape[0] == len(ID_COLUMNS)
    types = np.array([TYPE_CODE[one.type] for one in events], np.uint8)
    panes = np.array([one.pane for one in events], np.int64)
    cube.fold(types, panes, cells, values, ids)


def recount(events: list[Made]) -> dict[Address, dict[str, list[tuple[int, int]]]]:
    """(pane, value or id) of every addition, by cell and measure."""
    out: dict[Address, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    for one in events:
        for place, dimension in enumerate(PLAN.at_once):
            wanted = {
                name
                for metric in PLAN.metrics
                if dimension.name in metric.dimensions
                and set(dimension.windows) & set(metric.windows)
                for name, _ in (*metric.num, *(metric.den or ()))
            }
            for measure in PLAN.measures:
                if one.session < 0 or measure.name not in wanted or one.type not in measure.types:
                    continue
                told_apart = measure.kind is Kind.DISTINCT
                names, row = (ID_COLUMNS, one.ids) if told_apart else (VALUE_COLUMNS, one.values)
                number = row[names.index(measure.column or "one")]
                if not told_apart or number >= 0:
                    address = (one.session, place, one.keys[place])
                    out[address][measure.name].append((one.pane, number))
    return out


def expected(
    additions: dict[str, list[tuple[int, int]]], start: int | None, end: int
) -> dict[str, int]:
    figures = {}
    for measure in PLAN.measures:
        inside = [
            number
            for pane, number in additions.get(measure.name, [])
            if start is None or start <= pane < end
        ]
        distinct = measure.kind is Kind.DISTINCT
        figures[measure.name] = len(set(inside)) if distinct else sum(inside)
    return figures


def check(cube: Cube, events: list[Made], ends: list[int]) -> None:
    """Totals of every cell, and its windows at `ends`."""
    for (session, place, key), additions in recount(events).items():
        cell = cube.cell(np.array([session]), place, np.array([key]))
        whole = dict(zip(PLAN.number, cube.read(cell, 0, 0)[0].tolist(), strict=True))
        assert whole == expected(additions, None, 0)
        for end in ends:
            for length in LENGTHS:
                got = cube.read(cell, length, end)[0].tolist()
                wanted = expected(additions, end - length, end)
                assert dict(zip(PLAN.number, got, strict=True)) == wanted, (end, length)


def state(cube: Cube, events: list[Made], end: int) -> list[list[int]]:
    """Everything a reader can see of the cells of `events`, in a fixed order."""
    out = []
    for session, place, key in sorted(recount(events)):
        cell: I64 = cube.cell(np.array([session]), place, np.array([key]))
        out += [cube.read(cell, length, end)[0].tolist() for length in (0, *LENGTHS)]
    return out


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_totals_and_windows_equal_a_recount_in_any_batches(size: int) -> None:
    random = Random(size)
    events = [made(random, FIRST_PANE, FIRST_PANE + 12) for _ in range(120)]
    cube = Cube(PLAN)
    cube.advance(FIRST_PANE)
    for start in range(0, len(events), size):
        fold(cube, events[start : start + size])
    check(cube, events, [FIRST_PANE + 1, FIRST_PANE + 9, FIRST_PANE + 13, FIRST_PANE + 30])


def test_windows_stay_right_while_the_horizon_moves_past_a_whole_ring() -> None:
    random = Random(5)
    cube, events = Cube(PLAN), []
    horizon = FIRST_PANE
    for _ in range(18):
        cube.advance(horizon)
        batch = [made(random, horizon, horizon + 9) for _ in range(12)]
        fold(cube, batch)
        events += batch
        cube.release_idle()
        horizon += random.randint(1, 9)
    check(cube, events, [cube.horizon + 1, cube.horizon + 10])


def test_any_order_gives_the_same_cube() -> None:
    random = Random(9)
    events = [made(random, FIRST_PANE, FIRST_PANE + 9) for _ in range(100)]
    mixed = random.sample(events, len(events))
    one, other = Cube(PLAN), Cube(PLAN)
    for cube, order in ((one, events), (other, mixed)):
        cube.advance(FIRST_PANE)
        fold(cube, order[:40])
        fold(cube, order[40:])
    assert state(one, events, FIRST_PANE + 10) == state(other, events, FIRST_PANE + 10)


def test_after_a_long_silence_windows_are_empty_and_rings_go_back_to_the_pool() -> None:
    cube = Cube(PLAN)
    cube.advance(FIRST_PANE)
    ids = (3,) * len(ID_COLUMNS)
    event = Made("enter", FIRST_PANE, 0, (-1,) * len(PLAN.at_once), (1,) * len(VALUE_COLUMNS), ids)
    fold(cube, [event])
    cube.advance(FIRST_PANE + 200)
    cube.release_idle()
    assert not (cube.ring[: cube.slot_count] >= 0).any()
    cell = cube.cell(np.array([0]), 0, np.array([-1]))
    assert not cube.read(cell, 40, FIRST_PANE + 201).any()
    assert cube.read(cell, 0, 0)[0, PLAN.number["viewers"]] == 1
    rows = len(cube.sums.rings)
    fold(cube, [replace(event, pane=FIRST_PANE + 201)])
    assert len(cube.sums.rings) == rows
    assert cube.read(cell, 4, FIRST_PANE + 202)[0, PLAN.number["viewers"]] == 1
    assert cube.read(cell, 0, 0)[0, PLAN.number["viewers"]] == 1


def test_an_event_of_no_session_has_no_cell() -> None:
    cube = Cube(PLAN)
    cells = cube.cell(np.array([-1, 0, -1]), 0, np.array([-1, -1, -1]))
    assert cells.tolist() == [-1, 0, -1]
    assert cube.cells.count == 1


def test_ids_are_numbered_densely_and_missing_ones_are_minus_one() -> None:
    index = HashIndex()
    keys = np.array([9, 0, 7, 9], np.uint64)
    there = np.array([True, False, True, True])
    assert pack_ids(index, keys, there).tolist() == [0, -1, 1, 0]


@pytest.mark.parametrize("panes", [0, 4, 40])
def test_one_measure_reads_as_in_the_matrix(panes: int) -> None:
    shard = quiet_shard()
    play(
        [
            tick(0),
            event("enter", 500, 1, 1, channel="paid"),
            event("enter", 600, 2, 2, channel="feed"),
            event("comment", 700, 3, 2, channel="feed"),
            *ticks(1, 20),
        ],
        shard,
    )
    cube = shard.state.cube
    cells, end = np.arange(cube.cells.count), (T0_MS + 20_000) // PANE_MS + 1
    matrix = cube.read(cells, panes, end)
    assert matrix.any()
    for number in np.flatnonzero(~cube.plan.is_gauge).tolist():
        one = cube.read_one(cells, number, panes, end)
        assert one.tolist() == matrix[:, number].tolist()
