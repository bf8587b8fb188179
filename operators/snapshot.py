"""State of a shard to bytes and back: a dict of named plain values and arrays.

Names that a snapshot has and this engine does not are dropped; names it lacks start empty; so
an upgrade that adds a metric or a table resumes. Only another `ENCODING` is refused.
"""

import pickle
from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from operators.copies import CopySpace, copied, size_of
from operators.deferred import ARRAYS, Waiting, joined
from operators.frozen import Part, parse, parts_of, whole
from operators.hashindex import HashIndex
from operators.interval_index import Told
from operators.ledger import COLUMNS, Ledger
from operators.pack import Packed, nbytes_of, pack, unpack
from operators.presence import BY_SESSION as PRESENCE_BY_SESSION
from operators.renumber import renumber_dimensions
from operators.sessions import BY_SESSION, Place
from operators.shard import Shard
from operators.stays import BY_ROW as STAYS_BY_ROW
from operators.stays import BY_SESSION as STAYS_BY_SESSION
from stream.errors import StateError

ENCODING: Final = 3
"""Raised when a name keeps its spelling and changes its meaning."""

_PLAIN: Final = "plain"
"""Pickle of what is neither an array nor packed already, inside the state."""

T = TypeVar("T")
Array = npt.NDArray[np.generic]

_BY_ROOM: Final = ("mode", "current", "before")
_BY_CELL: Final = ("cell_session", "cell_dimension", "cell_key", "corrected")
_BY_SLOT: Final = ("total", "slot_cell", "slot_measure", "ring")
_BY_MARK: Final = ("mask", "top")
_MOSTLY_ZEROS: Final = ("sums", "distinct")


class Bag:
    """The values of a snapshot by name, each of the type its reader says."""

    def __init__(self, data: dict[str, object]) -> None:
        self._data = data

    def get(self, name: str, default: T) -> T:
        """The value of `name`, or `default` where it is missing or of another type."""
        value = self._data.get(name)
        return value if isinstance(value, type(default)) else default

    def array(self, name: str) -> Array | None:
        """An array, or None."""
        return unpack(self._data.get(name))


class Captured:
    """The state of a shard at one moment, kept apart from what the shard does next.

    `nbytes`: about the bytes that it takes in memory. `let_go`: to be called once when its parts
    are written; the memory is used again from then on.
    """

    def __init__(
        self,
        arrays: dict[str, Array | Packed],
        others: dict[str, object],
        let_go: Callable[[], None],
    ) -> None:
        self.let_go = let_go
        self._arrays = arrays
        self._others = others
        plain = others.get(_PLAIN)
        self.nbytes = sum(map(nbytes_of, arrays.values()))
        self.nbytes += len(plain) if isinstance(plain, bytes) else 0

    def parts(self) -> list[Part]:
        """It as bytes, in pieces to be written one after the other; any thread may ask, once.

        They refer to the copy.

        Raises:
            StateError: it was asked before, and nothing is left.
        """
        if not self._others:
            raise StateError("a copy of the state was encoded twice", "please report this")
        arrays, others = self._arrays, self._others
        self._arrays, self._others = {}, {}
        packed = {n: pack(v) if isinstance(v, np.ndarray) else v for n, v in arrays.items()}
        return parts_of({**others, **packed})


def freeze(shard: Shard) -> bytes:
    """The whole state of a shard."""
    return whole(capture(shard).parts())


def capture(shard: Shard, space: CopySpace | None = None) -> Captured:
    """Copy the state of a shard: that is all the pause there is.

    Of the rings, which are mostly zeros, what is not: an eighth of them in little more time.
    `space` gives the memory, and gets it back by `Captured.let_go`; None: it is taken anew.
    """
    data = _data(shard)
    found = {name: value for name, value in data.items() if isinstance(value, np.ndarray)}
    rings = {name: pack(found[name]) for name in _MOSTLY_ZEROS}
    sparse = {name: ring for name, ring in rings.items() if isinstance(ring, tuple)}
    dense = {name: array for name, array in found.items() if name not in sparse}
    space = space or CopySpace()
    block = space.take(size_of(dense))
    arrays: dict[str, Array | Packed] = {**copied(dense, block), **sparse}
    # Leaves of these never change, so they need not be encoded while the shard waits.
    constant = {name: data.pop(name) for name in ("history", "packed", "intervals.resting")}
    plain = {name: value for name, value in data.items() if name not in arrays}
    others = {"encoding": ENCODING, **constant, _PLAIN: pickle.dumps(plain, protocol=5)}
    return Captured(arrays, others, lambda: space.give_back(block))


