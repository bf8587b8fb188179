"""The WebSocket gateway: protocol `lc.v1`, snapshots and gap-proof deltas for many screens.

Pure core: `protocol` (frames, codes), `limits`, `auth` (tokens, scopes), `channels` (cached
channel state), `outbox` (who gets which frame), `session` (one client's state machine).
Shell: `feed` (reads Redis), `server` (sockets), `http` (pages, health), `metrics`.
"""
