-- Events of orders that count, by names that last. `counted` comes from stream.oracle.ledger.
CREATE TABLE accepted AS
SELECT o.* EXCLUDE (of_order) REPLACE (o.order_id || coalesce('@' || c.order_day, '') AS order_id),
    o.order_id || '@' || c.line_day AS line_order
FROM once o LEFT JOIN counted c USING (pos)
WHERE c.pos IS NOT NULL OR NOT o.of_order;

-- A masked viewer cannot be told from another: as good as none.
CREATE TABLE events AS
SELECT * REPLACE (CASE WHEN identity = 'masked' THEN NULL ELSE user_id END AS user_id),
    event_time_ms // 1000 AS second,
    coalesce(identity = 'masked' AND user_id IS NOT NULL, false) AS masked
FROM accepted;

CREATE TABLE closing AS
SELECT max(event_time_ms) - $out_of_order_ms AS watermark_ms, $ttl_s AS ttl_s FROM lines WHERE type = 'tick';