def _data(shard: Shard) -> dict[str, object]:
    """Names and values, some of them views of what the shard changes."""
    state = shard.state
    cube, presence, sessions, ledger = state.cube, state.presence, state.sessions, state.ledger
    data: dict[str, object] = {
        "measures": [measure.name for measure in state.plan.measures],
        "dimensions": [dimension.name for dimension in state.plan.dimensions],
        "tick_ms": -1 if state.clock.tick_ms is None else state.clock.tick_ms,
        "names": list(state.names.texts),
        "places": [(p.tenant, p.group, p.room_id) for p in sessions.places],
        "horizon": cube.horizon,
        "horizon_s": presence.horizon_s,
        "seen_turn": state.seen_turn,
        "counters": dict(state.counters),
        "held": shard.fold.held.snapshot(),
        "late": sorted(shard.fold.late),
        "late_sessions": sorted(shard.fold.late_sessions),
        "history": shard.beat.history.snapshot(),
        "packed": state.packing.snapshot(),
        **state.packing.kept.snapshot(),
        "minute": -1 if shard.beat.minute is None else shard.beat.minute,
        "revisions": dict(shard.beat.rows.revisions),
        "boards_before": {k: dict(v) for k, v in shard.boards.before.items()},
        "boards_said": {k: list(v) for k, v in shard.boards.said.items()},
        "talk": shard.fold.talk.snapshot(),
        "rules": shard.in_force.snapshot(),
        "sides": state.sides.snapshot(),
        "groups": [group.snapshot() for group in shard.groups.values()],
        "version": shard.version,
        "ordinal": shard.ordinal,
        "ordinal_of": shard.ordinal_of,
        "sums": cube.sums.rings,
        "distinct": cube.distinct.rings,
        "distinct.base": cube.distinct.base,
        "marks.resting": cube.marks.resting,
    }
    _put(data, "sessions", sessions, BY_SESSION, sessions.count)
    _put(data, "sessions", sessions, _BY_ROOM, len(sessions.places))
    for prefix, one in (("presence", presence), ("active", state.active)):
        _put(data, prefix, one, PRESENCE_BY_SESSION, one.sessions)
        _put(data, prefix, one, ("rings", "owner"), len(one.owner))
        _put(data, prefix, one, ("last",), one.index.count)
        data[f"{prefix}.recent"] = one.recent[: one.recent_count]
    _put(data, "stays", presence.stays, STAYS_BY_SESSION, presence.sessions)
    _put(data, "stays", presence.stays, STAYS_BY_ROW, presence.index.count)
    _put(data, "cube", cube, _BY_CELL, cube.cells.count)
    _put(data, "cube", cube, _BY_SLOT, cube.slot_count)
    _put(data, "marks", cube.marks, _BY_MARK, cube.marks.index.count)
    _put(data, "masked", cube.masked, _BY_MARK, cube.masked.index.count)
    _freeze_ledger(ledger, data)
    _put(data, "tags", state.tags, ("steps",), state.tags.index.count)
    _put(data, "tags", state.tags, ("counts",), sessions.count)
    _freeze_deferred(shard, data)
    for name, index in _indexes(shard).items():
        data[f"keys.{name}"] = index.keys()
    return data


