"""The page and the terminal's table, from what the sections found and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Final

from benchmarks.found import Found
from benchmarks.measure import Row

Kept = dict[str, object]

_HEAD: Final = """# Performance

Written by `make bench`; do not edit. Every section says when it ran. Both sides of a comparison
run in turns, a process each; rates are events by **CPU second** (user + system, of the process and
its threads, without start-up) unless a row says wall clock, because the machine had other work;
the ratio is the median over the rounds of the ratio within a round, lowest and highest in brackets.
Input: `simulators.bulk`, 17 events a second a room unless said.
"""


def to_kept(found: Found, when: str, machine: str, load: float, rounds: int) -> Kept:
    """A section as JSON keeps it."""
    return {
        "when": when,
        "machine": machine,
        "load": round(load, 1),
        "rounds": 1 if found.once else rounds,
        "rows": [asdict(row) for row in found.rows],
        "words": found.words,
        "plots": sorted(found.plots),
    }


def rows_of(section: Mapping[str, object]) -> list[Row]:
    """The rows back from JSON."""
    rows = section["rows"]
    return [Row(**row) for row in rows] if isinstance(rows, list) else []


def verdict(row: Row) -> str:
    """Met, or how far."""
    if row.met is None:
        return "–"
    if row.met:
        return "met"
    reached = row.ratio[0] if row.ratio is not None else row.value or 0.0
    goal = row.goal or 1.0
    return f"**missed by {(reached / goal if row.at_most else goal / reached):.1f} ×**"


def line(row: Row) -> str:
    """One line of the table."""
    ratio = ""
    if row.ratio is not None:
        ratio = f"{row.ratio[0]:.2f} × ({row.ratio[1]:.2f}–{row.ratio[2]:.2f})"
    goal = ""
    if row.goal is not None:
        goal = f"{'≤' if row.at_most else '≥'} {row.goal:,g} {row.unit}"
    what = f"{row.what} ({row.note})" if row.note else row.what
    return f"| {what} | {row.ours} | {row.peer} | {ratio} | {goal} | {verdict(row)} |"


def table(sections: Mapping[str, Mapping[str, object]]) -> str:
    """All rows as one Markdown table."""
    lines = ["| what | ours | peer | ratio | goal | |", "|---|---|---|---|---|---|"]
    lines += [line(row) for section in sections.values() for row in rows_of(section)]
    return "\n".join(lines)


def page(sections: Mapping[str, Mapping[str, object]], missing: Sequence[str], more: str) -> str:
    """docs/performance.md.

    Args:
        sections: what was measured, by name, in the order of the page.
        missing: sections that were never run.
        more: what a person wrote about bounds.
    """
    parts = [_HEAD, table(sections), ""]
    if missing:
        names = ",".join(missing)
        parts.append(f'**Never run so far**: `make bench ARGS="--only {names}"`.\n')
    for name, section in sections.items():
        parts.append(f"## {name}\n")
        parts.append(
            f"{section['when']}, {section['machine']}, load average {section['load']}, "
            f"rounds: {section['rounds']}.\n"
        )
        words, plots = section["words"], section["plots"]
        if isinstance(words, list):
            parts += [f"{text}\n" for text in words]
        if isinstance(plots, list):
            parts += [f"![{plot}](performance/{plot})\n" for plot in plots]
    return "\n".join(parts).rstrip() + "\n" + (f"\n{more}" if more else "")
