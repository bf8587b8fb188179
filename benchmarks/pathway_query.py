"""The same query in Pathway; run by the Python of its own venv, imports nothing of ours.

    PEERS/pathway/bin/python benchmarks/pathway_query.py INPUT.ndjson OUT_FOLDER

Reads JSON lines as a static input, one-minute groups: distinct viewers and payers by room, paid
GMV by room and product; writes JSON lines; one thread. The minute is a column and not a temporal
window, and viewers and payers are two tables that nobody joins: less work than it is asked for.
Prints user + system seconds of this process.
"""

import importlib
import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any


def build(pw: Any, source: str, out: str) -> None:
    """Declare the query."""
    schema = pw.schema_builder(
        {
            "type": pw.column_definition(dtype=str),
            "event_time_ms": pw.column_definition(dtype=int),
            "tenant": pw.column_definition(dtype=str, default_value=""),
            "room_id": pw.column_definition(dtype=str, default_value=""),
            "user_id": pw.column_definition(dtype=str, default_value=""),
            "product_id": pw.column_definition(dtype=str, default_value=""),
            "amount_minor": pw.column_definition(dtype=int, default_value=0),
        }
    )
    events = pw.io.jsonlines.read(source, schema=schema, mode="static")
    events = events.select(*pw.this, minute=pw.this.event_time_ms // 60_000)
    paid = events.filter(pw.this.type == "order_paid")
    place = (pw.this.tenant, pw.this.room_id, pw.this.minute)
    for name, table in (
        ("viewers", events.filter(pw.this.type == "enter")),
        ("payers", paid),
    ):
        users = table.groupby(*place).reduce(
            *place, users=pw.reducers.count_distinct(pw.this.user_id)
        )
        pw.io.jsonlines.write(users, str(Path(out, f"{name}.jsonl")))
    gmv = paid.groupby(*place, pw.this.product_id).reduce(
        *place, pw.this.product_id, gmv=pw.reducers.sum(pw.this.amount_minor)
    )
    pw.io.jsonlines.write(gmv, str(Path(out, "products.jsonl")))


def main() -> None:
    """Run the query."""
    source, out = sys.argv[1:3]
    os.environ["PATHWAY_THREADS"] = "1"
    # By name: only the peers' venv has it, and type checks run in ours.
    pw = importlib.import_module("pathway")
    logging.disable(logging.WARNING)
    build(pw, source, out)
    started = time.monotonic()
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)
    rows = sum(len(path.read_bytes().splitlines()) for path in Path(out).glob("*.jsonl"))
    figures = {"cpu_s": time.process_time(), "wall_s": time.monotonic() - started, "rows": rows}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
