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
from stream.freezer import Freezer, Saved, StateWriter, reading
from stream.pace import FULL_SHARE, QUICK_SHARE, Budget, Pace
from stream.quarantine import Quarantine
from stream.recovery import decoded
from stream.stages import Stages
from stream.state_files import StateFiles

_LOG: Final = logging.getLogger("liveroom.engine")

MAX_BATCH_BYTES: Final = 4 << 20
"""Bytes folded in one call: bounds the pause of everything else on the worker."""
FULL_CELLS: Final = 400
"""Cells that a slice of a full flush looks at: some 20 ms, so that no quick one waits long."""
RESEND_CHECK_S: Final = 1.0


GLIMPSE_S: Final = 2.0
"""While a resumed shard folds again what its predecessor had said, figures come this rarely:
most of them are refused as old, and each holds up the folding."""
SEEN_CHECK_S: Final = 0.05
LAST_FLUSH_S: Final = 2.5
"""Before an orderly stop; what is unsaid after it is said by the successor."""


class OutputState(NamedTuple):
    """What Redis says of a shard: epoch of its outputs, number of the log's last entry.

    `watched`: the channels that gateways have readers of; None: no gateway tells.
    """

    epoch: str
    last_n: int
    watched: frozenset[str] | None = None


def version_of(entry_id: str) -> str:
    """Version text of an entry: text order is log order."""
    ms, _, seq = entry_id.partition("-")
    return f"{int(ms):013d}-{int(seq or 0):020d}"


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
        writer: writes large states, of all shards of this process.
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
        writer: StateWriter | None = None,
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
        # The first flush goes out empty: Bytewax builds a sink partition, which claims the
        # shard in Redis, only when something is sent to it.
        self._unflushed = True
        self._as_of_ms = 0
        found = decoded(saved, Saved, "state")
        # What a predecessor said of the stretch that is folded again is newer than what we say
        # of it, so our writes are refused; a figure that went there and back would not be said
        # again. Hence all is sent once we are past everything it can have seen.
        self._catching_up = found is not None
        self._partly_said = False
        self._seen_n: int | None = None
        self._claimed = False
        self._end_s: float | None = None
        started_s = time.monotonic()
        if found is not None:
            self.position, self._epoch = Position(found.id, found.n), found.epoch or None
        self._past_is_there = self._epoch is not None
        self._fold_safely = Quarantine(build, None if found is None else reading(found, files))
        thawed_s = time.monotonic()
        self._next_glimpse_s = thawed_s + GLIMPSE_S
        self._freezer = Freezer(
            self._fold_safely,
            files,
            local_shards,
            self._stages,
            writer or StateWriter(),
            None if found is None else (found, thawed_s - started_s),
        )
        log.add(number, self.position)

    @property
    def shard(self) -> Shard:
        """The shard as it stands; another object after a record was quarantined."""
        return self._fold_safely.shard

    def next_batch(self) -> list[tuple[bool, Output]]:
        """Outputs of what is queued, each with whether it replaces its channels as wholes."""
        self._note_durable()
        out: list[tuple[bool, Output]] = []
        now_s = time.monotonic()
        if now_s >= self._next_check_s and self._look_at_redis():
            out.append((True, self.resend()))
        if self._catching_up and not self._claimed:
            # Something must be written to claim the shard; till then nobody knows what was seen.
            self._claimed = True
            return [*out, (False, Output(self.number, self.shard.version, self._as_of_ms))]
        out += self._fold_queued()
        if self._catching_up:
            out += self._catch_up()
        elif self._unsaid:
            out += self._flush_due()
        self._claimed |= bool(out)
        return out

    def _fold_queued(self) -> list[tuple[bool, Output]]:
        with self._stages.time("read"):
            taken = self._log.pop(self.number, MAX_BATCH_BYTES)
        if not taken:
            return []
        started_s = time.thread_time()
        with self._stages.time("fold"):
            outputs = self._fold(taken)
        self._freezer.note_folded(time.thread_time() - started_s)
        self._unflushed = self._partly_said = True
        return [(False, output) for output in outputs]

    @property
    def _unsaid(self) -> bool:
        """Whether a full flush could tell anything: stock, names and answers only it says."""
        return self._unflushed or self._partly_said or self.shard.patches.left_over

    def _flush_due(self) -> list[tuple[bool, Output]]:
        now_s = time.monotonic()
        goes_on = self.shard.patches.in_round and self._full.may_go_on(now_s)
        if goes_on or self._full.due(now_s):
            return [(False, self._timed_flush(self._full, full=True))]
        if self._unflushed and self._quick.due(now_s):
            return [(False, self._timed_flush(self._quick, full=False))]
        return []

    def _catch_up(self) -> list[tuple[bool, Output]]:
        """Past what a predecessor can have seen: say all again, first what rooms show most."""
        now_s = time.monotonic()
        if self._seen_n is not None and self.position.n >= self._seen_n:
            self._say_all_again()
        elif not self._unflushed or now_s < self._next_glimpse_s:
            return []
        self._next_glimpse_s = now_s + GLIMPSE_S
        return [(False, self._timed_flush(self._quick, full=False))]

    def _say_all_again(self) -> None:
        self.shard.forget_sent(past=not self._past_is_there)
        self._catching_up = False

    def last_flush(self) -> Output | None:
        """Before an orderly stop: more of what is unsaid; None once that is all, or it took long.

        Then the snapshot that follows is the last.
        """
        now_s = time.monotonic()
        if self._end_s is None:
            self._end_s = now_s + LAST_FLUSH_S
            self._freezer.finish()
            if self._catching_up:
                self._say_all_again()
        elif now_s >= self._end_s or not self._unsaid:
            return None
        return self.flush(most=FULL_CELLS)

    def flush(self, *, full: bool = True, most: int | None = None) -> Output:
        """Provisional figures that changed, as of the last entry; as `Patches.flush`."""
        with self._stages.time("flush"):
            output = self._fold_safely.flush(self._as_of_ms, full=full, most=most)
        self._unflushed = False
        self._partly_said &= not full or self.shard.patches.in_round
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
        return msgspec.msgpack.encode(self._freezer.snapshot(self.position, self._epoch or ""))

    def close(self) -> None:
        """Stop reading."""
        self._log.remove(self.number)

    def _note_durable(self) -> None:
        """A call after `snapshot`: Bytewax has made that snapshot durable (design, section 2)."""
        saved = self._freezer.note_durable()
        if saved is not None:
            self._log.trim(self.number, saved.id, int(time.time() * 1000), self._in_age_ms)

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

    def _look_at_redis(self) -> bool:
        """Hear who watches what and the end of what was seen; whether what we said is lost."""
        state = self._ask(self.number) if self._ask is not None else None
        unseen = self._catching_up and self._seen_n is None
        self._next_check_s = time.monotonic() + (SEEN_CHECK_S if unseen else RESEND_CHECK_S)
        if state is None:
            return False
        self.shard.patches.watched.tell(state.watched)
        # Only after our first output has fenced the predecessor is this the end of what it saw.
        if self._claimed and self._seen_n is None:
            self._seen_n = state.last_n
        changed = self._epoch is not None and state.epoch != self._epoch
        self._epoch = state.epoch
        return changed


def log_ms(entry_id: str) -> int:
    """Wall-clock ms at which an entry was appended."""
    return int(entry_id.partition("-")[0])
