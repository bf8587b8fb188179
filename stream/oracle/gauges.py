"""Expected audience figures of a room: online at the window's end, its peak, time watched."""

from collections.abc import Iterator
from typing import Final

import duckdb

from stream.oracle.cells import MINUTE_MS, Figure, Place
from stream.oracle.measures import users_where

PANE_MS: Final = 15_000
"""Whether somebody masked was there is known to a quarter of a minute."""
PRESENCE: Final = (
    *("enter", "heartbeat", "comment", "like", "gift", "follow", "share", "fans_join"),
    *("product_exposure", "product_click", "add_to_cart", "leave"),
)
NOBODY: Final[dict[str, Figure]] = dict.fromkeys(
    ("online_now", "pcu", "active_online", "silent_online"), (0, None)
)
"""Audience figures of a minute in which nobody was there."""

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
            range(start_ms // {MINUTE_MS}, (last_ms + ttl_s * 1000) // {MINUTE_MS} + 2)
        ) AS minute
        FROM grouped, closing
    )
    WHERE (minute + 1) * {MINUTE_MS} <= (SELECT watermark_ms FROM closing)"""

_QUERY = """
    WITH grouped AS (
        SELECT s.*, g.grp, g.viewers FROM sessions s JOIN (
            SELECT session, any_value(grp) AS grp, {viewers} AS viewers
            FROM placed_events GROUP BY session
        ) g USING (session)
    ),
    frames AS ({frames}),
    -- A masked viewer who was there may be there until the time to live is over.
    hidden AS (
        SELECT DISTINCT f.session, f.start_ms FROM frames f JOIN placed_events e
            ON e.session = f.session AND e.masked AND e.type IN ({presence})
            AND ({all_time} OR (e.event_time_ms < f.end_ms AND e.event_time_ms
                >= f.start_ms - ({ttl_ms} + {PANE_MS} - 1) // {PANE_MS} * {PANE_MS}))
    ),
    active AS (
        SELECT f.session, f.start_ms, count(*) AS active FROM frames f JOIN acting a
            ON a.session = f.session AND a.from_s < f.until_s AND a.to_s >= f.until_s
        GROUP BY ALL
    )
    SELECT any_value(f.number), f.tenant, f.grp, f.room_id, f.start_ms, f.end_ms,
        any_value(f.until_s - f.from_s), any_value(f.viewers),
        bool_or(h.session IS NOT NULL),
        coalesce(max(l.online) FILTER (l.from_s < f.until_s AND l.to_s >= f.until_s), 0),
        coalesce(max(l.online), 0),
        coalesce(sum(
            l.online * (least(l.to_s, f.until_s) - greatest(l.from_s, f.from_s))
        ), 0)::BIGINT,
        coalesce(any_value(a.active), 0)
    FROM frames f LEFT JOIN levels l
        ON l.session = f.session AND l.from_s < f.until_s AND l.to_s > f.from_s
    LEFT JOIN hidden h ON h.session = f.session AND h.start_ms = f.start_ms
    LEFT JOIN active a ON a.session = f.session AND a.start_ms = f.start_ms
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
    query = _QUERY.format(
        frames=_SESSIONS if window == "session" else _MINUTES,
        viewers=users_where("type = 'enter'"),
        presence=", ".join(f"'{name}'" for name in PRESENCE),
        all_time=window == "session",
        ttl_ms="(SELECT ttl_s FROM closing) * 1000",
        PANE_MS=PANE_MS,
    )
    for (
        number,
        *where,
        live_s,
        viewers,
        hidden,
        online,
        peak,
        watch_s,
        active,
    ) in connection.execute(query).fetchall():
        tenant, group, room_id, start_ms, end_ms = where
        place = Place(tenant, group, room_id, "room", None, window, start_ms, end_ms)
        silent = online - active
        if hidden:
            online, peak, watch_s, active, silent = None, None, None, None, None
        figures: dict[str, Figure] = {
            "online_now": (online, None),
            "pcu": (peak, None),
            "active_online": (active, None),
            "silent_online": (silent, None),
        }
        if window == "session":
            figures["acu_tw"] = (watch_s, live_s)
            figures["avg_watch_s"] = (watch_s, viewers)
        yield place, number, figures
