"""Done-when A.2: replayed figures against SQL over the original files, to the minor unit."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from operators.results import Row
from stream.formats import read_events
from stream.replay import run_replay
from stream.settings import Settings
from tests.stream.formats.support import KEY, shared_data

UCI = """
    CREATE TABLE uci AS
    SELECT row_number() OVER () AS line, InvoiceNo AS invoice, StockCode AS product,
        Quantity::BIGINT AS qty, InvoiceDate AS paid_at, CustomerID AS customer,
        round(UnitPrice::DECIMAL(12, 4) * abs(Quantity) * 100)::BIGINT AS minor,
        InvoiceNo LIKE 'C%' AS cancel
    FROM read_csv(?, header=true, all_varchar=true,
        types={'Quantity': 'BIGINT', 'InvoiceDate': 'TIMESTAMP'})
"""


def replayed(path: Path) -> list[Row]:
    return list(run_replay(read_events(path, "auto", KEY), engine="loop", settings=Settings()))


def metrics(row: Row) -> Mapping[str, Any]:
    found = row.body["metrics"]
    assert isinstance(found, dict)
    return found


def rows_of(rows: Iterable[Row], dimension: str, window: str) -> list[Row]:
    return [
        row
        for row in rows
        if row.kind == "metric" and (row.dimension, row.window) == (dimension, window)
    ]


@pytest.fixture(scope="module")
def uci() -> Iterator[tuple[list[Row], duckdb.DuckDBPyConnection]]:
    path = shared_data("uci_online_retail", "2010-12-01.csv")
    with duckdb.connect(":memory:") as connection:
        connection.execute(UCI, [str(path)])
        yield replayed(path), connection


def test_the_day_of_the_shop_agrees_to_the_penny(
    uci: tuple[list[Row], duckdb.DuckDBPyConnection],
) -> None:
    rows, connection = uci
    (session,) = rows_of(rows, "room", "session")
    found = connection.execute("""
        SELECT sum(minor) FILTER (NOT cancel AND qty > 0), sum(minor) FILTER (cancel),
            count(DISTINCT invoice) FILTER (NOT cancel AND qty > 0),
            count(DISTINCT customer) FILTER (NOT cancel AND qty > 0),
            sum(qty) FILTER (NOT cancel AND qty > 0)
        FROM uci""").fetchone()
    assert found is not None
    gmv, refunds, orders, buyers, units = map(int, found)
    says = metrics(session)
    assert gmv > 5_000_000
    assert refunds > 0
    assert says["gmv_paid"] == gmv
    assert says["gmv_net"] == gmv - refunds
    assert says["refund_amount"] == refunds
    assert says["refund_rate"] == {"num": refunds, "den": gmv, "value": refunds / gmv}
    assert says["orders_paid"] == orders
    assert says["units_paid"] == units
    assert says["pay_uv"] == says["order_uv"] == buyers
    assert says["aov_order"] == {"num": gmv, "den": orders, "value": gmv / orders}
    assert says["aov_buyer"] == {"num": gmv, "den": buyers, "value": gmv / buyers}


def test_the_top_20_products_agree(uci: tuple[list[Row], duckdb.DuckDBPyConnection]) -> None:
    rows, connection = uci
    wanted = connection.execute("""
        SELECT product, sum(minor)::BIGINT AS gmv FROM uci WHERE NOT cancel AND qty > 0
        GROUP BY product ORDER BY gmv DESC, product LIMIT 20""").fetchall()
    boards = [row for row in rows if row.kind == "board" and row.dimension == "products_gmv"]
    last = max((row for row in boards if row.room_id is None), key=lambda row: row.end_ms)
    lines = last.body["lines"]
    assert isinstance(lines, list)
    assert [(line["key"], line["value"]) for line in lines[:20]] == wanted
    by_product = {row.key: metrics(row)["gmv_paid"] for row in rows_of(rows, "product", "session")}
    assert [(product, by_product[product]) for product, _ in wanted] == wanted


def test_every_minute_of_the_shop_agrees(
    uci: tuple[list[Row], duckdb.DuckDBPyConnection],
) -> None:
    rows, connection = uci
    wanted = connection.execute("""
        SELECT epoch_ms(date_trunc('minute', paid_at)) AS start_ms,
            coalesce(sum(minor) FILTER (NOT cancel AND qty > 0), 0)::BIGINT,
            coalesce(sum(minor) FILTER (cancel), 0)::BIGINT,
            count(DISTINCT invoice) FILTER (NOT cancel AND qty > 0)
        FROM uci WHERE cancel OR qty > 0 GROUP BY start_ms ORDER BY start_ms""").fetchall()
    found = sorted(
        (
            row.start_ms,
            metrics(row)["gmv_paid"],
            metrics(row)["refund_amount"],
            metrics(row)["orders_paid"],
        )
        for row in rows_of(rows, "room", "1m")
        if metrics(row)["orders_paid"] or metrics(row)["refund_amount"]
    )
    # December: London is at UTC, so the file's local minutes are the engine's.
    assert found == [line for line in wanted if line[2] or line[3]]


def test_the_funnel_of_clicks_carts_and_orders_agrees() -> None:
    path = shared_data("otto", "train.jsonl")
    with duckdb.connect(":memory:") as connection:
        _compare_funnel(connection, path)


def _compare_funnel(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    connection.execute(
        """CREATE TABLE otto AS
        SELECT session, e.aid AS aid, e.ts AS ts, e.type AS type
        FROM (SELECT session, unnest(events) AS e FROM read_ndjson(?))""",
        [str(path)],
    )
    rows = replayed(path)
    sessions = rows_of(rows, "room", "session")
    assert len(sessions) > 1
    for row in sessions:
        wanted = connection.execute(
            """SELECT count(DISTINCT session) FILTER (type = 'clicks'),
                count(DISTINCT session) FILTER (type = 'carts'),
                count(DISTINCT session) FILTER (type = 'orders')
            FROM otto WHERE ts >= ? AND ts < ?""",
            [row.start_ms, row.end_ms],
        ).fetchone()
        says = metrics(row)
        steps = ("product_click_uv", "cart_uv", "order_uv")
        assert wanted is not None
        for name, value in zip(steps, wanted, strict=True):
            assert says.get(name, value) == value
        assert says["gmv_paid"] == 0
    counts = connection.execute("SELECT type, count(*) FROM otto GROUP BY type").fetchall()
    assert dict(counts) == {"clicks": 800, "carts": 52, "orders": 10}
