-- Explanations, shifts and campaigns of sessions, and which events each of them has.
CREATE TABLE told AS
SELECT DISTINCT session, event_time_ms AS at_ms,
    CASE WHEN type LIKE 'explain%' THEN 'explanation' WHEN type LIKE 'shift%' THEN 'shift'
         ELSE 'campaign_phase' END AS dimension,
    CASE WHEN type LIKE 'explain%' THEN product_id WHEN type LIKE 'shift%' THEN host_id
         ELSE campaign_id END AS subject,
    type LIKE '%start' AS starts
FROM placed_events
WHERE type IN ('explain_start', 'explain_end', 'shift_start', 'shift_end', 'promo_start', 'promo_end');

-- An interval lasts to its own end (later than its start), or to the start that takes its place:
-- the next of any product or host, or of the same campaign. Or as long as its session.
CREATE TABLE spans AS
WITH starting AS (
    SELECT *,
        lead(at_ms) OVER (PARTITION BY session, dimension ORDER BY at_ms, subject) AS next_ms,
        lead(at_ms) OVER (PARTITION BY session, dimension, subject ORDER BY at_ms) AS again_ms
    FROM told WHERE starts
),
ended AS (
    SELECT s.session, s.dimension, s.subject, s.at_ms, min(e.at_ms) AS own_end_ms
    FROM starting s JOIN told e
        ON e.session = s.session AND e.dimension = s.dimension AND e.subject = s.subject
        AND NOT e.starts AND e.at_ms > s.at_ms
    GROUP BY ALL
)
SELECT s.session, s.dimension, s.subject, s.at_ms AS from_ms, s.again_ms,
    least(e.own_end_ms,
        CASE WHEN s.dimension = 'campaign_phase' THEN s.again_ms ELSE s.next_ms END) AS to_ms,
    s.subject || '@' || s.at_ms AS key
FROM starting s LEFT JOIN ended e USING (session, dimension, subject, at_ms);

-- What follows an order is looked up where the order was paid, if that was before.
CREATE TABLE timed_events AS
WITH payments AS (
    SELECT tenant, grp, order_id, line_order, line_id, event_time_ms FROM placed_events
    WHERE type = 'order_paid'
),
of_line AS (
    SELECT tenant, grp, line_order, line_id, min(event_time_ms) AS at_ms FROM payments GROUP BY ALL
),
of_order AS (
    SELECT tenant, grp, order_id, min(event_time_ms) AS at_ms FROM payments GROUP BY ALL
)
SELECT e.*,
    -- Types that are not about a product have none, whatever their line says.
    CASE WHEN e.type IN ('comment', 'product_exposure', 'product_click', 'add_to_cart',
            'order_created', 'order_paid', 'order_cancelled', 'refund_requested',
            'refund_succeeded')
         THEN e.product_id END AS about_id,
    CASE WHEN e.type NOT IN ('refund_requested', 'refund_succeeded', 'order_cancelled')
         THEN e.event_time_ms
         WHEN l.at_ms <= e.event_time_ms THEN l.at_ms
         WHEN o.at_ms <= e.event_time_ms THEN o.at_ms
         ELSE e.event_time_ms END AS at_ms
FROM placed_events e
LEFT JOIN of_line l ON l.tenant = e.tenant AND l.grp = e.grp AND l.line_order = e.line_order
    AND l.line_id = e.line_id
LEFT JOIN of_order o ON o.tenant = e.tenant AND o.grp = e.grp AND o.order_id = e.order_id;

CREATE TABLE interval_events AS
WITH belonging AS (
    -- Of a product: to the newest explanation of it, while on and for the tail after.
    SELECT e.pos, s.dimension, s.key, s.from_ms, s.to_ms
    FROM timed_events e JOIN spans s ON s.session = e.session AND s.dimension = 'explanation'
        AND s.subject = e.about_id AND e.at_ms >= s.from_ms
        AND (s.to_ms IS NULL OR e.at_ms < s.to_ms + $tail_ms)
        AND (s.again_ms IS NULL OR e.at_ms < s.again_ms)
    UNION ALL
    SELECT e.pos, s.dimension, s.key, s.from_ms, s.to_ms
    FROM timed_events e JOIN spans s ON s.session = e.session
        AND e.at_ms >= s.from_ms AND (s.to_ms IS NULL OR e.at_ms < s.to_ms)
        AND (s.dimension = 'shift' OR (s.dimension = 'explanation' AND e.about_id IS NULL))
    UNION ALL
    SELECT e.pos, s.dimension, s.key || '/during', s.from_ms, s.to_ms
    FROM timed_events e JOIN spans s ON s.session = e.session AND s.dimension = 'campaign_phase'
        AND e.at_ms >= s.from_ms AND (s.to_ms IS NULL OR e.at_ms < s.to_ms)
    UNION ALL
    SELECT e.pos, s.dimension, s.key || '/after', s.to_ms, least(s.to_ms + 600000, s.again_ms)
    FROM timed_events e JOIN spans s ON s.session = e.session AND s.dimension = 'campaign_phase'
        AND e.at_ms >= s.to_ms AND e.at_ms < least(s.to_ms + 600000, s.again_ms)
    UNION ALL
    -- Before: the room's last ten minutes of whole 15 s, refunds at their own time.
    SELECT e.pos, s.dimension, s.key || '/before', s.from_ms // 15000 * 15000 - 600000,
        s.from_ms // 15000 * 15000
    FROM timed_events e JOIN spans s ON s.session = e.session AND s.dimension = 'campaign_phase'
        AND e.event_time_ms >= s.from_ms // 15000 * 15000 - 600000
        AND e.event_time_ms < s.from_ms // 15000 * 15000
)
SELECT e.*, b.dimension, b.key,
    greatest(b.from_ms, e.session_start_ms) AS interval_start_ms,
    greatest(least(coalesce(b.to_ms, e.session_end_ms), e.session_end_ms),
        b.from_ms, e.session_start_ms) AS interval_end_ms
FROM belonging b JOIN timed_events e USING (pos);
