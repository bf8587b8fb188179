"""Detectors one by one, on series made by hand."""

from dataclasses import dataclass, field

import pytest

from operators.rules.book import DETECTORS
from operators.rules.judge import Look, Memory, wilson_interval
from operators.rules.kinds import KINDS
from operators.rules.model import Finding, Rule, Value
from tests.operators.rules_facts import T0_MS, rules_of, with_texts

BEAT_MS = 5_000


@dataclass
class Bench:
    """One rule and one subject; `feed` lets a beat pass with the figures given."""

    rule: Rule
    memory: Memory = field(default_factory=Memory)
    now_ms: int = T0_MS
    started_ms: int = T0_MS
    target: int | None = None

    def feed(
        self, values: dict[str, Value], learning: bool = True, reset_ms: int = 0
    ) -> Finding | None:
        self.now_ms += self.rule.every_s * 1000
        look = Look(
            self.now_ms,
            self.started_ms,
            reset_ms,
            learning,
            lambda window, metric: values.get(f"{window or 'session'} {metric}", (None, None)),
            lambda metric: self.target,
        )
        return DETECTORS[self.rule.kind](self.rule, look, self.memory)

    def total(self, beats: int, each: float, name: str, start: float = 0) -> list[Finding | None]:
        """A running total that grows by `each` per beat."""
        return [
            self.feed({f"session {name}": (start + each * (beat + 1), None)})
            for beat in range(beats)
        ]


def bench(kind: str, **keys: object) -> Bench:
    lines = "\n".join(f"{key} = {_toml(value)}" for key, value in keys.items())
    text = f'[[rule]]\nname = "x"\nkind = "{kind}"\n{lines}\n'
    return Bench(rules_of(with_texts(text)).rules[0])


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def breaches(found: list[Finding | None]) -> list[int]:
    return [place for place, one in enumerate(found) if one is not None and one.breach]


LEVEL: dict[str, object] = {
    "metric": "online_now", "window": "session", "ratio": 0.7, "clear_ratio": 0.85,
    "warmup_s": 60, "gap_s": 30,
}  # fmt: skip


@pytest.mark.parametrize("kind", ["robust_z", "ewma"])
def test_a_level_far_below_its_past_is_a_breach_and_a_small_dip_is_not(kind: str) -> None:
    keys = {key: value for key, value in LEVEL.items() if kind == "robust_z" or key != "gap_s"}
    one = bench(kind, **keys)

    def level(value: float) -> Finding | None:
        return one.feed({"session online_now": (value, None)})

    assert breaches([level(500 + beat % 7) for beat in range(100)]) == []
    dip, drop, back = level(420), level(300), level(490)
    assert dip is not None and not dip.breach
    assert drop is not None and drop.breach
    assert drop.baseline == pytest.approx(500, abs=20)
    assert back is not None and back.clear


def test_a_lasting_breach_becomes_the_new_normal() -> None:
    one = bench("robust_z", **LEVEL, relearn_s=300)
    found = [one.feed({"session online_now": (value, None)}) for value in [500] * 100 + [200] * 150]
    places = breaches(found)
    assert places[0] == 100
    assert 155 <= places[-1] <= 165
    assert not breaches(found[200:])


def test_a_surge_needs_its_ratio_and_its_least_value() -> None:
    keys: dict[str, object] = {**LEVEL, "direction": "surge", "ratio": 3, "clear_ratio": 1.5}
    small, large = bench("robust_z", **keys, min_value=60), bench("robust_z", **keys, min_value=5)
    for one, expected in ((small, False), (large, True)):
        for _ in range(100):
            one.feed({"session online_now": (10, None)})
        found = one.feed({"session online_now": (40, None)})
        assert found is not None
        assert found.breach is expected


def test_nothing_is_judged_or_learned_while_the_figures_are_unfit() -> None:
    one = bench("robust_z", **LEVEL)
    for _ in range(100):
        one.feed({"session online_now": (500, None)})
    known = list(one.memory.points)
    assert one.feed({"session online_now": (0, None)}, learning=False) is None
    assert one.memory.points == known


def test_a_known_event_forgets_the_past() -> None:
    one = bench("robust_z", **LEVEL)
    for _ in range(100):
        one.feed({"session online_now": (500, None)})
    assert one.feed({"session online_now": (100, None)}, reset_ms=one.now_ms) is None


def test_a_rate_is_the_growth_of_a_total_per_minute() -> None:
    keys: dict[str, object] = {**LEVEL, "metric": "view_pv", "rate_s": 60}
    one = bench("robust_z", **keys)
    one.total(200, 10, "view_pv")
    found = one.feed({"session view_pv": (2_010, None)})
    assert found is not None
    assert found.value == pytest.approx(120)


def test_a_change_compares_with_the_window_before() -> None:
    one = bench(
        "change", metric="online_now", window="session", ratio=0.5, clear_ratio=0.8,
        gap_s=60, warmup_s=60, min_value=10,
    )  # fmt: skip
    values = [100] * 30 + [40] * 20
    found = [one.feed({"session online_now": (value, None)}) for value in values]
    assert breaches(found) == list(range(30, 42))


