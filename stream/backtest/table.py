"""The result of a back-test as text: one line per rule, columns per rule file."""

from collections.abc import Sequence

from operators.rules.model import RuleSet
from stream.backtest.score import Score, Scores

HEAD = ("fired", "true", "rel.", "false", "missed", "detect s", "per h")


def percent(value: float | None) -> str:
    """`97.5 %`, or an en dash without data."""
    return "–" if value is None else f"{100 * value:.1f} %"


def number(value: float | None, digits: int = 1) -> str:
    """A short number, or an en dash without data."""
    return "–" if value is None else f"{value:.{digits}f}"


def cells(score: Score | None, scores: Scores) -> list[str]:
    """The columns of `HEAD` for one rule."""
    if score is None:
        return ["–"] * len(HEAD)
    known = scores.labelled
    hourly = score.fired / scores.room_hours if scores.room_hours else None
    return [
        str(score.fired),
        str(score.true) if known else "–",
        str(score.related) if known else "–",
        str(score.false) if known else "–",
        str(score.missed) if known and score.incidents else "–",
        number(score.detect_s),
        number(hourly, 2),
    ]


def rule_names(files: Sequence[RuleSet]) -> list[str]:
    """Names of all rules, in the order of the files."""
    return list(dict.fromkeys(rule.name for file in files for rule in file.rules))


def text_table(names: Sequence[str], files: Sequence[RuleSet], results: Sequence[Scores]) -> str:
    """The comparison as aligned text. `names` are those of the rule files, shown in the head."""
    head = ["rule"] + [f"{column}" for _ in files for column in HEAD]
    lines = [head]
    for rule in rule_names(files):
        line = [rule]
        for scores in results:
            line += cells(scores.rules.get(rule), scores)
        lines.append(line)
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    body = [
        "  ".join(
            text.ljust(width) if place == 0 else text.rjust(width)
            for place, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    totals = [
        f"{name}: {sum(one.fired for one in scores.rules.values())} alerts in "
        f"{number(scores.room_hours)} room-hours, false alarms per room-hour "
        f"{number(scores.false_per_hour, 2)}"
        for name, scores in zip(names, results, strict=True)
    ]
    return "\n".join([*body, "", *totals]) + "\n"


def kind_table(scores: Scores) -> str:
    """Markdown table of the kinds of incident: how many, found, how fast."""
    lines = [
        "| incident | count | found | recall | median time to detect |",
        "|---|---|---|---|---|",
    ]
    for kind in sorted(scores.kinds):
        score = scores.kinds[kind]
        found = score.incidents - score.missed
        lines.append(
            f"| {kind} | {score.incidents} | {found} | {percent(score.recall)} "
            f"| {number(score.detect_s)} s |"
        )
    return "\n".join(lines) + "\n"
