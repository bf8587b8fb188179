"""`liveroom backtest`: replay recordings under one or more rule files and compare."""

import sys
from collections.abc import Sequence
from importlib.resources import files as resources
from pathlib import Path

from operators.rules.model import RuleSet
from operators.rules.parse import parse_rules
from stream.backtest.chart import Played, html_report
from stream.backtest.labels import Truth, read_truth
from stream.backtest.play import play, read_rules
from stream.backtest.score import Fired, Score, Scores, add
from stream.backtest.table import text_table
from stream.errors import ConfigError
from stream.settings import Settings


def shipped_rules() -> RuleSet:
    """The default rules."""
    text = resources("operators.rules").joinpath("default.toml").read_text(encoding="utf-8")
    parsed = parse_rules(text)
    if not isinstance(parsed, RuleSet):
        raise ConfigError("rules", "default.toml", f"no mistakes ({parsed[0].message})")
    return parsed


def backtest(
    rules_files: Sequence[Path],
    recordings: Sequence[Path],
    settings: Settings,
    html: Path | None = None,
) -> int:
    """Print what each rule would have done; exit code 0.

    Args:
        rules_files: files to compare, side by side; none: the default rules.
        recordings: recordings; `x.ndjson` is labelled when `x.truth.json` stands beside it.
        settings: those of the engine.
        html: file for the chart.

    Raises:
        ConfigError: a file is missing or has mistakes.
    """
    for path in recordings:
        if not path.is_file():
            raise ConfigError("recordings", str(path), "a file that exists")
    names = [str(path) for path in rules_files] or ["default rules"]
    rules = [read_rules(path) for path in rules_files] or [shipped_rules()]
    results = [Scores() for _ in rules]
    played = [_one(path, rules, results, settings) for path in recordings]
    sys.stdout.write(text_table(names, rules, results))
    if html is not None:
        html.write_text(html_report(names, rules, results, played), encoding="utf-8")
    return 0


def _one(
    path: Path, rules: Sequence[RuleSet], results: Sequence[Scores], settings: Settings
) -> Played:
    truth = read_truth(path)
    fired = [play(path, one, settings) for one in rules]
    for one, scores, alerts in zip(rules, results, fired, strict=True):
        judge(scores, one, alerts, truth)
    return Played(path.name, None if truth is None else truth.incidents, fired)


def judge(scores: Scores, rules: RuleSet, alerts: Sequence[Fired], truth: Truth | None) -> None:
    """Add one recording to the scores; without labels its alerts are only counted."""
    if truth is None:
        for alert in alerts:
            scores.rules.setdefault(alert.rule, Score()).fired += 1
        return
    scores.labelled = True
    scores.room_hours += truth.room_hours()
    add(scores, {rule.name: rule for rule in rules.rules}, alerts, truth.incidents)
