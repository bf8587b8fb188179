"""The same query in DuckDB, the batch engine that `liveroom verify` uses; one thread.

    python -m benchmarks.duckdb_query INPUT.ndjson OUT_FOLDER

Not a stream: it sees the whole file at once, keeps no state, knows no lateness. A lower bound of
what the query costs when nothing has to be ready for the next event.
"""

import json
import sys
import time
from pathlib import Path
from typing import Final

import duckdb

_COLUMNS: Final = (
    "{type: 'VARCHAR', event_time_ms: 'BIGINT', tenant: 'VARCHAR', room_id: 'VARCHAR', "
    "user_id: 'VARCHAR', product_id: 'VARCHAR', amount_minor: 'BIGINT'}"
)
_ROOMS: Final = """
COPY (SELECT tenant, room_id, event_time_ms // 60000 AS minute,
  count(DISTINCT user_id) FILTER (WHERE type = 'enter') AS view_uv,
  count(DISTINCT user_id) FILTER (WHERE type = 'order_paid') AS pay_uv
FROM events WHERE room_id IS NOT NULL GROUP BY ALL) TO '{path}' (FORMAT JSON)
"""
_PRODUCTS: Final = """
COPY (SELECT tenant, room_id, product_id, event_time_ms // 60000 AS minute, sum(amount_minor) AS gmv
FROM events WHERE type = 'order_paid' GROUP BY ALL) TO '{path}' (FORMAT JSON)
"""


def main() -> None:
    """Run both statements over one read of the file."""
    source, out = sys.argv[1:3]
    before, started = time.process_time(), time.monotonic()
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.execute(
            f"CREATE TABLE events AS SELECT * FROM read_ndjson(?, columns={_COLUMNS})", [source]
        )
        rows = 0
        for name, text in (("rooms", _ROOMS), ("products", _PRODUCTS)):
            path = Path(out, f"{name}.json")
            connection.execute(text.format(path=path))
            rows += len(path.read_bytes().splitlines())
    figures = {
        "cpu_s": time.process_time() - before,
        "wall_s": time.monotonic() - started,
        "rows": rows,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
