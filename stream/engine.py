"""`liveroom run`: the engine process."""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

import msgspec
import redis

from operators.results import Output
from operators.shard import Shard
from sinks.log_reader import LogReader
from sinks.redis_claim import now_ms
from sinks.redis_keys import key
from sinks.redis_pending import Limits
from sinks.redis_sink import RedisSink
from sinks.results_file import ResultsFile, shard_file
from stream.dataflow import ShardSink, build_flow, run_flow
from stream.errors import ConfigError, LiveroomError, SinkError
from stream.freezer import StateWriter
from stream.memory import give_back_large_blocks
from stream.options import make_shard, rules_of
from stream.pace import FULL_SHARE, QUICK_SHARE, Budget, Pace
from stream.partition import OutputState, Partition
from stream.recovery import check_recovery, decoded
from stream.settings import Settings
from stream.side import beside
from stream.sources import ShardSource
from stream.stages import Stages
from stream.state_files import StateFiles
from stream.stopping import Stop, stop_on_signals

T = TypeVar("T")

DRAIN_S: Final = 3.5
"""Since a stop was asked for: so long the sinks of all shards try to write what is pending."""

_LOG: Final = logging.getLogger("liveroom.engine")


def run_engine(settings: Settings) -> int:
    """Run until a signal; 0 after a graceful stop.

    Raises:
        ConfigError: a setting is wrong.
        StateError: the recovery directory does not fit.
        SinkError: Redis refuses us for good, or another engine took over.
    """
    if settings.redis_url is None:
        raise ConfigError("redis_url", None, "a Redis server, e.g. redis://127.0.0.1:6379")
    rules_of(settings)
    check_recovery(settings.recovery_dir, settings.shards)
    stages, failures = Stages(), Failures()
    budgets, writer = (Budget(QUICK_SHARE), Budget(FULL_SHARE)), StateWriter()
    give_back_large_blocks()
    with stop_on_signals() as stop, beside(settings, stop):
        reader = LogReader(settings.redis_url)
        asker = OutputAsker(settings.redis_url)
        try:
            source = ShardSource(
                settings.shards,
                failures.noting(
                    lambda number, saved: _partition(
                        settings, reader, asker, stages, budgets, writer, number, saved, stop
                    )
                ),
                stop,
            )
            sink = ShardSink(
                settings.shards,
                failures.noting(
                    lambda number, saved: ShardOut(settings, number, saved, failures, stop, stages)
                ),
            )
            run_flow(
                build_flow(source, sink),
                process_id=settings.process_id,
                addresses=settings.addresses,
                epoch_ms=settings.epoch_ms,
                recovery_dir=settings.recovery_dir,
            )
        except Exception as error:
            if stop.is_set() and failures.may_pass():
                # Redis is away and we shall not wait for it: the last snapshot stands.
                _LOG.warning("stopped while Redis was away: %s", failures.first)
                return 0
            if failures.first is not None:
                raise failures.first from error
            raise
        finally:
            reader.close()
            asker.close()
            if settings.profile_stages:
                sys.stderr.write(stages.table() + "\n")
    return 0


class Failures:
    """The first error of a callback: Bytewax wraps or, in a cluster, loses it."""

    def __init__(self) -> None:
        self.first: LiveroomError | None = None

    def note(self, error: LiveroomError) -> None:
        """Keep the first."""
        if self.first is None:
            self.first = error

    def may_pass(self) -> bool:
        """Whether there was one, and the same may work later."""
        return isinstance(self.first, SinkError) and self.first.retry_after_ms is not None

    def noting(self, build: Callable[[int, bytes | None], T]) -> Callable[[int, bytes | None], T]:
        """`build`, its errors noted."""

        def noted(number: int, saved: bytes | None) -> T:
            try:
                return build(number, saved)
            except LiveroomError as error:
                self.note(error)
                raise

        return noted


class SavedSink(msgspec.Struct, frozen=True):
    """What a successor of a writer needs: unwritten outputs, length of the results file.

    `rows`: of the shard, all that were ever made, in that file.
    """

    redis: bytes
    results: int | None = None
    rows: int = 0


