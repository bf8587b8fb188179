"""Terms, keywords and pairs as boards: lines in order, rows of the results, channels.

Like the other boards they are said a minute late and never corrected.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from operators.catalogue.boards import (
    KEYWORDS,
    PAIRS,
    TALK_BOARDS,
    TERM_LINES,
    TERMS_R5,
    TalkBoard,
)
from operators.hashindex import I64
from operators.options import State
from operators.results import Patch, Row
from operators.talk.comments import Comments
from operators.talk.pairs import Pairs
from operators.talk.tables import best, high_of, low_of, packed
from operators.talk.terms import R5_MS, Tally, Terms

KEYWORD_TERMS: Final = 20
"""So many of the session's top terms stand beside the keywords."""

Line = dict[str, object]
Lines = dict[int, list[Line]]
"""Session number to its lines."""


class Tables:
    """Lines of every board, best first, each with its rank but without its movement."""

    def __init__(self, state: State, comments: Comments, terms: Terms, pairs: Pairs) -> None:
        self._state = state
        self._comments = comments
        self._terms = terms
        self._pairs = pairs

    def recent(self, end_ms: int) -> Lines:
        """Terms of the five minutes before `end_ms`, by users, then mentions, then the term."""
        return self._ranked(self._terms.window(end_ms))

    def looked(self, end_ms: int) -> Lines:
        """As `recent`, of the mentions that were there at the last look alone."""
        return self._ranked(self._terms.window(end_ms, self._terms.looked))

    def total(self, sessions: I64) -> Lines:
        """Terms of whole sessions."""
        return self._ranked(self._tally(sessions))

    def keywords(self, sessions: I64, tops: Lines) -> Lines:
        """Keywords and the sessions' top terms, by orders, then users, then the term."""
        tally, names = self._tally(sessions), self._comments.names
        slots, counts = self._slots(sessions), self._terms.slots.counts
        followed = np.zeros(len(names.texts) + 1, np.bool_)
        followed[self._comments.keywords()] = True
        top = [
            (session, names.code[str(line["key"])])
            for session, lines in tops.items()
            for line in lines[:KEYWORD_TERMS]
        ]
        pairs = np.array(top, np.int64).reshape(-1, 2)
        keys = packed(tally.session, tally.term)
        wanted = followed[tally.term] | np.isin(keys, packed(pairs[:, 0], pairs[:, 1]))
        found: Lines = {}
        for place in np.flatnonzero(wanted).tolist():
            slot = slots[place]
            line: Line = {
                "key": names.text(int(tally.term[place])),
                "value": int(counts["orders"][slot]),
                "users": int(tally.users[place]),
                "paid_minor": int(counts["minor"][slot]),
            }
            found.setdefault(int(tally.session[place]), []).append(line)
        return {s: _cut(lines, KEYWORDS.limit, "value", "users") for s, lines in found.items()}

    def pairs(self, sessions: I64) -> Lines:
        """Pairs of products, by buyers, then orders, then the products."""
        keys = self._pairs.slots.index.keys()
        slots = np.flatnonzero(np.isin(high_of(keys), sessions))
        counts, names = self._pairs.slots.counts, self._state.names
        buyers, orders = counts["buyers"][slots], counts["orders"][slots]
        places = best(high_of(keys)[slots], (buyers, orders), PAIRS.limit)
        found: Lines = {}
        for session, chosen in places.items():
            at = slots[chosen]
            lines: list[Line] = []
            for slot, one, other in zip(at.tolist(), *map(np.ndarray.tolist,
                                        self._pairs.products(at)), strict=True):  # fmt: skip
                a, b = sorted((names.text(one) or "", names.text(other) or ""))
                lines.append({
                    "key": f"{a} + {b}", "a": a, "b": b, "value": int(counts["buyers"][slot]),
                    "orders": int(counts["orders"][slot]),
                })  # fmt: skip
            found[session] = _cut(lines, PAIRS.limit, "value", "orders", "a", "b")
        return found

    def _slots(self, sessions: I64) -> I64:
        return np.flatnonzero(np.isin(high_of(self._terms.slots.index.keys()), sessions))

    def _tally(self, sessions: I64) -> Tally:
        slots, of = self._slots(sessions), self._terms.slots
        keys = of.index.keys()[slots]
        counts = of.counts
        return Tally(high_of(keys), low_of(keys), counts["users"][slots], counts["mentions"][slots])

    def _ranked(self, tally: Tally) -> Lines:
        text, found = self._comments.names.text, dict[int, list[Line]]()
        places = best(tally.session, (tally.users, tally.mentions), TERM_LINES)
        for session, chosen in places.items():
            lines: list[Line] = [
                {
                    "key": text(int(tally.term[place])),
                    "value": int(tally.users[place]),
                    "mentions": int(tally.mentions[place]),
                }
                for place in chosen
            ]
            found[session] = _cut(lines, TERM_LINES, "value", "mentions")
        return found


