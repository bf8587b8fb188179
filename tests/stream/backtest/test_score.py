"""Alerts against labels: what is true, related, false, missed."""

from dataclasses import replace

import pytest

from operators.rules.model import Rule, unknown_rule
from stream.backtest.labels import Incident
from stream.backtest.score import Fired, Score, Scores, add

RULE: Rule = replace(unknown_rule("drop"), incidents=("traffic_drop",), also=("feed_outage",))
RULES = {"drop": RULE}
LABEL = Incident("traffic_drop", "t1", 100_000, 200_000, "r1", None, 40_000)


def fired(at_ms: int, room: str | None = "r1", subject: str = "r1", tenant: str = "t1") -> Fired:
    return Fired("drop", tenant, room, subject, at_ms, at_ms + 2_000)


def judged(alerts: list[Fired], labels: list[Incident]) -> Scores:
    scores = Scores(labelled=True)
    add(scores, RULES, alerts, labels)
    return scores


@pytest.mark.parametrize(
    ("at_ms", "verdict"),
    [
        (39_000, "related"), (37_000, "false"), (98_000, "true"), (150_000, "true"),
        (260_000, "true"), (261_000, "related"), (500_000, "related"), (501_000, "false"),
    ],
)  # fmt: skip
def test_an_alert_is_judged_by_its_time(at_ms: int, verdict: str) -> None:
    score = judged([fired(at_ms)], [LABEL]).rules["drop"]
    assert {name: getattr(score, name) for name in ("true", "related", "false")} == {
        **dict.fromkeys(("true", "related", "false"), 0),
        verdict: 1,
    }


def test_an_alert_of_another_room_or_shop_is_false() -> None:
    assert judged([fired(150_000, "r2")], [LABEL]).rules["drop"].false == 1
    assert judged([fired(150_000, tenant="t2")], [LABEL]).rules["drop"].false == 1


def test_an_alert_of_a_pool_is_matched_by_its_subject() -> None:
    label = replace_subject(LABEL, "p7")
    assert judged([fired(150_000, None, "p7")], [label]).rules["drop"].true == 1
    assert judged([fired(150_000, None, "p8")], [label]).rules["drop"].false == 1


def replace_subject(label: Incident, subject: str) -> Incident:
    return Incident(label.kind, label.tenant, label.start_ms, label.end_ms, "r1", subject)


def test_what_a_rule_may_tell_as_well_is_related() -> None:
    outage = Incident("feed_outage", "t1", 100_000, 200_000, "r1")
    scores = judged([fired(150_000)], [outage])
    assert scores.rules["drop"].related == 1
    assert scores.kinds["feed_outage"].missed == 1


def test_the_first_alert_of_an_incident_is_its_time_to_detect() -> None:
    scores = judged([fired(130_000), fired(120_000)], [LABEL])
    assert scores.kinds["traffic_drop"].detect_s == 22
    assert scores.rules["drop"].true == 2
    assert scores.kinds["traffic_drop"].recall == 1


def test_an_incident_without_alert_is_missed_and_a_known_event_is_not_asked_for() -> None:
    known = Incident("flash_sale", "t1", 0, 10, "r1", alert=False)
    scores = judged([], [LABEL, known])
    assert scores.kinds == {"traffic_drop": Score(incidents=1, missed=1)}
    assert scores.kinds["traffic_drop"].recall == 0


def test_without_labels_or_hours_there_is_no_rate() -> None:
    assert Scores().false_per_hour is None
    assert Scores(labelled=True).false_per_hour is None
    assert Score().recall is None
    assert Score().detect_s is None
