"""Figures as a person would write them: the tests' own spelling, nothing shared with the pages."""

from decimal import ROUND_HALF_UP, Decimal
from typing import cast

from tests.web.script_cast import Fields

NONE = "–"


def yuan(minor: object) -> str:
    """`123456` -> `¥1,234.56`."""
    if minor is None:
        return NONE
    amount = Decimal(cast("int", minor)) / 100
    return f"{'−' if amount < 0 else ''}¥{abs(amount):,.2f}"


def count(value: object) -> str:
    """`1234` -> `1,234`."""
    return NONE if value is None else f"{cast('int', value):,}"


def percent(ratio: object, digits: int = 2) -> str:
    """A ratio's value in percent, rounded half up as browsers do."""
    value = cast("Fields", ratio)
    if ratio is None or not value["den"]:
        return NONE
    share = Decimal(cast("int", value["num"])) * 100 / Decimal(cast("int", value["den"]))
    return f"{share.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):,}%"
