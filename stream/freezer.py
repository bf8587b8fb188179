"""When the state of a shard is frozen, and how it gets into the recovery store.

A shard stands still only while its state is copied. A thread encodes the copy and writes it
beside the store; until that is done the snapshot before stands.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple

import msgspec

from operators.copies import CopySpace
from operators.frozen import Part, whole
from operators.snapshot import Captured
from sinks.log import Position
from stream.errors import StateError
from stream.memory import give_back_free_pages
from stream.quarantine import Quarantine
from stream.recovery import REMEDY
from stream.stages import Stages
from stream.state_files import StateFiles

INLINE_BYTES: Final = 1 << 20
"""A state up to this size goes into the store itself, a larger one into a file beside it."""
FREEZE_DUTY: Final = 0.01
"""Largest share of time spent on copying states, all local shards together."""
REFOLD_S: Final = 2.0
"""All local shards together freeze again at the latest when folding the log since took so much
of the processor's time: it bounds what a resumed engine has to do again."""
WRITE_BYTES_PER_S: Final = 10e6
"""Else all local shards together write states no faster than this."""
FIRST_REST_S: Final = 0.5
"""A resumed shard freezes after so long at the latest, and a small one sooner."""
TIDY_S: Final = 60.0
"""Free pages of the heap go back this often, between two states."""
WAITING_BYTES: Final = 32 << 20
"""Copies that wait to be written: beyond it no shard is frozen."""


class Saved(msgspec.Struct, frozen=True):
    """What goes into the recovery store: the last entry folded, and the state after it.

    `file` names a state too large for the store; then `state` is empty. `epoch`: of the
    outputs in Redis then; "": not known.
    """

    id: str
    n: int
    state: bytes
    file: str = ""
    epoch: str = ""


def reading(saved: Saved, files: StateFiles | None) -> Callable[[], bytes]:
    """A function that gives the state of a snapshot. It raises StateError if a file is gone.

    Raises:
        StateError: there is no folder to read files from.
    """
    state, name = saved.state, saved.file
    if not name:
        return lambda: state
    if files is None:
        what = f"no folder to read {name} from"
        raise StateError(what, REMEDY)
    return lambda: files.read(name)


class Written(NamedTuple):
    """A state that is on the disk; `captured` only says which it was."""

    saved: Saved
    captured: Captured


class StateWriter:
    """The thread of a process that encodes and writes copies, one after the other.

    `space`: memory for the copies.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="states")
        self.space = CopySpace()
        self._waiting_bytes = 0
        self._tidy_at_s = time.monotonic() + TIDY_S

    @property
    def has_room(self) -> bool:
        """Whether another copy may wait."""
        return self._waiting_bytes < WAITING_BYTES

    def start(self, nbytes: int, job: Callable[[], Written]) -> Future[Written]:
        """Do `job`, which holds so many bytes until it is done."""
        self._waiting_bytes += nbytes
        future = self._pool.submit(self._do, job)
        future.add_done_callback(lambda _: self._done(nbytes))
        return future

    def _do(self, job: Callable[[], Written]) -> Written:
        written = job()
        if time.monotonic() >= self._tidy_at_s:
            self._tidy_at_s = time.monotonic() + TIDY_S
            give_back_free_pages()
        return written

    def _done(self, nbytes: int) -> None:
        self._waiting_bytes -= nbytes


class Freezer:
    """Freezes one shard.

    Args:
        folding: the shard.
        files: where large states go; None: always into the store.
        local_shards: how many shards share the time of this process.
        writer: shared by them.
        found: the snapshot that the shard was resumed from, and how long that took.
    """

    def __init__(
        self,
        folding: Quarantine,
        files: StateFiles | None,
        local_shards: int,
        stages: Stages,
        writer: StateWriter,
        found: tuple[Saved, float] | None = None,
    ) -> None:
        self._folding = folding
        self._files = files
        self._local_shards = local_shards
        self._stages = stages
        self._writer = writer
        thaw_s = found[1] if found else 0.0
        self._saved: Saved | None = found[0] if found else None
        self._undurable: Saved | None = None
        self._job: Future[Written] | None = None
        self._refold_s = 0.0
        self._last = False
        rest_s = min(FIRST_REST_S, thaw_s * local_shards / FREEZE_DUTY)
        self._next_s = time.monotonic() + rest_s if found else 0.0

    def note_folded(self, took_s: float) -> None:
        """So much of the processor's time went into folding: it would be done again."""
        self._refold_s += took_s

    def finish(self) -> None:
        """The next snapshot is the last: it holds everything."""
        self._last = True

    def snapshot(self, at: Position, epoch: str) -> Saved:
        """What the recovery store is to hold while the shard stands `at` that place.

        Raises:
            OSError: a state could not be written.
        """
        self._collect(wait=self._last)
        saved = self._saved
        if saved is None or (self._last and saved.n != at.n):
            self._begin(at, epoch)
            self._collect(wait=True)
        elif saved.n != at.n and self._job is None and self._writer.has_room and self._due():
            self._begin(at, epoch)
        if self._saved is None:
            raise StateError("a state was not written", REMEDY)
        self._undurable = self._saved
        return self._saved

    def note_durable(self) -> Saved | None:
        """The last snapshot is in the store by now; it, unless nothing of the log is in it."""
        saved, self._undurable = self._undurable, None
        if saved is None or not saved.n:
            return None
        if self._files is not None and saved.file:
            self._files.forget(saved.file)
        return saved

    def _due(self) -> bool:
        refold = self._refold_s * self._local_shards >= REFOLD_S
        return refold or self._folding.full or time.monotonic() >= self._next_s

    def _begin(self, at: Position, epoch: str) -> None:
        """Copy the state; a small one is encoded at once, a large one by the writer."""
        started_s, used_s = time.monotonic(), time.thread_time()
        with self._stages.time("snapshot"):
            captured = self._folding.capture(self._writer.space)
            parts = captured.parts() if captured.nbytes <= INLINE_BYTES else None
        # Waiting for a busy processor is no cost of ours, or the next one would be far off.
        took_s = min(time.monotonic() - started_s, 2.0 * (time.thread_time() - used_s))
        shares = took_s / FREEZE_DUTY, captured.nbytes / WRITE_BYTES_PER_S
        self._next_s, self._refold_s = started_s + max(shares) * self._local_shards, 0.0
        files = self._files
        if files is not None and (parts is None or sum(map(len, parts)) > INLINE_BYTES):
            self._job = self._writer.start(
                captured.nbytes, lambda: _written(files, captured, parts, at, epoch)
            )
            return
        state = whole(captured.parts() if parts is None else parts)
        captured.let_go()
        self._take(Written(Saved(at.id, at.n, state, epoch=epoch), captured))

    def _collect(self, *, wait: bool) -> None:
        job = self._job
        if job is not None and (wait or job.done()):
            self._job = None
            self._take(job.result())

    def _take(self, written: Written) -> None:
        self._saved = written.saved
        self._folding.adopt(written.captured, reading(written.saved, self._files))


def _written(
    files: StateFiles, captured: Captured, parts: list[Part] | None, at: Position, epoch: str
) -> Written:
    name = files.write(time.time_ns(), *(captured.parts() if parts is None else parts))
    captured.let_go()
    return Written(Saved(at.id, at.n, b"", name, epoch), captured)
