from collections import Counter

from prometheus_client.parser import text_string_to_metric_families

from sinks.gateway.metrics import AgeHistogram, Sample, by_label, merge, render


def text(process: int, connections: int) -> str:
    age = AgeHistogram()
    age.observe(30, 5)
    age.observe(-4, 1)
    age.observe(99_999, 2)
    closed = by_label("reason", Counter({"slow": 2}))
    samples = [
        Sample("connections", "gauge", "Open.", {"": connections}),
        Sample("closed_total", "counter", "Closed.", closed),
    ]
    return render(samples, age, process)


def test_the_text_is_what_prometheus_reads() -> None:
    families = {family.name: family for family in text_string_to_metric_families(text(0, 7))}
    (connections,) = families["liveroom_gateway_connections"].samples
    assert (connections.value, connections.labels) == (7, {"process": "0"})
    (closed,) = families["liveroom_gateway_closed"].samples
    assert closed.labels == {"process": "0", "reason": "slow"}
    age = families["liveroom_gateway_delivery_age_ms"].samples
    buckets = {s.labels["le"]: s.value for s in age if s.name.endswith("_bucket")}
    assert buckets["25"] == 1
    assert buckets["50"] == 6
    assert buckets["+Inf"] == 8


def test_several_processes_are_one_text() -> None:
    families = list(text_string_to_metric_families(merge([text(0, 7), text(1, 8)])))
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    found = next(f for f in families if f.name == "liveroom_gateway_connections")
    assert {s.labels["process"]: s.value for s in found.samples} == {"0": 7, "1": 8}


def test_quantiles_are_upper_bounds_and_nothing_is_none() -> None:
    age = AgeHistogram()
    assert age.quantile_ms(0.99) is None
    age.observe(30, 99)
    age.observe(180, 1)
    assert age.quantile_ms(0.5) == 50
    assert age.quantile_ms(0.995) == 200
