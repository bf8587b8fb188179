"""The part of the catalogue that rules look at: a back-test needs no other figure."""

from dataclasses import replace
from typing import Final

from operators.catalogue import METRICS
from operators.facts import TOTALS
from operators.plan import Plan
from operators.rules.looks import NEAREST
from operators.rules.model import RuleSet

CONTRIBUTORS: Final = ("channel", "product")
"""Dimensions in which the largest contributor of an alert is looked for."""


def plan_of(rules: RuleSet) -> Plan:
    """A plan under which `rules` give the same alerts as under the whole catalogue."""
    named = {one for rule in rules.rules for one in (rule.metric, *rule.words.values())}
    named |= {NEAREST[name] for name in named if name in NEAREST}
    scopes = {"room", *CONTRIBUTORS, *(rule.scope for rule in rules.rules)}
    if "group" in scopes:
        scopes.add(TOTALS)
    metrics = [
        replace(metric, dimensions=tuple(d for d in metric.dimensions if d in scopes))
        for metric in METRICS
        # Without any figure of a room there would be no sessions to speak of.
        if metric.name in named or metric.name == "view_pv"
    ]
    return Plan(metric for metric in metrics if metric.dimensions)
