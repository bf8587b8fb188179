"""Expected figures: one DuckDB query for each dimension and window."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import duckdb

from stream.oracle.measures import BOUNDS, DEFINITIONS, INTERVALS, KEYS, users_where

MINUTE_MS: Final = 60_000
ROLLING: Final = {"r1": 1, "r5": 5, "r10": 10}
WINDOWS: Final = ("session", "1m", *ROLLING)

Number = int | None
Figure = tuple[int | None, int | None]
"""Numerator (or plain value) and denominator (None: a plain value)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a figure belongs: `[start_ms, end_ms)` of a window of a room's dimension and key."""

    tenant: str
    group: str
    room_id: str | None
    dimension: str
    key: str | None
    window: str
    start_ms: int
    end_ms: int

    def __str__(self) -> str:
        key = "" if self.key is None else f"={self.key}"
        span = f"{self.window} [{self.start_ms}, {self.end_ms})"
        return f"{self.tenant}/{self.room_id or self.group} {self.dimension}{key} {span}"


def figures(
    connection: duckdb.DuckDBPyConnection, dimension: str, window: str
) -> Iterator[tuple[Place, int | None, dict[str, Figure]]]:
    """Figures by place and number of the session in its room. Places without events are absent.

    A tenant's rooms are one room without sessions, so that distinct is distinct over all.
    """
    columns = []
    for name, definition in DEFINITIONS.items():
        columns.append(f"{definition.num} AS {name}_num")
        columns.append(f"{definition.den or 'NULL'} AS {name}_den")
    names = list(DEFINITIONS)
    if dimension in INTERVALS:
        names += BOUNDS
        columns += [f"any_value({name}), NULL" for name in BOUNDS]
    key = KEYS[dimension]
    where = "" if dimension == "room" else f"WHERE {key} IS NOT NULL"
    query = f"""
        WITH exploded AS (SELECT * {_as_one(dimension)} FROM ({_exploded(dimension, window)})),
        rooms AS (
            SELECT session, {_bounds(window)},
                {users_where("type = 'enter'")} AS room_viewers
            FROM exploded GROUP BY session, start_ms, end_ms
        ),
        placed AS (SELECT *, {_bounds(window)} FROM exploded)
        SELECT any_value(session_number), tenant, grp, room_id, {key} AS key, start_ms, end_ms,
            {", ".join(columns)}
        FROM placed JOIN rooms USING (session, start_ms, end_ms) {where}
        GROUP BY tenant, grp, room_id, session, key, start_ms, end_ms
    """
    cursor = connection.execute(query)
    while rows := cursor.fetchmany(10_000):
        for number, tenant, group, room_id, key, start_ms, end_ms, *values in rows:
            place = Place(tenant, group, room_id, dimension, key, window, start_ms, end_ms)
            pairs = zip(values[::2], values[1::2], strict=True)
            yield place, number, dict(zip(names, pairs, strict=True))


def _as_one(dimension: str) -> str:
    """What makes all rooms of a group one, where the dimension is of the group."""
    if dimension != "tenant":
        return ""
    return "REPLACE (0 AS session, NULL::BIGINT AS session_number, NULL::VARCHAR AS room_id)"


def of_nothing(connection: duckdb.DuckDBPyConnection) -> dict[str, Figure]:
    """Figures of a window without events; what passes without them (minutes) is None."""
    columns = [f"{d.num}, {d.den or 'NULL'}" for d in DEFINITIONS.values()]
    query = f"""SELECT {", ".join(columns)} FROM (
        SELECT *, NULL::BIGINT AS minutes, NULL::BIGINT AS room_viewers
        FROM placed_events WHERE false)"""
    values = connection.execute(query).fetchone() or ()
    return dict(zip(DEFINITIONS, zip(values[::2], values[1::2], strict=True), strict=True))


def _bounds(window: str) -> str:
    if window == "session":
        return "session_start_ms AS start_ms, session_end_ms AS end_ms"
    minutes = ROLLING.get(window, 1)
    return f"(end_minute - {minutes}) * {MINUTE_MS} AS start_ms, end_minute * {MINUTE_MS} AS end_ms"


def _exploded(dimension: str, window: str) -> str:
    """Events with the windows they belong to."""
    if dimension in INTERVALS:
        minutes = f"(interval_end_ms - interval_start_ms + {MINUTE_MS - 1}) // {MINUTE_MS}"
        mine = f"WHERE dimension = '{dimension}'"
        return f"SELECT *, greatest({minutes}, 1) AS minutes FROM interval_events {mine}"
    if window == "session":
        started = f"(session_end_ms - session_start_ms + {MINUTE_MS - 1}) // {MINUTE_MS}"
        minutes = f"greatest({started}, 1)"
        return f"SELECT *, {minutes} AS minutes FROM placed_events"
    length = ROLLING.get(window, 1)
    minute = f"event_time_ms // {MINUTE_MS}"
    # Only windows that the recording's clock has passed are final.
    last = f"(SELECT watermark_ms // {MINUTE_MS} FROM closing)"
    ends = f"unnest(range({minute} + 1, least({minute} + {length}, {last}) + 1))"
    return f"SELECT *, {length} AS minutes, {ends} AS end_minute FROM placed_events"
