-- Audience by whole seconds. A viewer's latest point at or before a second decides; in one
-- second a leave wins. A presence at p holds in [p, min(next point, p + ttl)).
CREATE TABLE points AS
SELECT tenant, grp, room_id, session, user_id, second, bool_or(type = 'leave') AS is_leave
FROM placed_events
WHERE type IN ('enter', 'heartbeat', 'comment', 'like', 'gift', 'follow', 'share', 'fans_join',
               'product_exposure', 'product_click', 'add_to_cart', 'leave')
    AND user_id IS NOT NULL AND session IS NOT NULL
GROUP BY ALL;

CREATE TABLE stays AS
SELECT tenant, grp, room_id, session, user_id, second AS from_s,
    least(second + $ttl_s, coalesce(
        lead(second) OVER (PARTITION BY tenant, room_id, session, user_id ORDER BY second),
        second + $ttl_s
    )) AS to_s,
    is_leave
FROM points;

-- When the room says that it ended, nobody is in it any more.
UPDATE stays SET to_s = least(to_s, (s.end_ms + 999) // 1000)
FROM sessions s WHERE s.session = stays.session AND s.told;
DELETE FROM stays WHERE is_leave OR to_s <= from_s;

-- Online is constant on each [from_s, to_s).
CREATE TABLE levels AS
WITH changes AS (
    SELECT tenant, room_id, session, from_s AS second, 1 AS change FROM stays
    UNION ALL
    SELECT tenant, room_id, session, to_s, -1 FROM stays
),
summed AS (
    SELECT tenant, room_id, session, second, sum(change) AS change FROM changes GROUP BY ALL
)
SELECT tenant, room_id, session, second AS from_s,
    lead(second) OVER room AS to_s,
    (sum(change) OVER room)::BIGINT AS online
FROM summed
WINDOW room AS (PARTITION BY tenant, room_id, session ORDER BY second);
DELETE FROM levels WHERE to_s IS NULL;

-- Active is who acted less than a minute ago (the time to live, where that is shorter), unless
-- a leave came in between; in one second a leave wins here too.
CREATE TABLE acting AS
WITH acts AS (
    SELECT session, user_id, second, bool_or(type = 'leave') AS is_leave
    FROM placed_events
    WHERE type IN ('comment', 'like', 'gift', 'follow', 'share', 'fans_join', 'product_click',
                   'add_to_cart', 'leave')
        AND user_id IS NOT NULL AND session IS NOT NULL
    GROUP BY ALL
),
followed AS (
    SELECT a.*, lead(second) OVER (PARTITION BY session, user_id ORDER BY second) AS next
    FROM acts a
)
SELECT f.session, f.user_id, f.second AS from_s,
    least(f.second + least(60, $ttl_s), f.next,
          CASE WHEN s.told THEN (s.end_ms + 999) // 1000 END) AS to_s
FROM followed f JOIN sessions s USING (session) WHERE NOT f.is_leave;