def test_cusum_finds_a_lasting_drop_of_a_count_and_ignores_a_pause() -> None:
    keys: dict[str, object] = {
        "metric": "lines_paid", "ratio": 0.4, "limit": 6, "min_exposure": 4, "min_count": 20,
    }  # fmt: skip
    one = bench("cusum", **keys)
    assert breaches(one.total(120, 1, "lines_paid")) == []
    paused = [one.feed({"session lines_paid": (120, None)}) for _ in range(4)]
    assert breaches(paused) == []
    again = one.total(30, 1, "lines_paid", 120)
    assert breaches(again) == []
    stopped = [one.feed({"session lines_paid": (150, None)}) for _ in range(20)]
    assert 9 <= breaches(stopped)[0] <= 12


def test_cusum_of_a_share_counts_each_trial() -> None:
    one = bench("cusum_ratio", metric="orders_ripe_paid", per="orders_ripe", ratio=0.3, limit=6)
    paid, found = 0, []
    for beat, trials in enumerate(range(1, 241)):
        paid += 1 if (beat < 200 and beat % 10) or beat % 10 == 1 else 0
        found.append(
            one.feed(
                {"session orders_ripe_paid": (paid, None), "session orders_ripe": (trials, None)}
            )
        )
    assert breaches(found[:200]) == []
    assert breaches(found)
    assert breaches(found)[0] <= 212


def test_a_wilson_interval_must_exclude_the_rate_before_the_window() -> None:
    one = bench("wilson", metric="cvr_click", window="r5", z=3, min_den=50, min_base_den=200)
    whole: Value = (200, 1_000)
    few = one.feed({"r5 cvr_click": (0, 40), "session cvr_click": whole})
    usual = one.feed({"r5 cvr_click": (15, 100), "session cvr_click": whole})
    low = one.feed({"r5 cvr_click": (3, 100), "session cvr_click": whole})
    assert few is None
    assert usual is not None and not usual.breach
    assert low is not None and low.breach
    assert low.baseline == pytest.approx(197 / 900)


def test_the_wilson_interval_is_that_of_the_text_books() -> None:
    low, high = wilson_interval(10, 100, 1.959964)
    assert (round(low, 4), round(high, 4)) == (0.0552, 0.1744)
    assert wilson_interval(0, 10, 1.959964)[0] == pytest.approx(0)


def test_a_share_needs_distinct_users() -> None:
    keys: dict[str, object] = {
        "metric": "negative_share", "window": "r3", "users": "negative_users", "ratio": 3,
    }  # fmt: skip
    for users, expected in ((1, False), (6, True)):
        one = bench("share", **keys)
        for _ in range(100):
            one.feed({"r3 negative_share": (1, 50), "r3 negative_users": (1, None)})
        found = one.feed({"r3 negative_share": (20, 60), "r3 negative_users": (users, None)})
        assert found is not None
        assert found.breach is expected
        assert found.baseline == pytest.approx(0.02, abs=0.01)


def test_the_pace_is_slow_only_when_both_windows_are() -> None:
    one = bench("pace", metric="gmv_paid", warmup_s=300, planned_s=3600, long_s=1800, short_s=300)
    one.target = 72_000
    assert breaches(one.total(100, 100, "gmv_paid")) == []
    slow = one.total(60, 20, "gmv_paid", 10_000)
    fast = one.total(60, 150, "gmv_paid", 11_200)
    assert breaches(slow)
    assert not breaches(fast[-5:])


def test_without_a_target_there_is_no_pace() -> None:
    assert breaches(bench("pace", metric="gmv_paid").total(200, 1, "gmv_paid")) == []


def test_a_report_is_held_against_what_ours_was_when_it_came() -> None:
    one = bench(
        "mismatch", metric="gmv_paid", window="session", reported="reported_gmv", ratio=0.05
    )
    findings = []
    for beat in range(1, 61):
        ours, report = 1_000 * beat, 1_000 * (beat // 12 * 12) or None
        findings.append(
            one.feed({"session gmv_paid": (ours, None), "session reported_gmv": (report, None)})
        )
    assert breaches(findings) == []
    off = one.feed({"session gmv_paid": (61_000, None), "session reported_gmv": (80_000, None)})
    assert off is not None
    assert off.breach


def test_no_data_is_no_verdict_for_every_kind() -> None:
    samples: dict[str, dict[str, object]] = {
        "threshold": {"above": 1}, "absence": {"after_s": 30, "metric": "silence_s", "window": ""},
        "event": {"metric": "violations"}, "robust_z": {"ratio": 1}, "ewma": {"ratio": 1},
        "change": {"ratio": 1}, "cusum": {"ratio": 0.5},
        "cusum_ratio": {"ratio": 0.5, "per": "orders_ripe", "metric": "orders_ripe_paid"},
        "wilson": {"metric": "cvr_click", "window": "r5"},
        "share": {"ratio": 1, "metric": "negative_share", "window": "r3"},
        "pace": {"metric": "gmv_paid"}, "mismatch": {"reported": "reported_gmv"},
    }  # fmt: skip
    assert set(samples) == set(KINDS)
    for kind, keys in samples.items():
        one = bench(kind, **{"metric": "online_now", "window": "session", **keys})
        assert [one.feed({}) for _ in range(3)] == [None] * 3