def thaw(shard: Shard, data: bytes) -> None:
    """Put a snapshot into a fresh shard.

    Raises:
        StateError: it was written with another encoding.
    """
    found = parse(data)
    loaded: dict[str, object] = found if isinstance(found, dict) else {}
    encoding = loaded.get("encoding")
    if encoding != ENCODING:
        what = f"the snapshot has encoding {encoding}, this engine reads {ENCODING}"
        raise StateError(
            what, "run the version that wrote it, or start with an empty --recovery-dir"
        )
    plain = loaded.get(_PLAIN)
    bag = Bag({**loaded, **(pickle.loads(plain) if isinstance(plain, bytes) else {})})
    state = shard.state
    _thaw_scalars(shard, bag)
    places: list[tuple[str, str, str]] = bag.get("places", [])
    for place in places:
        state.sessions.room_number(Place(*place))
    for name in (*_BY_ROOM, *BY_SESSION):
        _take(bag, "sessions", state.sessions, name)
    state.sessions.derive()
    _thaw_indexes(shard, bag)
    _thaw_cube(shard, bag)
    _thaw_presence(shard, bag)
    _thaw_ledger(state.ledger, bag)
    talk: dict[str, object] = bag.get("talk", {})
    shard.fold.talk.restore(talk)
    shard.in_force.restore(bag.get("rules", b""))
    _thaw_deferred(shard, bag)
    for name in ("steps", "counts"):
        _take(bag, "tags", state.tags, name)
    state.sides.restore(bag.get("sides", {}))
    groups: list[dict[str, object]] = bag.get("groups", [])
    for snapshot in groups:
        group = shard.new_group(str(snapshot["tenant"]), str(snapshot["group"]))
        group.restore(snapshot)
        shard.groups[group.tenant, group.group] = group
        if group.restless:
            shard.restless.add((group.tenant, group.group))


def _thaw_scalars(shard: Shard, bag: Bag) -> None:
    state, fold = shard.state, shard.fold
    tick, minute = bag.get("tick_ms", -1), bag.get("minute", -1)
    state.clock.tick_ms = None if tick < 0 else tick
    shard.beat.minute = None if minute < 0 else minute
    texts: list[str] = bag.get("names", [])
    for text in texts:
        state.names.add(text)
    state.seen_turn = bag.get("seen_turn", -1)
    state.counters.update(bag.get("counters", {}))
    held = bag.get("held", b"")
    if held:
        fold.held.restore(held)
    late: list[tuple[int, int]] = bag.get("late", [])
    fold.late = set(late)
    fold.late_sessions = set(bag.get("late_sessions", []))
    shard.beat.history.restore(bag.get("history", {}))
    shard.beat.rows.revisions = bag.get("revisions", {})
    shard.boards.before = bag.get("boards_before", {})
    shard.boards.said = bag.get("boards_said", {})
    shard.version = bag.get("version", "")
    shard.ordinal = bag.get("ordinal", 0)
    shard.ordinal_of = bag.get("ordinal_of", "")


def _thaw_cube(shard: Shard, bag: Bag) -> None:
    cube = shard.state.cube
    cube.horizon = bag.get("horizon", 0)
    for name in (*_BY_CELL, *_BY_SLOT):
        _take(bag, "cube", cube, name)
    dimensions: list[str] = bag.get("dimensions", [])
    if dimensions and dimensions != [dimension.name for dimension in cube.plan.dimensions]:
        renumber_dimensions(cube, dimensions)
    cube.slot_count = len(cube.total)
    numbers = cube.plan.number
    names: list[str] = bag.get("measures", [])
    measures = [numbers.get(name, -1) for name in names]
    cube.slot_measure = np.array([*measures, -1], np.int32)[cube.slot_measure]
    for name in _BY_MARK:
        _take(bag, "marks", cube.marks, name)
        _take(bag, "masked", cube.masked, name)
    cube.masked.renumber(measures)
    resting = bag.array("marks.resting")
    if resting is not None:
        cube.marks.put_to_rest(resting.astype(np.uint64))
    sums, rings, base = bag.array("sums"), bag.array("distinct"), bag.array("distinct.base")
    if sums is not None and rings is not None and base is not None:
        cube.sums.rings = sums.astype(np.int64)
        cube.distinct.rings, cube.distinct.base = rings.astype(np.int32), base.astype(np.int32)
    cube.rebuild_pools()
    packing = shard.state.packing
    packing.restore(bag.get("packed", {}))
    packing.kept.restore(bag.array)
    packing.touch_all()


