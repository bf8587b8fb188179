"""Boards of the scripted session, from its sums."""

from collections.abc import Mapping

from tests.web.script_cast import Fields

LINES = 50
HORIZON = 12
"""Of so many who say a term one orders, in the script."""


def ranked(sums: Mapping[str, list[int]], by: int) -> dict[str, Fields]:
    """Rank to line: value descending, then key."""
    order = sorted(sums, key=lambda key: (-sums[key][by], key))
    return {
        str(rank): {"key": key, "value": sums[key][by]}
        | ({"units": sums[key][1]} if len(sums[key]) > 1 else {})
        for rank, key in enumerate(order[:LINES], 1)
    }


def keywords(terms: Mapping[str, int]) -> Fields:
    """Terms with the orders after them."""
    order = sorted(terms.items(), key=lambda term: (-(term[1] // HORIZON), -term[1], term[0]))
    return _numbered(
        [
            {"key": key, "value": users // HORIZON, "users": users, "paid_minor": users * 1_111}
            for key, users in order
        ]
    )


def pairs(products: Mapping[str, list[int]]) -> Fields:
    """Each product with its neighbour in rank."""
    order = sorted(products, key=lambda key: (-products[key][1], key))
    lines: list[Fields] = [
        {
            "key": f"{min(pair)} + {max(pair)}", "a": min(pair), "b": max(pair),
            "value": products[pair[1]][1] // 3, "orders": products[pair[1]][1] // 4,
        }
        for pair in zip(order, order[1:], strict=False)
    ]  # fmt: skip
    return _numbered(lines)


def _numbered(lines: list[Fields]) -> Fields:
    return {
        str(rank): {"rank": rank, **line, "prev_rank": None} for rank, line in enumerate(lines, 1)
    }
