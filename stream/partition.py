"""One shard as a running thing: log in, outputs out, position and state in one snapshot.

No Bytewax here: `stream.sources` wraps it as a source partition, the replay drives it itself.
"""

import logging
import time
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from operators.results import Output
from operators.shard import Record, Shard
from sinks.log import START, Log, LogGap, LogRecord, Position
from stream.errors import StateError
from stream.pace import FULL_SHARE, QUICK_SHARE, Budget, Pace
from stream.quarantine import Quarantine
from stream.recovery import REMEDY
from stream.stages import Stages
from stream.state_files import StateFiles

_LOG: Final = logging.getLogger("liveroom.engine")

MAX_BATCH_BYTES: Final = 4 << 20
"""Bytes folded in one call: bounds the pause of everything else on the worker."""
FULL_CELLS: Final = 400
"""Cells that a slice of a full flush looks at: some 20 ms, so that no quick one waits long."""
RESEND_CHECK_S: Final = 1.0


INLINE_BYTES: Final = 1 << 20
"""A state up to this size goes into the store itself, a larger one into a file beside it."""
FREEZE_DUTY: Final = 0.01
"""Largest share of time spent on freezing states, all local shards together."""
REFOLD_S: Final = 3.0
"""All local shards together freeze again at the latest when folding the log since then took
this long: it bounds what a resumed engine has to do again."""


class OutputState(NamedTuple):
    """What Redis says of a shard: epoch of its outputs, number of the log's last entry."""

    epoch: str
    last_n: int


class Saved(msgspec.Struct, frozen=True):
    """What goes into the recovery store: the last entry folded, and the state after it.

    `file` names a state too large for the store; then `state` is empty.
    """

    id: str
    n: int
    state: bytes
    file: str = ""


def version_of(entry_id: str) -> str:
    """Version text of an entry: text order is log order."""
    ms, _, seq = entry_id.partition("-")
    return f"{int(ms):013d}-{int(seq or 0):020d}"


def _decoded(saved: bytes | None) -> Saved | None:
    if saved is None:
        return None
    try:
        return msgspec.msgpack.decode(saved, type=Saved)
    except msgspec.DecodeError as error:
        what = f"the recovery directory holds state of another version ({error})"
        raise StateError(what, REMEDY) from error


