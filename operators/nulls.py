"""Figures that are not known: numbers of int64 that say why.

The lowest values of int64 stand for "null", one for each reason, so that a matrix of figures
stays one array; sums of events do not come near them. Where figures become Python values or
text, they turn into None.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from operators.hashindex import I64, Bool

_FLOOR: Final = int(np.iinfo(np.int64).min)

REASONS: Final = (
    "not_reported",
    "masked_identity",
    "unknown_cost",
)
"""Why a figure is null, by code.

`not_reported`: nobody said it (the platform's gauge, a target); what a metric needs stands in
its formula, so rows do not repeat it. The others are told in `nulls` of a row.
`masked_identity`: viewers took part whom the feed does not tell apart. `unknown_cost`:
something was sold whose unit cost no catalog event gave.
"""
NOT_REPORTED, MASKED, UNKNOWN_COST = (_FLOOR + code for code in range(len(REASONS)))
_LAST: Final = _FLOOR + len(REASONS) - 1


def is_null(values: I64) -> Bool:
    """Which values stand for null; same shape."""
    return np.asarray(values <= _LAST)


def known(value: int) -> int | None:
    """The number, or None for null."""
    return None if value <= _LAST else value


def reason(value: int) -> str | None:
    """Why a value is null, as rows tell it; None for a number and for what nobody reported."""
    return REASONS[value - _FLOOR] if NOT_REPORTED < value <= _LAST else None


def reasons(names: Sequence[str], num: I64, den: I64) -> dict[int, dict[str, str]]:
    """Row to metric to why it is null, of the rows that have one to tell.

    `num` and `den` have shape (rows, names).
    """
    told: dict[int, dict[str, str]] = {}
    for part in (num, den):
        rows, columns = np.nonzero((part > NOT_REPORTED) & (part <= _LAST))
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            why = REASONS[int(part[row, column]) - _FLOOR]
            told.setdefault(row, {}).setdefault(names[column], why)
    return {row: dict(sorted(of_row.items())) for row, of_row in sorted(told.items())}
