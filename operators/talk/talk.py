"""The part of a shard that listens: comments, and who pays after them for what together.

The fold calls `take` for every stretch, between the placing of orders and the cube; the beat
calls `minute` when a minute's events can change no more, and `look` when a pane went by. What
channels show comes by `flush`, as of the last of these: it does not depend on when that is.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from operators.catalogue.axes import PANE_MS
from operators.catalogue.boards import KEYWORDS, PAIRS, TERMS_ALL, TERMS_R5, TalkBoard
from operators.columns import Columns
from operators.hashindex import I64, Bool
from operators.options import State
from operators.placed import Placed
from operators.plan import ID_COLUMNS, VALUE_COLUMNS
from operators.profiles import Names
from operators.results import Patch, Row
from operators.talk.boards import Channels, Line, Lines, Tables, board_row, with_movement
from operators.talk.comments import Comments
from operators.talk.pairs import Pairs
from operators.talk.tables import Store
from operators.talk.terms import Terms
from stream import parts
from stream.events import TYPE_CODE

_COMMENT: Final = TYPE_CODE["comment"]
_PAID: Final = TYPE_CODE["order_paid"]
_QUESTION, _NEGATIVE, _AMOUNT = map(VALUE_COLUMNS.index, ("question", "negative", "amount"))
_USER, _ORDER, _NEGATIVE_USER = map(ID_COLUMNS.index, ("user", "order", "negative_user"))
_OF_COMMENTS: Final = frozenset({"question", "negative", "negative_user"})
"""Columns that are filled in here."""
_SPARE_NAMES: Final = 20_000
"""Terms nobody knows any more that may stay before codes are dealt out anew."""


class Talk:
    """Listens to one shard."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._has_boards = parts.TERMS not in state.options.leave_out
        counted = {measure.column for measure in state.plan.measures}
        self._hears = self._has_boards or not counted.isdisjoint(_OF_COMMENTS)
        self.comments = Comments(state.options.words)
        self.terms = Terms(state.options.term_horizon_ms)
        self.pairs = Pairs()
        self.channels = Channels()
        self._paid = Store("session", "viewer", "order", "product", "amount", "time_ms")
        self._tables = Tables(state, self.comments, self.terms, self.pairs)
        self._before: dict[tuple[str, int], dict[str, int]] = {}
        """(channel name, session) to the rank of each key a minute ago."""
        self._said: dict[tuple[str, int], list[Line]] = {}
        self._looked_ms = 0
        self._live: list[int] = []
        """Sessions that were live at the last look."""
        self._stale = True
        """Whether recent terms were said of an earlier look or minute."""
        self._known: set[int] = set()
        """Sessions of which anything is kept."""

    def take(self, columns: Columns, placed: Placed) -> None:
        """Fill in what comments say about themselves; keep mentions and paid lines."""
        if not self._hears:
            return
        comments = np.flatnonzero(columns.type == _COMMENT)
        if len(comments):
            self._hear(columns, placed, comments)
        if not self._has_boards:
            return
        paid = np.flatnonzero((columns.type == _PAID) & (placed.sessions >= 0))
        if len(paid):
            ids = placed.ids[:, paid]
            self._paid.add(
                placed.sessions[paid], ids[_USER], ids[_ORDER],
                placed.product[paid].astype(np.int64), placed.values[_AMOUNT, paid],
                columns.time_ms[paid],
            )  # fmt: skip

    def _hear(self, columns: Columns, placed: Placed, comments: I64) -> None:
        texts = [columns.objects[place].text or "" for place in comments.tolist()]
        said = self.comments.read(texts)
        placed.values[_QUESTION, comments] = said.question
        placed.values[_NEGATIVE, comments] = said.negative
        viewers, sessions = placed.ids[_USER, comments], placed.sessions[comments]
        placed.ids[_NEGATIVE_USER, comments] = np.where(said.negative > 0, viewers, -1)
        if not self._has_boards:
            return
        there = np.flatnonzero(sessions[said.place] >= 0)
        place = said.place[there]
        self._known.update(np.unique(sessions[place]).tolist())
        self.terms.hear(
            sessions[place], said.term[there], viewers[place], columns.time_ms[comments[place]]
        )

    def minute(self, end_ms: int) -> list[Row]:
        """Rows of the boards as of `end_ms`; nothing before it can come any more."""
        if not self._has_boards:
            return []
        spoke = self.terms.count(end_ms)
        paid = self._due(end_ms)
        followed, bought = self.terms.follow(paid), self.pairs.count(paid)
        rows: list[Row] = []
        segmenter = {"segmenter": self.comments.segmenter} if len(self.terms.slots) else {}
        recent = self._tables.recent(end_ms)
        rows += self._said_lines(TERMS_R5, recent, end_ms, segmenter)
        self._forget_ranks(TERMS_R5, recent)
        self._stale = True
        moved = np.union1d(spoke, followed)
        tops = self._tables.total(moved)
        rows += self._said_lines(TERMS_ALL, tops, end_ms, segmenter)
        within = {"within_ms": self._state.options.term_horizon_ms}
        rows += self._said_lines(KEYWORDS, self._tables.keywords(moved, tops), end_ms, within)
        rows += self._said_lines(PAIRS, self._tables.pairs(bought), end_ms, {})
        self.terms.forget(end_ms)
        self._known.update(moved.tolist(), bought.tolist())
        return rows

    def _due(self, end_ms: int) -> Store:
        """Take the paid lines before `end_ms` that lie in their session, in order of payment.

        Lines paid at one moment, as those of one order are: by product.
        """
        time_ms = self._paid["time_ms"]
        due = np.flatnonzero(time_ms < end_ms)
        text = self._state.names.text
        products = np.array([text(code) or "" for code in self._paid["product"][due].tolist()])
        due = due[np.lexsort((products, time_ms[due]))]
        taken = self._paid.take(due)
        self._paid.keep(time_ms >= end_ms)
        # What is paid long after the end, as its order may be, is no part of the session.
        end = self._state.sessions.end_ms[taken["session"]]
        late = taken["time_ms"] >= end + self._state.options.allowed_lateness_ms
        taken.keep((end == 0) | ~late)
        return taken

    def _said_lines(
        self, board: TalkBoard, found: Lines, end_ms: int, more: Mapping[str, object]
    ) -> list[Row]:
        """Rows of one board; of a session only where a line changed."""
        rows = []
        for session, lines in sorted(found.items()):
            at = board.channel, session
            shown = with_movement(lines, self._before.get(at, {}))
            self._before[at] = {str(line["key"]): rank for rank, line in enumerate(lines, 1)}
            if board is not TERMS_R5:
                if self._said.get(at) == lines:
                    continue
                self._said[at] = lines
                if self._is_current(session):
                    self.channels.put(self._state, board, session, shown)
            rows.append(board_row(self._state, board, session, end_ms, shown, **more))
        return rows

    def _forget_ranks(self, board: TalkBoard, found: Lines) -> None:
        """Nobody had a rank a minute ago where nothing was said."""
        for at in [at for at in self._before if at[0] == board.channel and at[1] not in found]:
            del self._before[at]

    def look(self, tick_ms: int) -> None:
        """If a pane went by: what was said until now is what channels show until the next look."""
        if tick_ms // PANE_MS == self._looked_ms // PANE_MS:
            return
        sessions = self._state.sessions
        current = sessions.current[sessions.current >= 0]
        self._looked_ms = tick_ms
        self._live = current[sessions.end_ms[current] == 0].tolist()
        self.terms.look()
        self._stale = True

    def flush(self) -> list[Patch]:
        """Changed lines of all channels."""
        if self._stale and self._has_boards:
            self._stale = False
            self._show_recent()
        return self.channels.patches()

    def forget_sent(self) -> None:
        """Say everything again at the next flush."""
        self._stale = True
        self.channels.forget_sent()

    def _show_recent(self) -> None:
        """Show the terms of the last five minutes, the open pane included; none after the end."""
        found = self._tables.looked((self._looked_ms // PANE_MS + 1) * PANE_MS)
        room = self._state.sessions.room
        live = self._known.intersection(self._live)
        taken = {int(room[session]) for session in live}
        for session in sorted(self._known):
            if session in live:
                before = self._before.get((TERMS_R5.channel, session), {})
                lines = with_movement(found.get(session, []), before)
                self.channels.put(self._state, TERMS_R5, session, lines)
            elif int(room[session]) not in taken:
                self.channels.put(self._state, TERMS_R5, session, [])

    def over(self, end_ms: int) -> list[Patch]:
        """Forget the sessions that nothing from `end_ms` on can reach.

        Gives the last of their channels, which are to be retired.
        """
        sessions = self._state.sessions
        n = sessions.count
        behind = end_ms - self._state.options.allowed_lateness_ms
        gone = sessions.sealed[:n] & (sessions.end_ms[:n] <= behind)
        dropped = [session for session in sorted(self._known) if gone[session]]
        if not dropped:
            return []
        for at in [at for at in self._said if gone[at[1]]]:
            del self._said[at]
            del self._before[at]
        self._known.difference_update(dropped)
        self.terms.drop(gone)
        self.pairs.drop(gone)
        self._compact_names()
        last: list[Patch] = []
        for session in dropped:
            if self._is_current(session):
                last += self.channels.close(self._state, session)
        return last

    def _is_current(self, session: int) -> bool:
        sessions = self._state.sessions
        return int(sessions.current[sessions.room[session]]) == session

    def _compact_names(self) -> None:
        """Deal the codes of terms out anew when most are of terms nobody knows any more."""
        used = self.terms.used_terms()
        names = self.comments.names
        if len(names.texts) - len(used) < max(_SPARE_NAMES, len(used)):
            return
        numbers = np.full(len(names.texts), -1, np.int64)
        numbers[used] = np.arange(len(used))
        self.comments.rename(Names([names.texts[code] for code in used.tolist()]))
        self.terms.renumber_terms(numbers)

    def mark_viewers(self, alive: Bool) -> None:
        """Set the flag of every viewer that is known of."""
        self.terms.mark_viewers(alive)
        self.pairs.mark_viewers(alive)
        alive[self._paid["viewer"][self._paid["viewer"] >= 0]] = True

    def renumber_viewers(self, numbers: I64) -> None:
        """Viewers got other numbers."""
        self.terms.renumber_viewers(numbers)
        self.pairs.renumber_viewers(numbers)
        there = np.flatnonzero(self._paid["viewer"] >= 0)
        self._paid.put("viewer", there, numbers[self._paid["viewer"][there]])

    def warm_up(self) -> None:
        """Load what the first comment would wait for: the segmenter, 0.1 s."""
        if self._hears:
            self.comments.terms_of("")

    def snapshot(self) -> dict[str, object]:
        """Plain data."""
        return {
            "names": list(self.comments.names.texts),
            "terms": self.terms.snapshot(),
            "pairs": self.pairs.snapshot(),
            "paid": self._paid.whole.copy(),
            "before": {at: dict(ranks) for at, ranks in self._before.items()},
            "said": {at: list(lines) for at, lines in self._said.items()},
            "now": dict(self.channels.now),
            "known": sorted(self._known),
            "looked_ms": self._looked_ms,
            "live": list(self._live),
        }

    def restore(self, data: Mapping[str, object]) -> None:
        """Take a snapshot."""
        names, before, said = data.get("names"), data.get("before"), data.get("said")
        if isinstance(names, list):
            self.comments.rename(Names(names))
        self.terms.restore(data.get("terms"))
        self.pairs.restore(data.get("pairs"))
        self._paid.restore(data.get("paid"))
        if isinstance(before, dict) and isinstance(said, dict):
            self._before, self._said = dict(before), dict(said)
        now, known = data.get("now"), data.get("known")
        if isinstance(known, list):
            self._known = set(known)
        looked_ms, live = data.get("looked_ms"), data.get("live")
        if isinstance(looked_ms, int) and isinstance(live, list):
            self._looked_ms, self._live = looked_ms, list(live)
        if isinstance(now, dict):
            self.channels.now = dict(now)
        self.forget_sent()
