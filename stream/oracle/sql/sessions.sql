-- Events with the session they count in. `assigned` comes from stream.oracle.sessions.
CREATE TABLE roomed AS
SELECT e.*, a.session AS own_session, s.question, s.negative,
    e.type IN ('order_created', 'order_paid') AS places_order,
    e.type IN ('refund_requested', 'refund_succeeded', 'order_cancelled') AS follows_order,
    -- Price of one unit, floored: an edge is a whole number, so that changes no band.
    CASE WHEN (places_order OR follows_order) AND e.amount_minor >= 0 AND coalesce(e.qty, 1) > 0
         THEN e.amount_minor // coalesce(e.qty, 1) END AS unit_minor,
    CASE WHEN unit_minor < 1000 THEN '0-1000'
         WHEN unit_minor < 3000 THEN '1000-3000'
         WHEN unit_minor < 5000 THEN '3000-5000'
         WHEN unit_minor < 10000 THEN '5000-10000'
         WHEN unit_minor < 20000 THEN '10000-20000'
         WHEN unit_minor < 50000 THEN '20000-50000'
         WHEN unit_minor < 100000 THEN '50000-100000'
         WHEN unit_minor >= 100000 THEN '100000+' END AS own_band
FROM events e LEFT JOIN assigned a USING (pos) LEFT JOIN said s USING (pos);

-- Where an order (line '') and each of its lines were first seen.
CREATE TABLE order_places AS
WITH seen AS (
    SELECT tenant, grp, order_id, line_order, pos, own_session AS session, product_id, channel, platform,
        segment, host_id, campaign_id, own_band AS price_band, coalesce(line_id, '') AS line
    FROM roomed
    WHERE (places_order OR follows_order) AND own_session IS NOT NULL
),
each_and_all AS (
    SELECT * REPLACE (line_order AS order_id) FROM seen WHERE line <> ''
    UNION ALL SELECT * REPLACE ('' AS line) FROM seen
)
SELECT * FROM each_and_all
QUALIFY row_number() OVER (PARTITION BY tenant, grp, order_id, line ORDER BY pos) = 1;

-- What follows an order counts in the session of that order, and is about its product.
CREATE TABLE placed_events AS
WITH found AS (
    SELECT r.*,
        CASE WHEN r.follows_order OR (r.places_order AND r.own_session IS NULL)
             THEN CASE WHEN l.pos IS NOT NULL THEN l WHEN o.pos IS NOT NULL THEN o END
        END AS place
    FROM roomed r
    LEFT JOIN order_places l
        ON l.tenant = r.tenant AND l.grp = r.grp AND l.order_id = r.line_order
        AND l.line = r.line_id AND l.pos < r.pos
    LEFT JOIN order_places o
        ON o.tenant = r.tenant AND o.grp = r.grp AND o.order_id = r.order_id
        AND o.line = '' AND o.pos < r.pos
)
SELECT f.* EXCLUDE (place) REPLACE (
        s.room_id AS room_id,
        coalesce(f.product_id, f.place.product_id) AS product_id,
        coalesce(f.channel, f.place.channel) AS channel,
        coalesce(f.platform, f.place.platform) AS platform,
        coalesce(f.segment, f.place.segment) AS segment,
        coalesce(f.host_id, f.place.host_id) AS host_id,
        coalesce(f.campaign_id, f.place.campaign_id) AS campaign_id
    ),
    -- A refund may be of a part of the line: it counts where the line was priced.
    CASE WHEN f.follows_order THEN coalesce(f.place.price_band, f.own_band)
         ELSE coalesce(f.own_band, f.place.price_band) END AS price_band,
    s.session, s.number AS session_number, s.start_ms AS session_start_ms, s.end_ms AS session_end_ms,
    -- A refund of an order that nobody saw is no refund of the session's orders.
    f.place IS NOT NULL AS of_seen_order
FROM found f JOIN sessions s ON s.session = coalesce(f.place.session, f.own_session);
