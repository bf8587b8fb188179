"""What a section of the page is made of."""

from dataclasses import dataclass, field

from benchmarks.measure import Row


@dataclass(slots=True)
class Found:
    """What a section found: rows, words below the table, plots by file name."""

    rows: list[Row] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    plots: dict[str, str] = field(default_factory=dict)
    once: bool = False
    """Measured once, whatever rounds were asked for."""
