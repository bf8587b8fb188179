"""From NDJSON chunks to the DuckDB tables `accepted` and `judged`.

Readable lines become rows; everything else is decided in SQL (`sql/*.sql`): the clock, lateness,
duplicates, order lines, sessions.
"""

import tempfile
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Final

import duckdb

from operators.talk.words import Words
from stream.codec import Rejected, decode_line
from stream.events import FIELDS, Event, Kind
from stream.oracle.comments import tell
from stream.oracle.ledger import walk as walk_orders
from stream.oracle.sessions import Session, walk
from stream.oracle.terms import Terms
from stream.validate import reject_reason

_SLOW_OPTIMIZER: Final = "distinct_aggregate_rewrite"
_TYPES = {Kind.INT: "BIGINT", Kind.TIME: "BIGINT"}


SHIPPED: Final = Words()
"""The word lists without a words file."""


def load(
    chunks: Iterable[bytes], terms: Terms, words: Words = SHIPPED
) -> duckdb.DuckDBPyConnection:
    """Build a database of all judged events.

    Args:
        chunks: NDJSON in log order, with ticks.
        terms: the time settings.
        words: the word lists.

    Returns:
        A connection with the tables of `sql/*.sql`.
    """
    connection = _database()
    with tempfile.TemporaryDirectory(prefix="liveroom-verify-") as folder:
        path = Path(folder) / "readable.ndjson"
        rejected = _write_readable(chunks, path)
        columns = {"pos": "BIGINT"} | {
            field.name: _TYPES.get(field.kind, "VARCHAR") for field in FIELDS
        }
        listed = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
        connection.execute(
            f"CREATE TABLE lines AS SELECT * FROM read_ndjson(?, columns={{{listed}}}, "
            "maximum_object_size=1000000)",
            [str(path)],
        )
        run(connection, "judge", terms)
        _count_orders(connection, terms, Path(folder))
        run(connection, "orders", terms)
        _assign_sessions(connection, terms, Path(folder))
    connection.execute(
        "CREATE TABLE sessions AS SELECT *, row_number() OVER "
        "(PARTITION BY tenant, room_id ORDER BY session) AS number FROM found_sessions"
    )
    connection.execute("CREATE TABLE unreadable AS SELECT ?::BIGINT AS lines", [rejected])
    tell(connection, words)
    run(connection, "sessions", terms)
    run(connection, "intervals", terms)
    run(connection, "online", terms)
    run(connection, "talk", terms)
    return connection


def _count_orders(connection: duckdb.DuckDBPyConnection, terms: Terms, folder: Path) -> None:
    """Make the table `counted` (pos, order_day, line_day)."""
    cursor = connection.execute(
        "SELECT pos, day, type, tenant, grp, order_id, line_id, refund_id FROM once "
        "WHERE of_order ORDER BY pos"
    )
    path = folder / "counted.csv"
    with path.open("w", encoding="ascii") as out:
        out.write("pos,order_day,line_day\n")
        for found in walk_orders(iter(cursor.fetchone, None), terms["ledger_days"]):
            out.write("{},{},{}\n".format(*found))
    connection.execute(
        "CREATE TABLE counted AS SELECT * FROM read_csv(?, header=true, "
        "columns={'pos': 'BIGINT', 'order_day': 'BIGINT', 'line_day': 'BIGINT'})",
        [str(path)],
    )


def _assign_sessions(connection: duckdb.DuckDBPyConnection, terms: Terms, folder: Path) -> None:
    """Make the tables `assigned` (pos, session) and `sessions`."""
    cursor = connection.execute(
        "SELECT pos, tenant, room_id, event_time_ms, tick_ms, beat_ms, type, status "
        "FROM events "
        "WHERE room_id IS NOT NULL ORDER BY tenant, grp, room_id, event_time_ms, "
        "type = 'room_status' AND coalesce(status, '') = 'start' DESC, pos"
    )
    sessions: dict[int, Session] = {}
    path = folder / "assigned.csv"
    with path.open("w", encoding="ascii") as out:
        out.write("pos,session\n")
        for pos, session in walk(iter(cursor.fetchone, None), terms):
            sessions[session.number] = session
            out.write(f"{pos},{session.number}\n")
    connection.execute(
        "CREATE TABLE assigned AS SELECT * FROM read_csv(?, header=true, "
        "columns={'pos': 'BIGINT', 'session': 'BIGINT'})",
        [str(path)],
    )
    connection.execute(
        "CREATE TABLE found_sessions (session BIGINT, tenant VARCHAR, room_id VARCHAR, "
        "start_ms BIGINT, last_ms BIGINT, end_ms BIGINT, told BOOLEAN, active_ms BIGINT)"
    )
    for one in sessions.values():
        connection.execute(
            "INSERT INTO found_sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                one.number,
                one.tenant,
                one.room_id,
                one.start_ms,
                one.last_ms,
                one.closing_ms,
                one.told,
                one.active_ms,
            ],
        )


def _database() -> duckdb.DuckDBPyConnection:
    """An empty database.

    Figures count dozens of distinct things at once. An optimizer of newer versions plans a join
    for each of them: that took twice as long, with 2,000 events and with 50,000.
    """
    connection = duckdb.connect(":memory:", config={"threads": 1})
    known = connection.execute("SELECT name FROM duckdb_optimizers()").fetchall()
    if (_SLOW_OPTIMIZER,) in known:
        connection.execute(f"SET disabled_optimizers = '{_SLOW_OPTIMIZER}'")
    return connection


def run(connection: duckdb.DuckDBPyConnection, name: str, terms: Terms) -> None:
    """Execute `sql/<name>.sql` with the settings filled in."""
    text = files("stream.oracle").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    for key, value in terms.items():
        text = text.replace(f"${key}", str(value))
    connection.execute(text)


def _write_readable(chunks: Iterable[bytes], path: Path) -> int:
    """Write usable events with their log position; returns how many lines were not usable."""
    rejected = 0
    position = 0
    with path.open("wb") as out:
        for chunk in chunks:
            for line in chunk.split(b"\n"):
                if not line.strip():
                    continue
                position += 1
                event = decode_line(line)
                if isinstance(event, Rejected) or not _usable(event):
                    rejected += 1
                else:
                    out.write(b'{"pos":%d,' % position + line.strip()[1:] + b"\n")
    return rejected


def _usable(event: Event) -> bool:
    return reject_reason(event) is None
