"""Every metric of the catalogue: known terms, known axes, two names, and exercised."""

from collections import defaultdict
from functools import cache
from random import Random

import pytest

from operators.catalogue import as_json, as_markdown
from operators.catalogue.axes import DIMENSIONS, WINDOWS
from operators.catalogue.boards import TALK_BOARDS
from operators.catalogue.measures import MEASURES, Kind
from operators.catalogue.metrics import METRIC_BY_NAME, METRICS, Metric
from operators.catalogue.model import Terms
from operators.plan import ID_COLUMNS, VALUE_COLUMNS, Plan
from operators.results import Row
from operators.snapshot import freeze, thaw
from stream.events import EVENT_TYPES, TYPE_BY_NAME
from tests.operators.one_room import event, play, quiet_shard, tick, ticks

MEASURE_NAMES = {measure.name for measure in MEASURES}
WINDOW_NAMES = {window.name for window in WINDOWS}
DIMENSION_NAMES = {dimension.name for dimension in DIMENSIONS}
UNITS = {"minor", "count", "ratio", "per_minute", "seconds", "times"}
each_metric = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)

TRAITS = {
    "channel": ("feed", "paid"),
    "host_id": ("h1", "h2"),
    "segment": ("new", "member"),
    "campaign_id": ("c1", "c2"),
    "platform": ("douyin", "taobao"),
}


def eventful(random: Random, number: int, at_ms: int) -> list[bytes]:
    """An event of every type a measure counts, with all it can have."""
    kinds = sorted({kind for measure in MEASURES for kind in measure.types})
    lines = []
    for place, kind in enumerate(kinds):
        entry = TYPE_BY_NAME[kind]
        known = {*entry.required, *entry.optional}
        more: dict[str, object] = {name: random.choice(keys) for name, keys in TRAITS.items()}
        if "product_id" in known:
            more["product_id"] = random.choice(("p1", "p2"))
        if "order_id" in known:
            more |= {"order_id": f"o{random.randint(0, 9)}", "line_id": f"{random.randint(0, 2)}"}
        if "refund_id" in known:
            more["refund_id"] = f"f{random.randint(0, 9)}"
        if "amount_minor" in known:
            more["amount_minor"] = random.randint(1, 99_999)
        if "text" in known:
            more["text"] = random.choice(("多少钱?", "是假货", "好看"))
        if "qty" in known:
            more["qty"] = random.randint(1, 4)
        user = random.randint(1, 6)
        lines.append(
            event(kind, at_ms + random.randint(0, 999), number * 100 + place, user, **more)
        )
    return lines


@cache
def log() -> tuple[bytes, ...]:
    """A room in which everything happens, for 100 seconds, and the ticks that end it."""
    random = Random(4)
    lines = [tick(0), event("room_status", 0, 99_999, status="start")]
    lines.append(event("enter", 0, 96_000, 7))  # and only watches
    marks: dict[int, tuple[tuple[str, dict[str, object]], ...]] = {
        0: (("explain_start", {"product_id": "p1"}), ("shift_start", {"host_id": "h1"})),
        40: (("promo_start", {"campaign_id": "c1"}), ("explain_end", {"product_id": "p1"})),
        60: (("promo_end", {"campaign_id": "c1"}), ("explain_start", {"product_id": "p2"})),
    }
    lines += [
        event("catalog", 0, 98_000 + n, None, role="product", target_id=f"p{n}", title="One",
              unit_cost_minor=5)
        for n in range(9)
    ]  # fmt: skip
    lines += [
        event("target", 0, 98_100 + n, None, metric=metric, value=90)
        for n, metric in enumerate(("gmv_paid", "session_minutes"))
    ]
    # The viewers of the rest come to do everything; these stop earlier.
    steps = ("enter", "share", "product_click", "add_to_cart")
    lines += [
        event(kind, 0, 98_200 + last * 9 + n, 900 + last, product_id="p1")
        for last in range(len(steps))
        for n, kind in enumerate(steps[: last + 1])
    ]
    for second in range(100):
        lines += [
            event(
                "room_stats", second * 1000, 97_000 + second * 9 + n, None, metric=m, value=second
            )
            for n, m in enumerate(("online", "viewers", "likes", "gmv"))
        ]
        lines += [*ticks(second, second), *eventful(random, second, second * 1000)]
        for place, (kind, more) in enumerate(marks.get(second, ())):
            lines.append(event(kind, second * 1000, 90_000 + second * 2 + place, None, **more))
    lines += [event("room_status", 100_000, 99_998, status="end"), *ticks(100, 230)]
    return tuple(lines)


@cache
def final_rows() -> tuple[Row, ...]:
    return tuple(row for row in play(log(), quiet_shard()).rows if row.kind == "metric")


def terms(metric: Metric) -> Terms:
    return (*metric.num, *(metric.den or ()))


