"""The heat maps: what a minute's products leave behind, and metrics that exist."""

from operators.catalogue.metrics import METRIC_BY_NAME
from operators.heat import INTERACTIONS, PRODUCT_METRICS, PRODUCTS_A_MINUTE
from operators.shard import Record
from stream.replay import version_of
from tests.operators.one_room import T0_MS, event, quiet_shard, tick, ticks


def fields(log: list[bytes]) -> dict[str, dict[str, object]]:
    """Fields of the products' history, as patches leave them."""
    shard = quiet_shard()
    found: dict[str, dict[str, object]] = {}
    for output in shard.step([Record(version_of(1), 0, b"".join(log))]):
        for patch in output.patches:
            if patch.channel.endswith("/product"):
                found.setdefault(patch.channel, {}).update(patch.fields)
    return found


def click(number: int, at_ms: int, product: str, user: int = 1) -> bytes:
    return event("product_click", at_ms, number, user, product_id=product)


def test_every_row_of_the_maps_is_a_figure_of_the_minute() -> None:
    for metric in (*(heat.metric for heat in INTERACTIONS), *PRODUCT_METRICS):
        assert "1m" in METRIC_BY_NAME[metric].windows
    for metric in PRODUCT_METRICS:
        assert "product" in METRIC_BY_NAME[metric].dimensions


def test_the_most_clicked_products_of_each_minute_are_kept() -> None:
    many = PRODUCTS_A_MINUTE + 3
    log = [tick(0), *(click(n, n, f"p{n:02}", n) for n in range(many))]
    log += [click(100, 100, f"p{many - 1:02}", 7), *ticks(1, 70)]
    log += [click(101, 70_000, "p00"), *ticks(71, 190)]
    found = fields(log)["hist:t1/r1/product"]
    kept = {name.split(".")[1] for name in found if name.startswith(f"{T0_MS}.")}
    assert kept == {f"p{many - 1:02}", *(f"p{n:02}" for n in range(PRODUCTS_A_MINUTE - 1))}
    assert found[f"{T0_MS + 60_000}.p00"] == {
        "product_click_uv": 1, "cart_uv": 0, "orders_paid": 0, "gmv_paid": 0, "revision": 0,
    }  # fmt: skip


def test_a_late_event_corrects_its_products_minute() -> None:
    log = [tick(0), click(1, 10, "p1"), *ticks(1, 90), click(2, 40_000, "p1", 2), *ticks(91, 120)]
    (corrected,) = fields(log)["hist:t1/r1/product"].values()
    assert isinstance(corrected, dict)
    assert (corrected["product_click_uv"], corrected["revision"]) == (2, 1)
