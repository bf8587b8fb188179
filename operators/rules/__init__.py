"""Alert rules: a TOML language, its detectors and the life of an alert. Pure."""

from operators.rules.book import AlertBook
from operators.rules.model import (
    AlertChange,
    Facts,
    Finding,
    RoomFacts,
    Rule,
    RuleProblem,
    RuleSet,
)
from operators.rules.parse import parse_rules

__all__ = [
    "AlertBook",
    "AlertChange",
    "Facts",
    "Finding",
    "RoomFacts",
    "Rule",
    "RuleProblem",
    "RuleSet",
    "parse_rules",
]