class ShardOut:
    """The outputs of a shard: Redis, and the results file where there is one."""

    def __init__(
        self,
        settings: Settings,
        number: int,
        saved: bytes | None,
        failures: Failures,
        stop: Stop,
        stages: Stages | None = None,
    ) -> None:
        stop.begun.set()
        self._stages = stages or Stages()
        found = decoded(saved, SavedSink, "outputs")
        self._results: ResultsFile | None = None
        if settings.results_dir is not None:
            path = shard_file(settings.results_dir, number)
            self._results = ResultsFile(path, found.results if found else None)
        self._rows = found.rows if found else 0
        self._failures, self._stop = failures, stop
        saved = found.redis if found else None
        limits = Limits(
            out_maxlen=settings.out_maxlen,
            out_age_ms=settings.out_age_s * 1000,
            dead_maxlen=settings.dead_maxlen,
            sealed_ttl_ms=settings.sealed_ttl_s * 1000,
        )
        self._sink = RedisSink(settings.redis_url or "", number, limits=limits, snapshot=saved)
        claim = self._sink.claim(give_up=stop.is_set)
        if saved is None:
            self._sink.reset()
        elif claim.lost_state:
            self._sink.new_epoch()

    def write(self, outputs: Sequence[tuple[bool, Output]]) -> None:
        """Write outputs; after a loss, begin a new epoch: the source sees it and sends all."""
        with self._stages.time("write"):
            for replace, output in outputs:
                self._write(output, replace=replace)
                # After Redis answered: a fenced engine must not touch its successor's file.
                self._append(output)

    def _write(self, output: Output, *, replace: bool) -> None:
        with self._bearing():
            if self._sink.post([output], replace=replace).lost_state:
                self._sink.new_epoch()
            if output.rows:
                self._sink.land()

    @contextmanager
    def _bearing(self) -> Iterator[None]:
        """What may pass is no failure: what is to be written waits."""
        try:
            yield
        except SinkError as error:
            if error.retry_after_ms is None:
                self._failures.note(error)
                raise

    def _append(self, output: Output) -> None:
        """Write rows, but those of the log that is folded again after a resume."""
        if not output.rows:
            return
        total = output.counters.get("rows", 0)
        new = min(max(total - self._rows, 0), len(output.rows))
        self._rows = max(total, self._rows)
        if self._results is not None and new:
            self._results.append(output.rows[-new:])

    def snapshot(self) -> bytes:
        """What is pending, and how long the results file is."""
        with self._bearing():
            self._sink.land()
        length = self._results.sync() if self._results is not None else None
        return msgspec.msgpack.encode(SavedSink(self._sink.snapshot(), length, self._rows))

    def close(self) -> None:
        """Write what is pending, for a moment, and close."""
        if self._results is not None:
            self._results.close()
        try:
            self._sink.drain(self._stop.left_s(DRAIN_S))
        except SinkError as error:
            _LOG.warning("closing with unwritten outputs: %s", error)
        self._sink.close()


class OutputAsker:
    """Asks for the state of a shard's outputs; None while Redis is away."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url, socket_timeout=1.0)

    def __call__(self, shard: int) -> OutputState | None:
        """Epoch, last entry, what is watched; None also before the first claim."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.hmget(key(shard, "meta"), ["epoch", "n"])
        pipe.zrangebyscore(key(shard, "watched"), now_ms(), "+inf")
        try:
            (epoch, last), watched = pipe.execute()
        except redis.RedisError:
            return None
        if not isinstance(epoch, bytes):
            return None
        # A gateway that serves nobody still says that it is there.
        names = frozenset(name.decode() for name in watched) if watched else None
        return OutputState(epoch.decode(), int(last or 0), names)

    def close(self) -> None:
        """Close the connection."""
        self._redis.close()


def _warm_shard(number: int, settings: Settings) -> Shard:
    """A shard that need not load anything at its first comment: screens would wait for it."""
    shard = make_shard(number, settings)
    shard.fold.talk.warm_up()
    return shard


def _partition(
    settings: Settings,
    reader: LogReader,
    asker: OutputAsker,
    stages: Stages,
    budgets: tuple[Budget, Budget],
    writer: StateWriter,
    number: int,
    saved: bytes | None,
    stop: Stop,
) -> Partition:
    stop.begun.set()
    return Partition(
        number,
        reader,
        lambda: _warm_shard(number, settings),
        saved=saved,
        pace=(
            Pace(settings.flush_interval_ms, budgets[0]),
            Pace(settings.full_flush_interval_ms, budgets[1]),
        ),
        in_age_ms=settings.in_age_s * 1000,
        ask=asker,
        files=StateFiles(settings.recovery_dir, number),
        local_shards=-(-settings.shards // max(1, len(settings.addresses))),
        stages=stages,
        writer=writer,
    )
