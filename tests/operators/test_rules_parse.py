"""Rule files: what is read, and how mistakes are explained."""

import pytest

from operators.rules import RuleProblem, RuleSet, parse_rules
from operators.rules.book import DETECTORS
from operators.rules.kinds import KINDS
from simulators.scenarios import EFFECTS
from tests.operators.rules_facts import DEFAULT, rules_of, with_texts

GOOD = """
[settings]
known_event_s = 60

[[rule]]
name = "high"
kind = "threshold"
metric = "online_now"
window = "session"
above = 100
"""


def problems(text: str) -> list[RuleProblem]:
    found = parse_rules(text)
    assert isinstance(found, list)
    return found


def lines_of(text: str, old: str, new: str) -> list[tuple[str, str]]:
    """(text of the line named, message) for each problem after replacing `old` by `new`."""
    assert old in text
    broken = text.replace(old, new)
    rows = broken.splitlines()
    return [(rows[one.line - 1].strip() if one.line else "", one.message)
            for one in problems(broken)]  # fmt: skip


def test_the_default_rules_are_good_and_cover_every_simulated_incident() -> None:
    rules = rules_of(DEFAULT.read_text())
    found = {kind for rule in rules.rules for kind in rule.incidents}
    assert {kind for kind, effect in EFFECTS.items() if effect.alert} <= found
    assert len({rule.name for rule in rules.rules}) == len(rules.rules) >= 14


def test_every_kind_has_a_detector_and_every_detector_a_kind() -> None:
    assert set(KINDS) == set(DETECTORS)


def test_defaults_are_filled_in() -> None:
    rules = rules_of(with_texts(GOOD))
    rule = rules.rules[0]
    assert (rule.scope, rule.severity, rule.role, rule.hold_s, rule.every_s) == (
        "room", "warning", "operator", 0, 5,
    )  # fmt: skip
    assert rules.settings["known_event_s"] == 60
    assert rules.settings["snooze_s"] == 600


def test_the_digest_names_the_text() -> None:
    one, two = rules_of(with_texts(GOOD)), rules_of(with_texts(GOOD) + "# a remark\n")
    assert one.digest != two.digest
    assert one.digest == rules_of(with_texts(GOOD)).digest


@pytest.mark.parametrize(
    ("old", "new", "line", "part"),
    [
        ("above = 100", "abov = 100", "abov = 100", "unknown key 'abov'"),
        ("above = 100", 'above = "100"', 'above = "100"', "must be a number"),
        ("above = 100", "above = true", "above = true", "must be a number"),
        ("above = 100", "above = 100\nhold_s = -1", "hold_s = -1", "outside 0 to 3600"),
        ("above = 100", "above = 100\nhold_s = 1.5", "hold_s = 1.5", "whole number"),
        ("above = 100", "above = 100\nevery_s = 1", "every_s = 1", "must be 5 or more"),
        ("above = 100", "above = 100\nevery_s = 0", "every_s = 0", "outside 1"),
        ('kind = "threshold"', 'kind = "treshold"', 'kind = "treshold"', "is not one of"),
        ('metric = "online_now"', 'metric = "online"', 'metric = "online"', "not in the catalogue"),
        ('window = "session"', 'window = "r7"', 'window = "r7"', "is not one of"),
        ('name = "high"', 'name = "Very High"', 'name = "Very High"', "lower-case"),
        ('name = "high"\n', "", "[[rule]]", "name"),
        ("known_event_s = 60", "known_events = 60", "known_events = 60", "unknown setting"),
        ("known_event_s = 60", "known_event_s = 9999", "known_event_s = 9999", "outside 0 to 3600"),
        ("known_event_s = 60", "negative_words = [1]", "negative_words = [1]", "list of texts"),
        ("above = 100", 'above = 100\nsilenced_by = ["x"]', 'silenced_by = ["x"]', "no rule"),
        ("above = 100", 'above = 100\nsilenced_by = ["high"]', 'silenced_by = ["high"]', "circle"),
        ("above = 100", 'above = 100\nsilenced_by = "x"', 'silenced_by = "x"', "list of texts"),
        ("above = 100", 'above = 100\nresets_on = ["rain"]', 'resets_on = ["rain"]', "not one of"),
        ("above = 100", 'above = 100\nscope = "pool"', 'metric = "online_now"', "stock pool"),
        ("above = 100", 'above = 100\nscope = "product"', 'metric = "online_now"', "by product"),
        ("above = 100", 'above = 100\nseverity = "bad"', 'severity = "bad"', "not one of"),
        ("[[rule]]", "[rules]\n[[rule]]", "[rules]", "unknown table"),
        ("[[rule]]", "[rule]", "[rule]", "two brackets"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(old: str, new: str, line: str, part: str) -> None:
    found = lines_of(with_texts(GOOD), old, new)
    assert any(where == line and part in message for where, message in found), found


def test_every_mistake_is_told_not_only_the_first() -> None:
    text = with_texts(GOOD).replace("above = 100", "abov = 1\nhold_s = -1\nmetrics = 2")
    found = problems(text)
    assert len(found) == 4  # three keys, and threshold without a level
    assert [one.line for one in found] == sorted(one.line for one in found)


def test_a_second_rule_of_the_same_name_points_to_the_first() -> None:
    text = with_texts(GOOD)
    again = text + text[text.index("[[rule]]") :]
    found = problems(again)
    assert len(found) == 1
    assert "a second rule 'high'; the first is in line" in found[0].message
    assert again.splitlines()[found[0].line - 1] == 'name = "high"'


def test_lines_are_right_behind_multi_line_texts() -> None:
    text = with_texts(GOOD).replace('action_en = "-"', 'action_en = """\n[[rule]]\nabov = 1\n"""')
    assert isinstance(parse_rules(text), RuleSet)
    found = lines_of(text, "above = 100", "abov = 100")
    assert ("abov = 100", "unknown key 'abov' for kind 'threshold'") in found


def test_what_is_not_toml_is_told_with_its_line() -> None:
    found = problems("[[rule]]\nname = \n")
    assert [one.line for one in found] == [2]
    assert "not TOML" in found[0].message


def test_no_rules_at_all_is_a_rule_set_without_rules() -> None:
    assert rules_of("").rules == ()