def _thaw_presence(shard: Shard, bag: Bag) -> None:
    state = shard.state
    for name in (*STAYS_BY_SESSION, *STAYS_BY_ROW):
        _take(bag, "stays", state.presence.stays, name)
    for prefix, presence in (("presence", state.presence), ("active", state.active)):
        presence.horizon_s = bag.get("horizon_s", 0)
        for name in (*PRESENCE_BY_SESSION, "rings", "owner", "last"):
            _take(bag, prefix, presence, name)
        presence.sessions = len(presence.ring_of)
        presence.stays.grow(presence.sessions, presence.index.count)
        recent = bag.array(f"{prefix}.recent")
        if recent is not None:
            presence.recent, presence.recent_count = recent.astype(np.int64), len(recent)
        presence.grow(state.sessions.count)


def _freeze_ledger(ledger: Ledger, data: dict[str, object]) -> None:
    _put(data, "ledger", ledger, tuple(COLUMNS), len(ledger.orders))
    for name, tuples in (("places", ledger.places), ("kinds", ledger.kinds)):
        data[f"ledger.{name}"] = tuples.rows[: tuples.count]
    for prefix, index in (("orders", ledger.orders), ("refunds", ledger.refunds)):
        data.update({f"{prefix}.{name}": array for name, array in index.arrays().items()})


def _thaw_ledger(ledger: Ledger, bag: Bag) -> None:
    for prefix, index in (("orders", ledger.orders), ("refunds", ledger.refunds)):
        index.restore({name: bag.array(f"{prefix}.{name}") for name in index.arrays()})
    for name in COLUMNS:
        _take(bag, "ledger", ledger, name)
    ledger.fill()
    for name, tuples in (("places", ledger.places), ("kinds", ledger.kinds)):
        rows = bag.array(f"ledger.{name}")
        if rows is not None:
            tuples.restore(rows.astype(np.int32))


def _freeze_deferred(shard: Shard, data: dict[str, object]) -> None:
    deferred, intervals = shard.state.deferred, shard.state.intervals
    if deferred.parts:
        deferred.parts = [joined(deferred.parts)]
        for name in ARRAYS:
            data[f"deferred.{name}"] = getattr(deferred.parts[0], name)
    data["deferred.before"] = sorted(deferred.before)
    data["intervals"] = {session: told.to_bytes() for session, told in intervals.told.items()}
    data["intervals.resting"] = dict(intervals.resting)


def _thaw_deferred(shard: Shard, bag: Bag) -> None:
    deferred, intervals = shard.state.deferred, shard.state.intervals
    arrays = {name: bag.array(f"deferred.{name}") for name in ARRAYS}
    whole = Waiting.of({name: array for name, array in arrays.items() if array is not None})
    deferred.parts = [] if whole is None else [whole]
    before: list[tuple[int, int, str]] = bag.get("deferred.before", [])
    deferred.before = set(before)
    awake: dict[int, bytes] = bag.get("intervals", {})
    intervals.told = {session: Told.from_bytes(data) for session, data in awake.items()}
    intervals.resting = bag.get("intervals.resting", {})


def _thaw_indexes(shard: Shard, bag: Bag) -> None:
    for name, index in _indexes(shard).items():
        keys = bag.array(f"keys.{name}")
        if keys is not None:
            index.reset(keys.astype(np.uint64))


def _indexes(shard: Shard) -> dict[str, HashIndex]:
    state = shard.state
    return {
        "viewers": state.viewers,
        "seen.now": state.seen[0],
        "seen.before": state.seen[1],
        "cells": state.cube.cells,
        "marks": state.cube.marks.index,
        "masked": state.cube.masked.index,
        "presence": state.presence.index,
        "tags": state.tags.index,
        "active": state.active.index,
    }


def _put(
    data: dict[str, object], prefix: str, owner: object, names: tuple[str, ...], count: int
) -> None:
    for name in names:
        data[f"{prefix}.{name}"] = getattr(owner, name)[:count]


def _take(bag: Bag, prefix: str, owner: object, name: str) -> None:
    found = bag.array(f"{prefix}.{name}")
    if found is not None:
        setattr(owner, name, found.astype(getattr(owner, name).dtype))
