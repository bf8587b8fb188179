-- Which events count: the clock at the event's own log position, then duplicates.
CREATE TABLE judged AS
WITH clocked AS (
    SELECT *,
        last_value(CASE WHEN type = 'tick' THEN event_time_ms END IGNORE NULLS)
            OVER (ORDER BY pos ROWS UNBOUNDED PRECEDING) AS tick_ms
    FROM lines
),
beats AS (
    -- Whether a room is idle is asked every 5 s of watermark, not at every tick.
    SELECT *, last_value(CASE WHEN beat > before THEN event_time_ms END IGNORE NULLS)
        OVER (ORDER BY pos ROWS UNBOUNDED PRECEDING) AS beat_ms
    FROM (
        SELECT *, (tick_ms - $out_of_order_ms) // 5000 AS beat,
            lag((tick_ms - $out_of_order_ms) // 5000, 1, 0) OVER (ORDER BY pos) AS before
        FROM clocked
    )
),
placed AS (
    SELECT *, tick_ms - $out_of_order_ms AS watermark_ms,
        CASE
            WHEN tick_ms IS NULL THEN 'before_first_tick'
            WHEN event_time_ms > tick_ms + $skew_ms THEN 'clock_skew'
            WHEN event_time_ms < tick_ms - $out_of_order_ms - $lateness_ms THEN 'too_late'
        END AS reason
    FROM beats WHERE type NOT IN ('tick', 'rules')
),
copies AS (
    -- A copy counts only against an earlier copy that was itself in time.
    SELECT pos, row_number() OVER (PARTITION BY source, event_id ORDER BY pos) AS copy
    FROM placed WHERE reason IS NULL
)
SELECT placed.*, coalesce(copies.copy, 1) AS copy
FROM placed LEFT JOIN copies USING (pos);

-- Of each id its first copy; `day` by the beats.
CREATE TABLE once AS
SELECT *, coalesce("group", tenant) AS grp, coalesce(beat_ms, tick_ms) // 86400000 AS day,
    type IN (
        'order_created', 'order_paid', 'order_cancelled', 'refund_requested', 'refund_succeeded'
    ) AS of_order
FROM judged WHERE reason IS NULL AND copy = 1;
