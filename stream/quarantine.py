"""A shard that survives its own bugs: a line that makes it raise is set aside, the rest goes on.

A step that raised may have changed half of the state. So the last good frozen state is kept,
and the records folded since; from there the guilty line is searched by halves.
"""

import logging
import traceback
from collections.abc import Callable, Sequence
from typing import Final

from operators.copies import CopySpace
from operators.frozen import whole
from operators.results import DeadLetter, Output
from operators.shard import Record, Shard
from operators.snapshot import Captured, capture, thaw
from stream.codec import decode_line
from stream.events import Event

_LOG: Final = logging.getLogger("liveroom.engine")

REASON: Final = "poison"
KEPT_BYTES: Final = 16 << 20
"""Records kept since the last frozen state; beyond it the state should be frozen again."""
MOST_BYTES: Final = 4 * KEPT_BYTES
"""Beyond it the state is frozen at once."""
RAW_BYTES: Final = 4096
DETAIL_CHARS: Final = 2000

Frozen = Callable[[], bytes]


class Quarantine:
    """Owns a shard and steps it.

    Args:
        build: makes an empty shard.
        frozen: gives its state from an earlier freeze, now and whenever it is to be restored,
            so that nobody need hold it in memory; None: empty.

    Raises:
        StateError: the state has another encoding.
    """

    def __init__(self, build: Callable[[], Shard], frozen: Frozen | None = None) -> None:
        self._build = build
        self._frozen = frozen
        self._since: list[list[Record]] = []
        self._captured: Captured | None = None
        self._captured_batches = 0
        self._since_bytes = 0
        self.shard = self._restored()

    def step(self, records: Sequence[Record]) -> list[Output]:
        """As `Shard.step`; lines that make it raise are dead letters with reason `poison`."""
        try:
            outputs = self.shard.step(records)
        except Exception:
            _LOG.exception("shard %d: a record cannot be folded", self.shard.number)
            self._restore()
            return self._search([line for record in records for line in _lines(record)])
        self._keep(records)
        return outputs

    @property
    def kept_bytes(self) -> int:
        """Size of the records folded since the state was frozen last."""
        return self._since_bytes

    @property
    def full(self) -> bool:
        """Whether so many records are kept that the state should be frozen again."""
        return self._since_bytes > KEPT_BYTES

    def capture(self, space: CopySpace | None = None) -> Captured:
        """The state as it stands, to be given back to `adopt` when it is encoded."""
        self._captured, self._captured_batches = capture(self.shard, space), len(self._since)
        return self._captured

    def adopt(self, captured: Captured, frozen: Frozen) -> None:
        """Fall back on this state from now on, and on what was folded after it was captured."""
        if captured is not self._captured:
            return  # Frozen again meanwhile, since a line was set aside.
        self._captured, self._frozen = None, frozen
        del self._since[: self._captured_batches]
        self._since_bytes = sum(len(r.body) for batch in self._since for r in batch)

    def freeze(self) -> None:
        """Keep the state as it stands to fall back on."""
        captured = self.capture()
        state = whole(captured.parts())
        self.adopt(captured, lambda: state)

    def flush(self, as_of_ms: int, *, full: bool = True, most: int | None = None) -> Output:
        """As `Shard.flush`; if it raises, nothing this time and everything next time."""
        try:
            return self.shard.flush(as_of_ms, full=full, most=most)
        except Exception:
            _LOG.exception("shard %d: figures cannot be read", self.shard.number)
            self.shard.state.count("flush_failures")
            self.shard.forget_sent()
            return Output(self.shard.number, self.shard.version, as_of_ms)

    def _keep(self, records: Sequence[Record]) -> None:
        self._since.append(list(records))
        self._since_bytes += sum(len(record.body) for record in records)
        if self._since_bytes > MOST_BYTES:
            self.freeze()

    def _restored(self, without: Record | None = None) -> Shard:
        """The state as of now, without one of the records; its outputs went out before."""
        shard = self._build()
        if self._frozen is not None:
            thaw(shard, self._frozen())
        # In the batches they came in: what was good then is good now.
        for batch in self._since:
            shard.step([record for record in batch if record is not without])
        return shard

    def _restore(self) -> None:
        self.shard = self._restored()

    def _search(self, lines: list[Record]) -> list[Output]:
        """Fold records of one line each, of which at least one raises."""
        if len(lines) == 1:
            return self._judge(lines[0])
        middle = len(lines) // 2
        outputs: list[Output] = []
        for half in (lines[:middle], lines[middle:]):
            try:
                outputs += self.shard.step(half)
            except Exception:
                self._restore()
                outputs += self._search(half)
            else:
                self._keep(half)
        return outputs

    def _judge(self, line: Record) -> list[Output]:
        """The state before `line` is good, and `line` raises."""
        if not _is_tick(line):
            return [self._set_aside(line, self._why(line))]
        # A tick is never at fault: something folded before it makes the beat raise.
        self._captured = None
        self._since = [[one for batch in self._since for r in batch for one in _lines(r)]]
        why = self._why(line)
        guilty = self._guilty_before(line)
        if guilty is None:
            _LOG.error("shard %d: skipping a tick, the cause is in old state", self.shard.number)
            self.shard.state.count("skipped_ticks")
            return []
        self.shard = self._restored(without=guilty)
        self._since[0].remove(guilty)
        output = self._set_aside(guilty, why)
        return [output, *self.step([line])]

    def _guilty_before(self, tick: Record) -> Record | None:
        """The first kept line after which the tick raises; None: it does without any."""
        lines = self._since[0]
        low, high = 0, len(lines)
        if not high or self._raises([tick]):
            return None
        while high - low > 1:
            middle = (low + high) // 2
            bad = self._raises([*lines[:middle], tick])
            low, high = (low, middle) if bad else (middle, high)
        found = lines[high - 1]
        return None if _is_tick(found) else found

    def _raises(self, records: list[Record]) -> bool:
        shard = self._build()
        if self._frozen is not None:
            thaw(shard, self._frozen())
        try:
            shard.step(records)
        except Exception:
            return True
        return False

    def _why(self, line: Record) -> str:
        """Traceback of folding a line; the state is good again afterwards."""
        try:
            self.shard.step([line])
        except Exception:
            self._restore()
            return traceback.format_exc()[-DETAIL_CHARS:]
        self._restore()
        return "raised only once"

    def _set_aside(self, line: Record, why: str) -> Output:
        state = self.shard.state
        for name in ("in", "dead", f"dead.{REASON}"):
            state.count(name)
        letter = DeadLetter(REASON, line.body[:RAW_BYTES], why)
        # Frozen with the letter's count in it: it must survive the next restoring too.
        self.freeze()
        return Output(
            self.shard.number,
            line.version,
            line.as_of_ms,
            dead=(letter,),
            counters=dict(state.counters),
        )


def _lines(record: Record) -> list[Record]:
    """A record of its own for each line."""
    return [
        Record(record.version, record.as_of_ms, line)
        for line in record.body.split(b"\n")
        if line.strip()
    ]


def _is_tick(line: Record) -> bool:
    event = decode_line(line.body)
    return isinstance(event, Event) and event.type == "tick"
