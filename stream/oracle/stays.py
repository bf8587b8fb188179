"""Expected figures of who stayed: what each viewer watched of a session, added up in SQL."""

from collections.abc import Iterator
from typing import Final

import duckdb

from stream.oracle.cells import Figure, Place
from stream.oracle.gauges import PRESENCE

STAY_S: Final = 30

_PRESENCE: Final = ", ".join(f"'{name}'" for name in PRESENCE)

_QUERY: Final = f"""
    WITH watched AS (
        SELECT s.session, t.user_id, sum(
            least(t.to_s, (s.end_ms + 999) // 1000) - t.from_s
        ) AS watched_s
        FROM sessions s JOIN stays t ON t.session = s.session
            AND t.from_s < (s.end_ms + 999) // 1000
        GROUP BY s.session, t.user_id
    ),
    entrants AS (
        SELECT DISTINCT session, user_id FROM placed_events
        WHERE type = 'enter' AND user_id IS NOT NULL
    ),
    stayers AS (
        SELECT session, count(*) AS stayers, sum(watched_s)::BIGINT AS watched_s FROM watched
        WHERE watched_s >= {STAY_S} GROUP BY session
    ),
    retained AS (
        SELECT e.session, count(*) AS entrants, count(*) FILTER (w.watched_s >= {STAY_S}) AS stayed
        FROM entrants e LEFT JOIN watched w USING (session, user_id) GROUP BY e.session
    ),
    places AS (
        SELECT session, any_value(grp) AS grp,
            coalesce(bool_or(masked AND type IN ({_PRESENCE})), false) AS hidden
        FROM placed_events GROUP BY session
    )
    SELECT s.number, s.tenant, p.grp, s.room_id, s.start_ms, s.end_ms, p.hidden,
        coalesce(r.stayed, 0), coalesce(r.entrants, 0), coalesce(w.watched_s, 0),
        coalesce(w.stayers, 0)
    FROM sessions s JOIN places p USING (session) LEFT JOIN stayers w USING (session)
        LEFT JOIN retained r USING (session)"""


def stays(
    connection: duckdb.DuckDBPyConnection, window: str
) -> Iterator[tuple[Place, int, dict[str, Figure]]]:
    """Figures by place and number of the session in its room; sessions only."""
    if window != "session":
        return
    for number, *rest in connection.execute(_QUERY).fetchall():
        tenant, group, room_id, start_ms, end_ms, hidden, stayed, entrants, watch_s, stayers = rest
        place = Place(tenant, group, room_id, "room", None, window, start_ms, end_ms)
        if hidden:
            stayed = entrants = watch_s = stayers = None
        yield (
            place,
            number,
            {"retention_30s": (stayed, entrants), "avg_watch_s_effective": (watch_s, stayers)},
        )
