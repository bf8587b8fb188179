"""Expected audience figures of a room: online at the window's end, its peak, time watched."""

from collections.abc import Iterator

import duckdb

from stream.oracle.cells import MINUTE_MS, Figure, Place

_SESSIONS = """
    SELECT number, session, tenant, grp, room_id, start_ms, end_ms,
        (start_ms // 1000) AS from_s, ((end_ms + 999) // 1000) AS until_s, viewers
    FROM grouped"""

# Somebody can still be online after the last event, until the time to live is over.
_MINUTES = f"""
    SELECT number, session, tenant, grp, room_id, minute * {MINUTE_MS} AS start_ms,
        (minute + 1) * {MINUTE_MS} AS end_ms, minute * 60 AS from_s, (minute + 1) * 60 AS until_s,
        NULL AS viewers
    FROM (
        SELECT *, unnest(
            range(start_ms // {MINUTE_MS}, (last_s - 1) * 1000 // {MINUTE_MS} + 1)
        ) AS minute
        FROM grouped
        JOIN (SELECT session, max(to_s) AS last_s FROM levels GROUP BY session) USING (session)
    )
    WHERE (minute + 1) * {MINUTE_MS} <= (SELECT watermark_ms FROM closing)"""

_QUERY = """
    WITH grouped AS (
        SELECT s.*, g.grp, g.viewers FROM sessions s JOIN (
            SELECT session, any_value(grp) AS grp,
                count(DISTINCT user_id) FILTER (type = 'enter') AS viewers
            FROM placed_events GROUP BY session
        ) g USING (session)
    ),
    frames AS ({frames})
    SELECT any_value(f.number), f.tenant, f.grp, f.room_id, f.start_ms, f.end_ms,
        any_value(f.until_s - f.from_s), any_value(f.viewers),
        coalesce(max(l.online) FILTER (l.from_s < f.until_s AND l.to_s >= f.until_s), 0),
        coalesce(max(l.online), 0),
        coalesce(sum(
            l.online * (least(l.to_s, f.until_s) - greatest(l.from_s, f.from_s))
        ), 0)::BIGINT
    FROM frames f LEFT JOIN levels l
        ON l.session = f.session AND l.from_s < f.until_s AND l.to_s > f.from_s
    GROUP BY f.session, f.tenant, f.grp, f.room_id, f.start_ms, f.end_ms
"""


def gauges(
    connection: duckdb.DuckDBPyConnection, window: str
) -> Iterator[tuple[Place, int, dict[str, Figure]]]:
    """Audience figures by place and number of the session in its room.

    Every session has some; of minutes those in which somebody was online. Rolling windows have
    none.
    """
    if window not in ("session", "1m"):
        return
    query = _QUERY.format(frames=_SESSIONS if window == "session" else _MINUTES)
    for (
        number,
        *where,
        start_ms,
        end_ms,
        live_s,
        viewers,
        online,
        peak,
        watch_s,
    ) in connection.execute(query).fetchall():
        tenant, group, room_id = where
        place = Place(tenant, group, room_id, "room", None, window, start_ms, end_ms)
        figures: dict[str, Figure] = {"online_now": (online, None), "pcu": (peak, None)}
        if window == "session":
            figures["acu_tw"] = (watch_s, live_s)
            figures["avg_watch_s"] = (watch_s, viewers)
        yield place, number, figures
