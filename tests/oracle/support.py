"""Small logs for the oracle, written as lines."""

import json
from collections.abc import Sequence

from operators.talk.words import Words
from sinks.results import sorted_lines
from stream.formats import tick_line
from stream.oracle.compare import compare
from stream.oracle.compare_boards import compare_boards
from stream.oracle.load import load
from stream.oracle.terms import terms_of
from stream.oracle.verify import promised
from stream.replay import run_replay
from stream.settings import Settings

T = 1_700_000_040_000
"""A full minute."""
USER = "00000000000000{:02x}"
_DEFAULTS = Settings()


class Log:
    """A log of one room, built line by line."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def tick(self, at_ms: int) -> "Log":
        """Append a tick at T + at_ms."""
        self.lines.append(tick_line(T + at_ms))
        return self

    def add(self, kind: str, at_ms: int, user: int | None = None, **fields: object) -> "Log":
        """Append an event at T + at_ms."""
        event: dict[str, object] = {
            "event_id": f"e{len(self.lines)}",
            "source": "s",
            "type": kind,
            "event_time_ms": T + at_ms,
            "tenant": "t",
            "room_id": "r",
        }
        if user is not None:
            event["user_id"] = USER.format(user)
        self.lines.append(json.dumps({**event, **fields}).encode())
        return self

    def raw(self, line: bytes) -> "Log":
        """Append any line."""
        self.lines.append(line)
        return self

    def query(self, sql: str, settings: Settings = _DEFAULTS) -> list[tuple[object, ...]]:
        """Load the log and run a query."""
        connection = load([b"\n".join(self.lines) + b"\n"], terms_of(settings))
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()


def agree_on(
    lines: Sequence[bytes], batch: int, settings: Settings = _DEFAULTS, *, boards: bool = True
) -> int:
    """Assert that engine and oracle agree, and that small batches give the same bytes.

    Args:
        lines: a log.
        batch: lines of a small batch.
        settings: of both.
        boards: whether boards are compared: the oracle's never let go of a session.

    Returns:
        How many values were compared.
    """
    whole = [b"\n".join(lines) + b"\n"]
    parts = [
        b"\n".join(lines[start : start + batch]) + b"\n" for start in range(0, len(lines), batch)
    ]
    rows = list(run_replay(whole, settings=settings))
    connection = load(whole, terms_of(settings))
    try:
        report = compare(connection, rows, promised())
        if boards:
            compare_boards(connection, rows, report, Words(), settings.term_horizon_ms)
    finally:
        connection.close()
    assert report.mismatches == []
    by_parts = list(run_replay(parts, settings=settings, size=1))
    assert list(sorted_lines(by_parts)) == list(sorted_lines(rows))
    return report.total
