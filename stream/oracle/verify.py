"""`liveroom verify FILE…`: engine against oracle, value by value."""

import sys
from pathlib import Path

from operators.catalogue import METRICS
from operators.catalogue.axes import DIMENSIONS
from stream.formats import Rejects, read_events
from stream.options import rules_of, words_of
from stream.oracle.alerts import check_alerts
from stream.oracle.compare import Report, compare
from stream.oracle.compare_boards import compare_boards
from stream.oracle.load import load
from stream.oracle.terms import terms_of
from stream.replay import run_replay
from stream.settings import Settings

SHOWN = 50
"""Mismatches printed of a file; all are counted."""


def verify(files: list[Path], fmt: str, settings: Settings) -> int:
    """Replay each file, recompute it with SQL, print the outcome.

    Args:
        files: recordings of any format.
        fmt: a name of `stream.formats.FORMATS`, or `auto`.
        settings: the engine's settings; the oracle reads those of time.

    Returns:
        0 when every value agrees and at least one of each file was compared, else 1.

    Raises:
        ConfigError: a file cannot be read.
    """
    good = True
    for path in files:
        report = check_file(path, fmt, settings)
        sys.stdout.write(describe(path, report))
        good &= report.mismatch_count == 0 and report.total > 0
    return 0 if good else 1


def promised() -> dict[tuple[str, str], set[str]]:
    """(dimension, window) to the names of the metrics the catalogue has for it."""
    found: dict[tuple[str, str], set[str]] = {}
    allowed = {dimension.name: dimension.windows for dimension in DIMENSIONS}
    for metric in METRICS:
        for dimension in metric.dimensions:
            for window in metric.windows:
                if window in allowed[dimension]:
                    found.setdefault((dimension, window), set()).add(metric.name)
    return found


def check_file(path: Path, fmt: str, settings: Settings) -> Report:
    """Compare one file's replay with its recomputation."""
    key = (settings.user_key or "liveroom").encode()
    rejects = Rejects()
    connection = load(read_events(path, fmt, key, rejects), terms_of(settings), words_of(settings))
    try:
        replayed = run_replay(read_events(path, fmt, key), engine="loop", settings=settings)
        rows = list(replayed)
        report = compare(connection, rows, promised())
        horizon_ms = settings.term_horizon_ms
        compare_boards(connection, rows, report, words_of(settings), horizon_ms)
        rules = {rule.name: rule for rule in rules_of(settings).rules}
        check_alerts(connection, rows, rules, report, settings.max_out_of_orderness_ms)
        return report
    finally:
        connection.close()


def describe(path: Path, report: Report) -> str:
    """The printed outcome of one file."""
    lines = [f"{path}: {report.total} values compared, {report.mismatch_count} mismatches"]
    lines += [
        f"  {dimension} {window}: {count}"
        for (dimension, window), count in sorted(report.compared.items())
    ]
    lines += [
        f"  board {name} {window}: {count}"
        for (name, window), count in sorted(report.boards.items())
    ]
    lines += [f"  alert {name}: {count}" for name, count in sorted(report.alerts.items())]
    if report.unchecked:
        lines.append(f"  not checked: {', '.join(sorted(report.unchecked))}")
    lines += [f"  MISMATCH {text}" for text in report.mismatches[:SHOWN]]
    if report.mismatch_count > SHOWN:
        lines.append(f"  … and {report.mismatch_count - SHOWN} more")
    return "\n".join(lines) + "\n"
