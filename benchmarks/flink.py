"""The same query in Flink SQL; run by the Python of the peers' venv, imports nothing of ours.

    PEERS/bin/python benchmarks/flink.py INPUT.ndjson OUT_FOLDER

Reads JSON lines, one-minute tumbling windows: distinct viewers and payers by room, paid GMV by
room and product; writes JSON lines. Streaming mode, parallelism 1, one task manager in a JVM.
Prints user + system seconds of this process and all its children: the JVM with its JIT and GC.
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path

SOURCE = """
CREATE TABLE events (
  `type` STRING, event_time_ms BIGINT, tenant STRING, room_id STRING, user_id STRING,
  product_id STRING, amount_minor BIGINT,
  ts AS TO_TIMESTAMP_LTZ(event_time_ms, 3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'json')
"""
ROOMS = """
CREATE TABLE rooms (
  tenant STRING, room_id STRING, minute_start TIMESTAMP(3), view_uv BIGINT, pay_uv BIGINT
) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'json')
"""
PRODUCTS = """
CREATE TABLE products (
  tenant STRING, room_id STRING, product_id STRING, minute_start TIMESTAMP(3), gmv BIGINT
) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'json')
"""
CONVERSION = """
INSERT INTO rooms SELECT tenant, room_id, window_start,
  COUNT(DISTINCT user_id) FILTER (WHERE `type` = 'enter'),
  COUNT(DISTINCT user_id) FILTER (WHERE `type` = 'order_paid')
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY tenant, room_id, window_start, window_end
"""
PRODUCT_GMV = """
INSERT INTO products SELECT tenant, room_id, product_id, window_start, SUM(amount_minor)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
WHERE `type` = 'order_paid'
GROUP BY tenant, room_id, product_id, window_start, window_end
"""


def cpu_seconds() -> float:
    """User and system seconds so far of this process and everything below it."""
    tick = os.sysconf("SC_CLK_TCK")
    parent: dict[int, int] = {}
    used: dict[int, float] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parent[int(folder.name)] = int(fields[1])
            used[int(folder.name)] = sum(map(int, fields[11:15])) / tick
    total, level = 0.0, [os.getpid()]
    while level:
        total += sum(used[pid] for pid in level)
        level = [pid for pid, above in parent.items() if above in level]
    return total


def main() -> None:
    """Run the two statements as one job."""
    source, out = sys.argv[1:3]
    # By name: only the peers' venv has it, and type checks run in ours.
    api = importlib.import_module("pyflink.table")
    table = api.TableEnvironment.create(api.EnvironmentSettings.in_streaming_mode())
    config = table.get_config()
    config.set("parallelism.default", "1")
    config.set("table.local-time-zone", "UTC")
    table.execute_sql(SOURCE.format(path=Path(source).resolve().as_uri()))
    table.execute_sql(ROOMS.format(path=Path(out, "rooms").resolve().as_uri()))
    table.execute_sql(PRODUCTS.format(path=Path(out, "products").resolve().as_uri()))
    job = table.create_statement_set()
    job.add_insert_sql(CONVERSION)
    job.add_insert_sql(PRODUCT_GMV)
    started = time.monotonic()
    job.execute().wait()
    rows = sum(
        len(path.read_bytes().splitlines()) for path in Path(out).rglob("*") if path.is_file()
    )
    print(json.dumps({"cpu_s": cpu_seconds(), "wall_s": time.monotonic() - started, "rows": rows}))


if __name__ == "__main__":
    main()
