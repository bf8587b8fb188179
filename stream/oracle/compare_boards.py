"""Board rows of the engine against the recomputed boards, line by line."""

from collections.abc import Iterable, Mapping

import duckdb

from operators.results import Row
from operators.talk.words import Words
from stream.oracle import boards
from stream.oracle.boards import BoardPlace, Line
from stream.oracle.comments import plain
from stream.oracle.compare import Report

DERIVED = frozenset(("a", "b"))
"""Fields of a line that its key says already."""


def compare_boards(
    connection: duckdb.DuckDBPyConnection,
    rows: Iterable[Row],
    report: Report,
    words: Words,
    horizon_ms: int,
) -> None:
    """Compare every line of every board row; then look for rows that are missing.

    Args:
        connection: of `stream.oracle.load.load`.
        rows: what the engine says.
        report: where the outcome goes.
        words: the word lists.
        horizon_ms: how long after a keyword an order is told with it.
    """
    wanted: dict[BoardPlace, list[list[Line]]] = {}
    watched = [plain(word) for word in words.keywords]
    for found in (
        boards.leaderboards(connection),
        boards.terms(connection),
        boards.keywords(connection, watched, horizon_ms),
        boards.pairs(connection),
    ):
        for place, lines in found:
            wanted.setdefault(place, []).append(lines)
    for row in rows:
        if row.kind == "board":
            place = BoardPlace(
                row.tenant, row.group, row.room_id, row.dimension, row.window, row.end_ms
            )
            _compare_row(report, place, row.body.get("lines"), wanted.get(place, []))
    for place, candidates in wanted.items():
        if any(candidates):
            report.differ(f"{place}: the row is missing")


def _compare_row(
    report: Report, place: BoardPlace, given: object, candidates: list[list[Line]]
) -> None:
    """Compare with the candidate that fits best, and take it away."""
    lines = (
        [dict(line) for line in given if isinstance(line, Mapping)]
        if isinstance(given, list)
        else []
    )
    report.boards[place.name, place.window] += sum(map(len, lines))
    if not candidates:
        report.differ(f"{place}: no such row")
        return
    best = min(candidates, key=lambda wanted: len(_differences(lines, wanted)))
    for text in _differences(lines, best):
        report.differ(f"{place} {text}")
    candidates.remove(best)


def _differences(given: list[Line], wanted: list[Line]) -> list[str]:
    texts = [] if len(given) == len(wanted) else [f"{len(given)} lines, oracle {len(wanted)}"]
    for line, right in zip(given, wanted, strict=False):
        known = {name: value for name, value in line.items() if name not in DERIVED}
        if known != right:
            texts.append(f"engine {known}, oracle {right}")
    return texts
