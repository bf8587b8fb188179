-- What viewers said and paid, in the session it counts in.
CREATE VIEW mentions AS
SELECT p.session, p.tenant, p.grp, p.room_id, p.user_id, p.event_time_ms, t.term
FROM placed_events p JOIN terms t USING (pos);

-- Boards of terms, keywords and pairs leave out what is paid long after the end. A session that
-- nobody ended is over for them when it was idle long enough by the clock.
CREATE TABLE eligible AS
SELECT p.*
FROM placed_events p JOIN sessions s USING (session)
WHERE p.type = 'order_paid' AND (
    p.event_time_ms < s.end_ms + $lateness_ms
    OR (NOT s.told AND (p.event_time_ms // 60000 + 1) * 60000 + $lateness_ms + $out_of_order_ms
        < s.active_ms + $idle_ms)
);