def _cut(lines: list[Line], limit: int, first: str, second: str, *names: str) -> list[Line]:
    """Lines by two counts descending, then by names ascending; the best, with their ranks."""

    def place(line: Line) -> tuple[int, int, list[str]]:
        one, two = line[first], line[second]
        counts = (one, two) if isinstance(one, int) and isinstance(two, int) else (0, 0)
        return -counts[0], -counts[1], [str(line[name]) for name in names or ("key",)]

    ordered = sorted(lines, key=place)[:limit]
    return [{"rank": rank, **line} for rank, line in enumerate(ordered, 1)]


def with_movement(lines: list[Line], before: Mapping[str, int]) -> list[Line]:
    """Lines with the rank they had (None: new)."""
    return [{**line, "prev_rank": before.get(str(line["key"]))} for line in lines]


def board_row(
    state: State, board: TalkBoard, session: int, end_ms: int, lines: list[Line], **more: object
) -> Row:
    """A row of a session's board as of `end_ms`."""
    where = state.sessions.place(session)
    start_ms = end_ms - R5_MS if board.window == "r5" else int(state.sessions.start_ms[session])
    return Row(
        "board", where.tenant, where.group, where.room_id, board.name, None, board.window,
        start_ms, end_ms, True, 0,
        {"lines": lines, "session_number": int(state.sessions.number_of[session]), **more},
    )  # fmt: skip


class Channels:
    """What the boards' channels hold, and which of it was sent."""

    def __init__(self) -> None:
        self.now: dict[str, list[Line]] = {}
        self._sent: dict[str, list[Line]] = {}
        self._changed: set[str] = set()

    def put(self, state: State, board: TalkBoard, session: int, lines: list[Line]) -> None:
        """Show lines on the channel of the session's room."""
        channel = channel_of(state, board, session)
        if self.now.get(channel) != lines:
            self.now[channel] = lines
            self._changed.add(channel)

    def patches(self) -> list[Patch]:
        """Changed ranks since the last call."""
        patches = []
        for channel in sorted(self._changed):
            lines, sent = self.now.get(channel, []), self._sent.get(channel)
            # What a predecessor showed is not known: all ranks below the last are taken away.
            had = TERM_LINES if sent is None else len(sent)
            fields: dict[str, object] = {
                str(line["rank"]): line
                for place, line in enumerate(lines)
                if sent is None or place >= len(sent) or sent[place] != line
            }
            fields.update((str(rank), None) for rank in range(len(lines) + 1, had + 1))
            self._sent[channel] = lines
            if fields:
                patches.append(Patch(channel, fields))
        self._changed.clear()
        return patches

    def close(self, state: State, session: int) -> list[Patch]:
        """The last of the channels of a session's room, each as a whole; they are forgotten.

        Said at once: at the next flush it would be unknown what some flush before had said.
        """
        patches = []
        for board in TALK_BOARDS:
            channel = channel_of(state, board, session)
            lines = self.now.pop(channel, None)
            self._sent.pop(channel, None)
            self._changed.discard(channel)
            if board is TERMS_R5:
                lines = []  # Whether it was in `now` is a matter of flushes.
            if lines is not None:
                fields: dict[str, object] = dict.fromkeys(map(str, range(1, TERM_LINES + 1)))
                fields.update((str(line["rank"]), line) for line in lines)
                patches.append(Patch(channel, fields))
        return patches

    def forget_sent(self) -> None:
        """Send everything again."""
        self._sent.clear()
        self._changed = set(self.now)


def channel_of(state: State, board: TalkBoard, session: int) -> str:
    """`board:T/GROUP/NAME@ROOM` of a session's room."""
    where = state.sessions.place(session)
    return f"board:{where.tenant}/{where.group}/{board.channel}@{where.room_id}"
