"""Boards recomputed: what each was at the end of each minute, from SQL sums per minute.

Of `operators` nothing is used; limits and order are written here a second time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from stream.oracle.cells import MINUTE_MS

LINES: Final = {"terms": 40, "keywords": 40, "pairs": 20}
LEADER_LINES: Final = 50
TOP_TERMS: Final = 20
BASKET: Final = 20
R5_MINUTES: Final = 5

Line = dict[str, object]
Counts = dict[str, tuple[int, ...]]
"""Key to its counts."""


@dataclass(frozen=True, slots=True)
class BoardPlace:
    """Which board, as of when. `room_id` None: of the group."""

    tenant: str
    group: str
    room_id: str | None
    name: str
    window: str
    end_ms: int

    def __str__(self) -> str:
        room = self.room_id or "-"
        return f"{self.tenant}/{self.group}/{room} board {self.name} {self.window} @{self.end_ms}"


Expected = Iterator[tuple[BoardPlace, list[Line]]]
_LEADERS: Final = (
    ("products_gmv", "product_id", "amount_minor", False),
    ("products_units", "product_id", "coalesce(qty, 1)", False),
    ("rooms_gmv", "room_id", "amount_minor", False),
    ("hosts_gmv", "host_id", "amount_minor", False),
    ("products_gmv", "product_id", "amount_minor", True),
    ("products_units", "product_id", "coalesce(qty, 1)", True),
)
_END: Final = f"(event_time_ms // {MINUTE_MS} + 1) * {MINUTE_MS}"
_LAST: Final = f"(SELECT (watermark_ms // {MINUTE_MS} - 1) * {MINUTE_MS} FROM closing)"


def leaderboards(connection: duckdb.DuckDBPyConnection) -> Expected:
    """Boards by sales; one for each minute in which a line changed."""
    for name, key, value, per_room in _LEADERS:
        room = "room_id" if per_room else "NULL::VARCHAR"
        rows = connection.execute(f"""
            SELECT tenant, grp, {room} AS room, {_END} AS end_ms, {key}, sum({value})::BIGINT
            FROM placed_events WHERE type = 'order_paid' AND {key} IS NOT NULL
                AND {_END} <= {_LAST}
            GROUP BY ALL ORDER BY ALL
        """).fetchall()
        for (tenant, group, at), ends in _by_home(rows, 3):
            told: list[Line] = []
            for end_ms, counts, before in _running(ends):
                some = {k: c for k, c in counts.items() if c[0]}
                lines = _ordered(some, ("value",), LEADER_LINES)
                if lines and not _same(lines, told):
                    told = lines
                    place = BoardPlace(tenant, group, at, name, "session", end_ms)
                    yield place, _moved(lines, _ranks(before, LEADER_LINES))


def terms(connection: duckdb.DuckDBPyConnection) -> Expected:
    """Terms of five minutes, and of the session."""
    recent = connection.execute(f"""
        WITH spread AS (
            SELECT *, unnest(range(0, {R5_MINUTES})) * {MINUTE_MS} + {_END} AS ends FROM mentions
        )
        SELECT session, ends, term, count(DISTINCT user_id), count(*)
        FROM spread WHERE ends <= {_LAST} GROUP BY ALL ORDER BY ALL
    """).fetchall()
    places = _places(connection)
    for (session,), ends in _by_home(recent, 1):
        before: tuple[int, dict[object, int]] = (0, {})
        for end_ms, deltas in ends:
            lines = _ordered(deltas, ("value", "mentions"), LINES["terms"])
            known = before[1] if before[0] == end_ms - MINUTE_MS else {}
            yield places(session, "terms", "r5", end_ms), _moved(lines, known)
            before = end_ms, {line["key"]: rank for rank, line in enumerate(lines, 1)}
    for (session,), ends in _by_home(_term_deltas(connection), 1):
        told: list[Line] = []
        for end_ms, counts, _ in _running(ends):
            lines = _ordered(counts, ("value", "mentions"), LINES["terms"])
            if not _same(lines, told):
                yield places(session, "terms", "session", end_ms), _moved(lines, _rank_of(told))
            told = lines


def keywords(
    connection: duckdb.DuckDBPyConnection, watched: Iterable[str], horizon_ms: int
) -> Expected:
    """Keywords and top terms with the orders their users paid within the horizon."""
    sold: dict[int, dict[int, Counts]] = {}
    for session, end_ms, term, orders, minor in connection.execute(f"""
        WITH followed AS (
            SELECT DISTINCT p.session, m.term, p.pos, p.order_id, p.amount_minor,
                (p.event_time_ms // {MINUTE_MS} + 1) * {MINUTE_MS} AS end_ms
            FROM eligible p JOIN mentions m ON m.session = p.session AND m.user_id = p.user_id
                AND p.event_time_ms >= m.event_time_ms
                AND p.event_time_ms < m.event_time_ms + {horizon_ms}
        ),
        firsts AS (
            SELECT session, term, order_id, min(end_ms) AS end_ms FROM followed GROUP BY ALL
        )
        SELECT session, end_ms, term, sum(orders)::BIGINT, sum(minor)::BIGINT FROM (
            SELECT session, end_ms, term, count(*) AS orders, 0 AS minor FROM firsts GROUP BY ALL
            UNION ALL
            SELECT session, end_ms, term, 0, sum(amount_minor) FROM followed GROUP BY ALL
        ) GROUP BY ALL HAVING end_ms <= {_LAST} ORDER BY ALL
    """).fetchall():
        sold.setdefault(session, {}).setdefault(end_ms, {})[term] = (orders, minor)
    said: dict[int, dict[int, Counts]] = {}
    for (session,), ends in _by_home(_term_deltas(connection), 1):
        said[session] = dict(ends)
    places, follow = _places(connection), set(watched)
    for session, spoken in said.items():
        bought = sold.get(session, {})
        users: Counts = {}
        orders_of: Counts = {}
        told: list[Line] = []
        for end_ms in sorted({*spoken, *bought}):
            _grow(users, spoken.get(end_ms, {}))
            _grow(orders_of, bought.get(end_ms, {}))
            tops = _ordered(users, ("value", "mentions"), LINES["terms"])[:TOP_TERMS]
            shown = (follow | {str(line["key"]) for line in tops}) & users.keys()
            counts: Counts = {
                key: (orders_of.get(key, (0, 0))[0], users[key][0], orders_of.get(key, (0, 0))[1])
                for key in shown
            }
            lines = _ordered(counts, ("value", "users", "paid_minor"), LINES["keywords"], 2)
            if not _same(lines, told):
                yield places(session, "keywords", "session", end_ms), _moved(lines, _rank_of(told))
            told = lines


def pairs(connection: duckdb.DuckDBPyConnection) -> Expected:
    """Pairs of products in one order, and of one buyer."""
    rows = connection.execute(f"""
        WITH lines AS (
            SELECT session, 'order' AS kind, order_id AS owner, product_id, event_time_ms
            FROM eligible WHERE product_id IS NOT NULL
            UNION ALL
            SELECT session, 'buyer', user_id, product_id, event_time_ms
            FROM eligible WHERE product_id IS NOT NULL AND user_id IS NOT NULL
        ),
        firsts AS (
            SELECT session, kind, owner, product_id, min({_END}) AS end_ms,
                min(event_time_ms) AS first_ms
            FROM lines GROUP BY ALL
        ),
        members AS (
            SELECT * FROM firsts QUALIFY row_number() OVER (
                PARTITION BY session, kind, owner ORDER BY first_ms, product_id
            ) <= {BASKET}
        )
        SELECT a.session, greatest(a.end_ms, b.end_ms) AS ends, a.product_id || ' + ' ||
            b.product_id, count(*) FILTER (a.kind = 'buyer'), count(*) FILTER (a.kind = 'order')
        FROM members a JOIN members b ON a.session = b.session AND a.kind = b.kind
            AND a.owner = b.owner AND a.product_id < b.product_id
        WHERE greatest(a.end_ms, b.end_ms) <= {_LAST} GROUP BY ALL ORDER BY ALL
    """).fetchall()
    places = _places(connection)
    for (session,), ends in _by_home(rows, 1):
        told: list[Line] = []
        for end_ms, counts, _ in _running(ends):
            lines = _ordered(counts, ("value", "orders"), LINES["pairs"])
            if not _same(lines, told):
                yield places(session, "pairs", "session", end_ms), _moved(lines, _rank_of(told))
            told = lines


def _term_deltas(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """(session, end of minute, term, users new in it, mentions in it)."""
    return connection.execute(f"""
        WITH firsts AS (
            SELECT session, term, user_id, min({_END}) AS end_ms
            FROM mentions WHERE user_id IS NOT NULL GROUP BY ALL
        )
        SELECT session, end_ms, term, sum(users)::BIGINT, sum(mentions)::BIGINT FROM (
            SELECT session, end_ms, term, count(*) AS users, 0 AS mentions
            FROM firsts GROUP BY ALL
            UNION ALL
            SELECT session, {_END}, term, 0, count(*) FROM mentions GROUP BY ALL
        ) GROUP BY ALL HAVING end_ms <= {_LAST} ORDER BY ALL
    """).fetchall()


def _places(connection: duckdb.DuckDBPyConnection) -> Callable[[int, str, str, int], BoardPlace]:
    found = {
        session: where
        for session, *where in connection.execute(
            "SELECT session, any_value(tenant), any_value(grp), any_value(room_id) "
            "FROM placed_events GROUP BY session"
        ).fetchall()
    }

    def place(session: int, name: str, window: str, end_ms: int) -> BoardPlace:
        tenant, group, room_id = found[session]
        return BoardPlace(tenant, group, room_id, name, window, end_ms)

    return place


def _by_home(
    rows: Iterable[tuple[Any, ...]], width: int
) -> Iterator[tuple[tuple[Any, ...], list[tuple[int, Counts]]]]:
    """Rows (home…, end, key, counts…) grouped by home, then by end, both ascending."""
    homes: dict[tuple[Any, ...], dict[int, Counts]] = {}
    for row in rows:
        end_ms, key, *counts = row[width:]
        if isinstance(end_ms, int):
            of_end = homes.setdefault(row[:width], {}).setdefault(end_ms, {})
            of_end[str(key)] = tuple(count for count in counts if isinstance(count, int))
    for home, ends in homes.items():
        yield home, sorted(ends.items())


def _running(ends: list[tuple[int, Counts]]) -> Iterator[tuple[int, Counts, Counts]]:
    """Sums up to and with each minute, and those of before it."""
    total: Counts = {}
    for end_ms, deltas in ends:
        before = dict(total)
        _grow(total, deltas)
        yield end_ms, dict(total), before


def _grow(total: Counts, more: Mapping[str, tuple[int, ...]]) -> None:
    for key, counts in more.items():
        old = total.get(key, (0,) * len(counts))
        total[key] = tuple(a + b for a, b in zip(old, counts, strict=True))


def _ordered(counts: Counts, names: tuple[str, ...], limit: int, by: int = 0) -> list[Line]:
    """Lines by the first `by` counts (0: all) descending, then by key."""
    used = by or len(names)

    def place(key: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
        return tuple(-count for count in counts[key][:used]), tuple(key.split(" + "))

    return [
        {"rank": rank, "key": key, **dict(zip(names, counts[key], strict=True))}
        for rank, key in enumerate(sorted(counts, key=place)[:limit], 1)
    ]


def _same(lines: list[Line], told: list[Line]) -> bool:
    return lines == told


def _ranks(counts: Counts, limit: int) -> dict[object, int]:
    some = {key: count for key, count in counts.items() if count[0]}
    return _rank_of(_ordered(some, ("value",), limit))


def _rank_of(lines: list[Line]) -> dict[object, int]:
    return {line["key"]: rank for rank, line in enumerate(lines, 1)}


def _moved(lines: list[Line], before: Mapping[object, int]) -> list[Line]:
    return [{**line, "prev_rank": before.get(line["key"])} for line in lines]