class Partition:
    """Reads, folds and flushes one shard.

    Args:
        number: the shard's number.
        log: where its entries come from; the partition adds itself.
        build: makes an empty shard.
        saved: bytes of an earlier `snapshot`.
        pace: when provisional figures are said: (quick flushes, full flushes).
        ask: asks Redis for the state of the outputs; another epoch means that all must be sent
            again. None while Redis is away.
        files: where large states go; None: always into the store.
        local_shards: how many shards share the time of this process.
    """

    def __init__(
        self,
        number: int,
        log: Log,
        build: Callable[[], Shard],
        *,
        saved: bytes | None = None,
        pace: tuple[Pace, Pace] | None = None,
        in_age_ms: int = 60_000,
        ask: Callable[[int], OutputState | None] | None = None,
        files: StateFiles | None = None,
        local_shards: int = 1,
        stages: Stages | None = None,
    ) -> None:
        self.number = number
        self.position = START
        self._log = log
        self._quick, self._full = pace or (
            Pace(50, Budget(QUICK_SHARE)),
            Pace(250, Budget(FULL_SHARE)),
        )
        self._in_age_ms = in_age_ms
        self._ask = ask
        self._epoch: str | None = None
        self._stages = stages or Stages()
        self._next_check_s = 0.0
        self._files = files
        self._local_shards = local_shards
        self._saved: Saved | None = None
        self._undurable: Saved | None = None
        self._refold_s = 0.0
        self._next_freeze_s = 0.0
        # The first flush goes out empty: Bytewax builds a sink partition, which claims the
        # shard in Redis, only when something is sent to it.
        self._unflushed = True
        self._as_of_ms = 0
        found = _decoded(saved)
        # What a predecessor said of the stretch that is folded again is newer than what we say
        # of it, so our writes are refused; a figure that went there and back would not be said
        # again. Hence all is sent once we are past everything it can have seen.
        self._catching_up = found is not None
        self._seen_n: int | None = None
        self._claimed = False
        if found is not None:
            self.position = Position(found.id, found.n)
        self._fold_safely = Quarantine(build, self._state_of(found))
        log.add(number, self.position)

    @property
    def shard(self) -> Shard:
        """The shard as it stands; another object after a record was quarantined."""
        return self._fold_safely.shard

    def next_batch(self) -> list[tuple[bool, Output]]:
        """Outputs of what is queued, each with whether it replaces its channels as wholes."""
        self._note_durable()
        with self._stages.time("read"):
            taken = self._log.pop(self.number, MAX_BATCH_BYTES)
        out: list[tuple[bool, Output]] = []
        if taken:
            started_s = time.monotonic()
            with self._stages.time("fold"):
                out = [(False, output) for output in self._fold(taken)]
            self._refold_s += time.monotonic() - started_s
            self._unflushed = True
        now_s = time.monotonic()
        if now_s >= self._next_check_s:
            self._next_check_s = now_s + RESEND_CHECK_S
            if self._must_resend():
                out.append((True, self.resend()))
        if self._catching_up and self._seen_n is not None and self.position.n >= self._seen_n:
            self._catch_up()
        if self._unflushed or self.shard.patches.left_over:
            if self._full.due(now_s) or (
                self.shard.patches.in_round and self._full.may_go_on(now_s)
            ):
                out.append((False, self._timed_flush(self._full, full=True)))
            elif self._unflushed and self._quick.due(now_s):
                out.append((False, self._timed_flush(self._quick, full=False)))
        self._claimed |= bool(out)
        return out

    def last_flush(self) -> Output:
        """Before an orderly stop."""
        if self._catching_up:
            self._catch_up()
        self._next_freeze_s = 0.0  # The snapshot that follows is the last: nothing to fold again.
        return self.flush()

    def _catch_up(self) -> None:
        self.shard.forget_sent()
        self._catching_up, self._unflushed = False, True

    def flush(self, *, full: bool = True, most: int | None = None) -> Output:
        """Provisional figures that changed, as of the last entry; as `Patches.flush`."""
        with self._stages.time("flush"):
            output = self._fold_safely.flush(self._as_of_ms, full=full, most=most)
        self._unflushed = False
        return output

    def _timed_flush(self, pace: Pace, *, full: bool) -> Output:
        started_s = time.monotonic()
        output = self.flush(full=full, most=FULL_CELLS)
        took_s = time.monotonic() - started_s
        pace.done(started_s, took_s)
        if full:  # which says what a quick one would
            self._quick.done(started_s, 0.0)
        return output

    def resend(self) -> Output:
        """All live state."""
        self.shard.forget_sent()
        return self.flush()

    def snapshot(self) -> bytes:
        """Position and state in one, for the recovery store.

        A large state is frozen more rarely than each epoch; between, the snapshot is the one
        before, and a resumed engine folds the log from there. Its outputs are guarded.
        """
        now_s = time.monotonic()
        due = now_s >= self._next_freeze_s or self._refold_s * self._local_shards >= REFOLD_S
        saved = self._saved
        if saved is None or (due and saved.n != self.position.n):
            with self._stages.time("snapshot"):
                self._saved = self._freeze()
            took_s = time.monotonic() - now_s
            rest_s = took_s * self._local_shards / FREEZE_DUTY
            self._next_freeze_s, self._refold_s = now_s + rest_s, 0.0
        self._undurable = self._saved
        return msgspec.msgpack.encode(self._saved)

    def _freeze(self) -> Saved:
        state, at = self._fold_safely.freeze(), self.position
        if self._files is None or len(state) <= INLINE_BYTES:
            return Saved(at.id, at.n, state)
        return Saved(at.id, at.n, b"", self._files.write(time.time_ns(), state))

    def _state_of(self, saved: Saved | None) -> bytes | None:
        if saved is None or not saved.file:
            return saved.state if saved else None
        if self._files is None:
            what = f"shard {self.number}: no folder to read {saved.file} from"
            raise StateError(what, REMEDY)
        return self._files.read(saved.file)

    def close(self) -> None:
        """Stop reading."""
        self._log.remove(self.number)

    def _note_durable(self) -> None:
        """A call after `snapshot`: Bytewax has made that snapshot durable (design, section 2)."""
        saved, self._undurable = self._undurable, None
        if saved is None or not saved.n:
            return
        self._log.trim(self.number, saved.id, int(time.time() * 1000), self._in_age_ms)
        if self._files is not None and saved.file:
            self._files.forget(saved.file)

    def _fold(self, taken: list[LogRecord | LogGap]) -> list[Output]:
        outputs: list[Output] = []
        batch: list[Record] = []
        for item in taken:
            if isinstance(item, LogGap):
                self._announce(item)
                continue
            batch.append(Record(version_of(item.id), log_ms(item.id), item.body))
            self.position = item.position
        if batch:
            self._as_of_ms = batch[-1].as_of_ms
            outputs = self._fold_safely.step(batch)
        return outputs

    def _announce(self, gap: LogGap) -> None:
        _LOG.warning(
            "shard %d: %s entries of the log are gone (%s); going on after them",
            self.number,
            "unknown" if gap.lost_count is None else gap.lost_count,
            gap.reason,
        )
        self.shard.state.count("log_gaps")
        self.shard.state.count("log_lost", gap.lost_count or 0)

    def _must_resend(self) -> bool:
        state = self._ask(self.number) if self._ask is not None else None
        if state is None:
            return False
        # Only after our first output has fenced the predecessor is this the end of what it saw.
        if self._claimed and self._seen_n is None:
            self._seen_n = state.last_n
        changed = self._epoch is not None and state.epoch != self._epoch
        self._epoch = state.epoch
        return changed


def log_ms(entry_id: str) -> int:
    """Wall-clock ms at which an entry was appended."""
    return int(entry_id.partition("-")[0])
