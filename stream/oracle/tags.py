"""Expected behaviour tags: every viewer who entered, by the deepest thing done in the session."""

from collections.abc import Iterator
from typing import Final

import duckdb

from stream.oracle.cells import Figure, Place

NAMES: Final = (
    *("viewers_silent", "viewers_browser", "viewers_clicker", "viewers_carter", "viewers_buyer"),
)
_DEPTH: Final = """CASE type WHEN 'enter' THEN 0 WHEN 'product_click' THEN 2
    WHEN 'add_to_cart' THEN 3 WHEN 'order_paid' THEN 4 ELSE 1 END"""
_TYPES: Final = """('enter', 'product_exposure', 'comment', 'like', 'share', 'follow', 'gift',
    'fans_join', 'product_click', 'add_to_cart', 'order_paid')"""

_QUERY: Final = f"""
    WITH viewers AS (
        SELECT session, user_id, max({_DEPTH}) AS depth FROM placed_events
        WHERE type IN {_TYPES} AND user_id IS NOT NULL
        GROUP BY session, user_id HAVING bool_or(type = 'enter')
    ),
    counted AS (SELECT session, depth, count(*) AS viewers FROM viewers GROUP BY session, depth),
    rooms AS (
        SELECT session, any_value(grp) AS grp, bool_or(masked AND type IN {_TYPES}) AS hidden
        FROM placed_events GROUP BY session
    )
    SELECT s.number, s.tenant, r.grp, s.room_id, s.start_ms, s.end_ms, any_value(r.hidden),
        map_from_entries(list((c.depth, c.viewers)) FILTER (c.depth IS NOT NULL))
    FROM sessions s JOIN rooms r USING (session) LEFT JOIN counted c USING (session)
    GROUP BY s.session, s.number, s.tenant, r.grp, s.room_id, s.start_ms, s.end_ms"""


def tags(
    connection: duckdb.DuckDBPyConnection, window: str
) -> Iterator[tuple[Place, int, dict[str, Figure]]]:
    """Figures by place and number of the session; sessions only.

    A viewer whom the feed does not tell apart leaves all five unknown.
    """
    if window != "session":
        return
    for number, *where, start_ms, end_ms, hidden, by_depth in connection.execute(_QUERY).fetchall():
        tenant, group, room_id = where
        place = Place(tenant, group, room_id, "room", None, window, start_ms, end_ms)
        counts = [None if hidden else (by_depth or {}).get(depth, 0) for depth in range(len(NAMES))]
        yield place, number, {name: (n, None) for name, n in zip(NAMES, counts, strict=True)}
