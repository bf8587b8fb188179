"""Expected audience figures of a room: online at the window's end, and its peak."""

from collections.abc import Iterator

import duckdb

from stream.oracle.cells import MINUTE_MS, Figure, Place


def gauges(
    connection: duckdb.DuckDBPyConnection, window: str
) -> Iterator[tuple[Place, int, dict[str, Figure]]]:
    """`online_now` and `pcu` of every session and minute in which somebody was online."""
    if window not in ("session", "1m"):
        return
    if window == "session":
        frames = "SELECT tenant, grp, room_id, session, start_ms, end_ms FROM grouped"
    else:
        # Somebody can still be online after the last event, until the time to live is over.
        frames = f"""
            SELECT * EXCLUDE (start_ms, end_ms, minute, until_s), minute * {MINUTE_MS} AS start_ms,
                (minute + 1) * {MINUTE_MS} AS end_ms
            FROM (
                SELECT *, unnest(
                    range(start_ms // {MINUTE_MS}, (until_s - 1) * 1000 // {MINUTE_MS} + 1)
                ) AS minute
                FROM grouped JOIN (
                    SELECT session, max(to_s) AS until_s FROM levels GROUP BY session
                ) USING (session)
            )
            WHERE (minute + 1) * {MINUTE_MS} <= (SELECT watermark_ms FROM closing)"""
    rows = connection.execute(f"""
        WITH grouped AS (
            SELECT s.*, g.grp FROM sessions s
            JOIN (SELECT DISTINCT session, grp FROM placed_events) g USING (session)
        ),
        frames AS ({frames})
        SELECT f.session, f.tenant, f.grp, f.room_id, f.start_ms, f.end_ms,
            coalesce(max(l.online) FILTER (
                l.from_s <= (f.end_ms - 1) // 1000 AND l.to_s > (f.end_ms - 1) // 1000
            ), 0),
            max(l.online)
        FROM frames f JOIN levels l
            ON l.tenant = f.tenant AND l.room_id = f.room_id AND l.session = f.session
            AND l.from_s <= (f.end_ms - 1) // 1000 AND l.to_s > f.start_ms // 1000
        GROUP BY f.session, f.tenant, f.grp, f.room_id, f.start_ms, f.end_ms
    """).fetchall()
    for session, tenant, group, room_id, start_ms, end_ms, online, peak in rows:
        place = Place(tenant, group, room_id, "room", None, window, start_ms, end_ms)
        yield place, session, {"online_now": (online, None), "pcu": (peak, None)}
