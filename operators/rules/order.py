"""Small questions about rules and the keys of their alerts, `rule|room|subject`."""

from collections.abc import Sequence

from operators.rules.model import Rule


def rule_name(key: str) -> str:
    """The rule of a key `rule|room|subject`."""
    return key.partition("|")[0]


def judged_on(rule: Rule) -> tuple[object, ...]:
    """What a detector's memory is about."""
    return rule.kind, rule.scope, rule.metric, rule.window, rule.every_s, dict(rule.words)


def silencers_first(rules: Sequence[Rule]) -> list[Rule]:
    """Rules after those that silence them, so that silence falls in the same beat."""
    waiting, ordered = list(rules), list[Rule]()
    while waiting:
        names = {rule.name for rule in waiting}
        ready = [rule for rule in waiting if not names.intersection(rule.silenced_by)]
        ordered += ready or waiting
        waiting = [rule for rule in waiting if ready and rule not in ready]
    return ordered
