"""Answers to alerts are said with the next flush and taken back when a beat tells them."""

import msgspec

from operators.groups import Group
from operators.rules import parse_rules
from operators.rules.model import RuleSet
from stream.events import Event
from tests.operators.rules_facts import DEFAULT, T0_MS, Table

BASE = Event(
    event_id="e", source="s", type="operator_action", event_time_ms=T0_MS, tenant="t1",
    target_id="t1/r1/rule/x@1", status="ack", role="operator",
)  # fmt: skip
CHANNEL = "answers:t1/t1"


def made() -> Group:
    rules = parse_rules(DEFAULT.read_text())
    assert isinstance(rules, RuleSet)
    return Group("t1", "t1", rules)


def said(group: Group) -> dict[str, object] | None:
    found = [patch.fields for patch in group.flush(T0_MS) if patch.channel == CHANNEL]
    return dict(found[0]) if found else None


def test_an_answer_is_said_once_and_taken_back_by_the_beat_that_tells_it() -> None:
    group = made()
    assert said(group) is None
    group.observe(BASE)
    answer = {"state": "acked", "actor": "operator", "at_ms": T0_MS}
    assert said(group) == {"answer.t1/r1/rule/x@1": answer}
    assert said(group) is None
    group.alerts.evaluate(T0_MS, Table())
    assert said(group) is None, "the watermark has not passed it"
    group.alerts.evaluate(T0_MS + 5_000, Table())
    assert said(group) == {"answer.t1/r1/rule/x@1": None}


def test_the_last_answer_by_event_time_counts_in_any_order_of_arrival() -> None:
    later = msgspec.structs.replace(BASE, event_id="f", event_time_ms=T0_MS + 1, status="snooze")
    seen = []
    for order in ((BASE, later), (later, BASE)):
        group = made()
        for event in order:
            group.observe(event)
        seen.append(said(group))
    assert seen[0] == seen[1]
    assert seen[0] is not None
    assert seen[0]["answer.t1/r1/rule/x@1"] == {
        "state": "snoozed", "actor": "operator", "at_ms": T0_MS + 1,
    }  # fmt: skip


def test_after_a_loss_waiting_answers_are_said_again() -> None:
    group = made()
    group.observe(BASE)
    first = said(group)
    group.forget_sent()
    assert said(group) == first
