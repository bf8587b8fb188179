"""The status line's arithmetic, on pages as the gateway really renders them."""

import math

from sinks.gateway.metrics import AgeHistogram, Sample, render
from stream.demo_status import GatewayFigures, age_quantile_ms, parse_gateway, rate


def page(connections: int, ages: list[int], process: int = 0) -> str:
    histogram = AgeHistogram()
    for age in ages:
        histogram.observe(age, 1)
    samples = [Sample("connections", "gauge", "Open.", {"": connections})]
    return render(samples, histogram, process)


def test_the_gateways_own_page_is_understood() -> None:
    figures = parse_gateway(page(3, [10, 40, 90_000]))
    assert figures.connections == 3
    assert figures.age_buckets[0] == (25, 1)
    assert figures.age_buckets[-1] == (math.inf, 3)


def test_processes_are_summed() -> None:
    figures = parse_gateway(page(3, [10]) + page(4, [10, 20], process=1))
    assert figures.connections == 7
    assert figures.age_buckets[0] == (25, 3)


def test_the_quantile_is_of_what_happened_between_two_readings() -> None:
    before = parse_gateway(page(1, [4_000] * 100))
    after = parse_gateway(page(1, [4_000] * 100 + [10] * 99 + [180]))
    assert age_quantile_ms(before, after, 0.99) == 25
    assert age_quantile_ms(before, after, 1.0) == 200


def test_no_deliveries_mean_no_age() -> None:
    same = parse_gateway(page(1, [10]))
    assert age_quantile_ms(same, same, 0.99) is None
    assert age_quantile_ms(GatewayFigures(), GatewayFigures(), 0.99) is None


def test_a_rate_needs_two_readings_and_never_runs_backwards() -> None:
    assert rate({}, {"in": 10}, "in", 1.0) == 0.0
    assert rate({"in": 10}, {"in": 40}, "in", 2.0) == 15.0
    assert rate({"in": 40}, {"in": 10}, "in", 1.0) == 0.0


def test_text_that_is_no_metric_is_skipped() -> None:
    assert parse_gateway("") == GatewayFigures()
    assert parse_gateway("# HELP x y\nhello\n") == GatewayFigures()
