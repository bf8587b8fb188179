-- Events with the session they belong to (`assigned` comes from stream.oracle.sessions).
CREATE TABLE placed_events AS
SELECT e.*, a.session, s.start_ms AS session_start_ms, s.end_ms AS session_end_ms
FROM events e
JOIN assigned a USING (pos)
JOIN sessions s ON s.session = a.session;