@each_metric
def test_a_metric_is_made_of_known_parts_and_has_two_titles(metric: Metric) -> None:
    assert {name for name, _ in terms(metric)} <= MEASURE_NAMES
    assert metric.num
    assert metric.den != ()
    assert set(metric.windows) <= WINDOW_NAMES
    assert set(metric.dimensions) <= DIMENSION_NAMES
    assert metric.windows
    assert metric.dimensions
    assert metric.unit in UNITS
    assert metric.formula
    assert metric.title_en.isascii()
    assert any("\u4e00" <= char <= "\u9fff" for char in metric.title_zh)


@each_metric
def test_a_metric_has_a_value_in_every_window_and_dimension_it_names(metric: Metric) -> None:
    allowed = {dimension.name: set(dimension.windows) for dimension in DIMENSIONS}
    promised = {
        (dimension, window)
        for dimension in metric.dimensions
        for window in set(metric.windows) & allowed[dimension]
    }
    found = defaultdict(list)
    for row in final_rows():
        metrics = row.body["metrics"]
        assert isinstance(metrics, dict)
        if metric.name in metrics:
            found[row.dimension, row.window].append(metrics[metric.name])
    assert set(found) == promised
    for where, values in found.items():
        assert any(value != 0 and value is not None for value in map(_number, values)), where


def _number(value: object) -> object:
    return value["value"] if isinstance(value, dict) else value


def test_names_are_unique() -> None:
    assert len(METRIC_BY_NAME) == len(METRICS)
    assert len(MEASURE_NAMES) == len(MEASURES)


def test_measures_read_columns_a_fold_has_of_types_that_exist() -> None:
    for measure in MEASURES:
        assert set(measure.types) <= set(TYPE_BY_NAME)
        if measure.kind is Kind.GAUGE:
            assert not measure.types
        elif measure.kind is Kind.DISTINCT:
            assert measure.column in ID_COLUMNS
        else:
            assert (measure.column or "one") in VALUE_COLUMNS


def test_the_views_say_what_the_catalogue_says() -> None:
    plan = Plan()
    by_name = {measure.name: number for number, measure in enumerate(plan.measures)}
    for view in plan.views:
        for column, metric in enumerate(view.metrics):
            for matrix, wanted in ((view.num, metric.num), (view.den, metric.den or ())):
                got = {name: int(matrix[number, column]) for name, number in by_name.items()}
                assert {name: factor for name, factor in got.items() if factor} == dict(wanted)
            assert bool(view.has_den[column]) == (metric.den is not None)


def test_an_event_adds_once_to_each_measure_of_its_type_and_dimension() -> None:
    plan = Plan()
    for added in (plan.added, plan.told_apart):
        for code in range(len(EVENT_TYPES)):
            first, count = int(added.start[code]), int(added.count[code])
            pairs = [
                (int(added.dimension[entry]), int(added.measure[entry]))
                for entry in range(first, first + count)
            ]
            assert len(pairs) == len(set(pairs))
            assert all(EVENT_TYPES[code].name in plan.measures[m].types for _, m in pairs)


def test_a_plan_of_one_metric_folds_only_what_it_needs() -> None:
    metric = METRIC_BY_NAME["view_uv"]
    plan = Plan([metric])
    assert [measure.name for measure in plan.measures] == ["viewers"]
    assert {dimension.name for dimension in plan.dimensions} == set(metric.dimensions)
    assert int(plan.added.count.sum()) == 0


def test_the_merge_law_two_halves_in_either_order_give_the_same_figures() -> None:
    random = Random(8)
    lines = [line for second in range(4) for line in eventful(random, second, second * 400)]
    # Lines of one order in one half: the first word on an order stands, whichever it is.
    lines = [line for line in lines if b'"order_id"' not in line]
    start = [tick(0), event("room_status", 0, 99_999, status="start"), tick(1)]
    first, second = lines[::2], lines[1::2]
    end = [event("room_status", 3_000, 99_998, status="end"), *ticks(1, 140)]
    one = play([*start, *first, *second, *end], quiet_shard())
    other = play([*start, *second, *first, *end], quiet_shard())
    assert sorted(map(str, one.rows)) == sorted(map(str, other.rows))
    assert one.rows


def test_a_snapshot_round_trip_gives_the_same_rows() -> None:
    half = len(log()) // 2
    shard = quiet_shard()
    before = play(log()[:half], shard)
    again = quiet_shard()
    thaw(again, freeze(shard))
    rows = [*before.rows, *play(log()[half:], again).rows]
    assert [row for row in rows if row.kind == "metric"] == list(final_rows())


def test_the_forms_others_read_name_every_metric() -> None:
    listed = as_json()["metrics"]
    assert isinstance(listed, list)
    assert [entry["name"] for entry in listed] == [metric.name for metric in METRICS]
    assert all(f"| `{metric.name}` |" in as_markdown() for metric in METRICS)
    boards = as_json()["boards"]
    assert isinstance(boards, list)
    assert [entry["name"] for entry in boards] == [board.channel for board in TALK_BOARDS]
    assert all(f"| `{board.channel}` |" in as_markdown() for board in TALK_BOARDS)
