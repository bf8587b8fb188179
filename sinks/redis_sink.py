"""Writes the outputs of one shard to Redis: guarded, fenced, retried, bounded.

Each flush is one pipeline of script calls. Any part of it may fail or have its reply lost: the
same values go out again, and the guards in Redis refuse what already stands.
"""

import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from operators.results import Output
from sinks import redis_metrics as metrics
from sinks.redis_claim import epoch_call, insist, now_ms, take, warn_of_eviction
from sinks.redis_client import RECONNECT, Backoff, Link, Refusal, Reply, pause
from sinks.redis_keys import key
from sinks.redis_pending import Limits, Pending, freeze, thaw
from sinks.redis_plan import Step, settle, steps
from sinks.redis_scripts import ScriptCall, load, receive_calls, run_call, send_calls
from sinks.redis_upkeep import remove_output, sweep, trim_out
from stream.errors import FencedError, InvariantError, SinkError

DONE, OLD, FENCED, LOST, INCOMPLETE = 1, 0, -1, -2, -3
"""First element of every script's reply: see lua/prelude.lua."""
PIPELINE_CALLS: Final = 256
SWEEP_S: Final = 600.0
TRIM_S: Final = 15.0
SCRIPTS: Final = ("check", "patch", "append_log", "counters", "dead", "retire")
_LOG: Final = logging.getLogger("liveroom.redis")


@dataclass(frozen=True, slots=True)
class Claim:
    """What taking the shard found out.

    `lost_state`: Redis does not hold what the snapshot says was written; call `new_epoch`, then
    `rewrite` all live state.
    """

    fence: int
    epoch: str
    lost_state: bool


@dataclass(frozen=True, slots=True)
class Written:
    """How a flush ended.

    `done`: nothing is pending. `lost_state`: as in `Claim`; until `new_epoch` nothing is sent.
    `old_count`: calls refused because what stands is as new (replays).
    """

    done: bool
    lost_state: bool
    old_count: int = 0


class RedisSink:
    """The outputs of one shard. One thread; `claim` comes first.

    Args:
        url: Redis address.
        shard: the shard's number.
        limits: lengths and lives of what is written.
        snapshot: bytes of an earlier `snapshot()`: what was pending is written again.
        timeout_s: longest wait for one reply.
    """

    def __init__(
        self,
        url: str,
        shard: int,
        *,
        limits: Limits | None = None,
        snapshot: bytes | None = None,
        timeout_s: float = 2.0,
        backoff: Backoff | None = None,
    ) -> None:
        self.shard = shard
        self.fence = 0
        self.epoch = ""
        self.trouble: str | None = None
        self._limits = limits or Limits()
        self._marker = secrets.token_hex(8)
        self._link = Link(url, timeout_s=timeout_s)
        self._backoff = backoff or Backoff()
        self._pending, self._writes, self._snapshot_epoch = Pending(shard, self._limits), 0, ""
        if snapshot is not None:
            frozen = thaw(snapshot)
            self._pending = frozen.pending(shard, self._limits)
            self._writes, self._snapshot_epoch = frozen.writes, frozen.epoch
        self._checked_generation = 0
        self._lost = False
        self._flying: Sequence[Step] = ()
        self._attempt = 0
        self._retry_at_s = 0.0
        self._sweep_at_s = self._trim_at_s = 0.0

    @property
    def healthy(self) -> bool:
        """Whether the last flush succeeded; `trouble` says why not."""
        return self.trouble is None

    @property
    def pending_count(self) -> int:
        """Channels, entries and letters that wait to be written."""
        waiting = self._pending
        return len(waiting.patches) + len(waiting.entries) + len(waiting.letters)

    @property
    def dropped_count(self) -> int:
        """Log entries and dead letters dropped because Redis was away too long."""
        return self._pending.dropped_entries_count + self._pending.dropped_letters_count

    def claim(self, timeout_s: float = 30.0, give_up: Callable[[], bool] = lambda: False) -> Claim:
        """Take the shard from any other engine, whose writes are refused from now on.

        Raises:
            SinkError: Redis did not answer within `timeout_s` or before `give_up` said so, or
                refuses us for good.
        """
        return insist(self._claim, self._backoff, timeout_s, give_up)

    def write(self, outputs: Sequence[Output] = ()) -> Written:
        """Take outputs in and flush everything pending; without outputs, just flush.

        While Redis is away this returns at once with `done` False: what is pending stays,
        coalesced, and the next attempt is made by a call after the back-off's delay.

        Raises:
            FencedError: a newer engine owns the shard: stop.
            SinkError: Redis refuses a write for good (`retry_after_ms` None).
        """
        self._take(outputs, replace=False)
        return self._flush()

    def post(self, outputs: Sequence[Output], *, replace: bool = False) -> Written:
        """As `write` or `rewrite`, but does not wait for Redis to answer.

        The caller goes on while Redis works; what it says is heard by the next call of any
        kind, with `lost_state` and errors. Until then all that was posted counts as pending.

        Raises:
            FencedError, SinkError: as `write`, about what was posted before.
        """
        self._take(outputs, replace=replace)
        return self._flush(wait=False)

    def land(self) -> None:
        """Hear the answers to what was posted, before anything else is asked or added.

        Raises:
            FencedError, SinkError: as `write`.
        """
        if not self._flying:
            return
        try:
            self._hear()
        except SinkError as error:
            self._later(error)
        else:
            self._attempt, self.trouble = 0, None
            self._upkeep()
        metrics.HEALTHY.labels(str(self.shard)).set(self.healthy)

    def rewrite(self, outputs: Sequence[Output]) -> Written:
        """As `write`, but each patch is its whole channel: other fields are removed."""
        self._take(outputs, replace=True)
        return self._flush()

    def drain(self, timeout_s: float) -> bool:
        """Flush until nothing is pending; False if `timeout_s` passed or the state is lost.

        Raises:
            FencedError, SinkError: as `write`.
        """
        deadline = time.monotonic() + timeout_s
        written = self._flush()
        while not written.done and not written.lost_state and time.monotonic() < deadline:
            pause(max(1, int((self._retry_at_s - time.monotonic()) * 1_000)))
            written = self._flush()
        return written.done

    def new_epoch(self) -> str:
        """After `lost_state`: begin a new epoch and announce it to the gateways. Its id.

        Follow with `rewrite` of all live state.

        Raises:
            FencedError: a newer engine owns the shard.
            SinkError: Redis is away: call again.
        """
        self.land()
        marker, epoch = secrets.token_hex(8), secrets.token_hex(8)
        call = epoch_call(self.shard, self.fence, marker, epoch, self._limits.out_maxlen)
        code, writes = _code(run_call(self._link, call))
        if code == FENCED:
            raise FencedError("redis", self.shard)
        self._marker, self.epoch, self._writes = marker, epoch, writes
        self._lost = False
        self._retry_at_s = 0.0
        return epoch

    def reset(self) -> str:
        """Start over: remove all channels and begin a new epoch. Its id.

        For an engine that starts without a snapshot on a Redis that holds an earlier one's
        output, whose newer guards would refuse what it writes.

        Raises:
            FencedError, SinkError: as `new_epoch`.
        """
        self.land()
        remove_output(self._link, self.shard, self._lead())
        return self.new_epoch()

    def sweep(self) -> int:
        """Take expired channels out of the directory; done by itself every 10 minutes.

        Raises:
            SinkError: Redis is away: nothing is lost.
        """
        self.land()
        self._sweep_at_s = time.monotonic() + SWEEP_S
        return sweep(self._link, self.shard, now_ms())

    def trim(self) -> int:
        """Drop from the out log what is older than `out_age_ms`; done by itself every 15 s.

        Returns how many entries went.

        Raises:
            SinkError: Redis is away: nothing is lost.
        """
        self.land()
        self._trim_at_s = time.monotonic() + TRIM_S
        return trim_out(self._link, self.shard, self._limits.out_age_ms)

    def snapshot(self) -> bytes:
        """What a successor needs: pending writes, epoch, write count. For the recovery store."""
        return freeze(self._pending, self.epoch, self._writes)

    def close(self) -> None:
        """Close the connection; what is pending stays unwritten (`drain` first)."""
        self._link.close()

    def _key(self, name: str) -> str:
        return key(self.shard, name)

    def _claim(self) -> Claim:
        taken = take(self._link, self.shard, self._marker, self._limits.out_maxlen)
        warn_of_eviction(self._link)
        self.fence, self.epoch = taken.fence, taken.epoch
        known = self._snapshot_epoch
        self._lost = bool(known) and (known != taken.epoch or taken.writes < self._writes)
        self._writes = taken.writes
        if self._lost:
            metrics.LOST_STATE.inc()
        return Claim(self.fence, self.epoch, self._lost)

    def _take(self, outputs: Sequence[Output], *, replace: bool) -> None:
        self.land()
        entries, letters = self._pending.dropped_entries_count, self._pending.dropped_letters_count
        for output in outputs:
            self._pending.add(output, replace=replace)
        metrics.DROPPED.labels("entry").inc(self._pending.dropped_entries_count - entries)
        metrics.DROPPED.labels("letter").inc(self._pending.dropped_letters_count - letters)

    def _flush(self, *, wait: bool = True) -> Written:
        if not self.fence:
            raise InvariantError("claim() comes before write()")
        self.land()
        if self._lost or time.monotonic() < self._retry_at_s:
            return Written(done=False, lost_state=self._lost)
        old_count = 0
        try:
            with metrics.WRITE_SECONDS.time():
                self._verify()
                planned = steps(self._pending)
                for start in range(0, len(planned), PIPELINE_CALLS):
                    self._send(planned[start : start + PIPELINE_CALLS])
                    if wait or start + PIPELINE_CALLS < len(planned):
                        old_count += self._hear()
                    if self._lost:
                        break
        except SinkError as error:
            self._later(error)
        else:
            if not self._flying:
                self._attempt, self.trouble = 0, None
                self._upkeep()
        metrics.HEALTHY.labels(str(self.shard)).set(self.healthy)
        return Written(not self._pending and not self._lost, self._lost, old_count)

    def _upkeep(self) -> None:
        if self._lost:
            return
        try:
            if time.monotonic() >= self._trim_at_s:
                self.trim()
            if time.monotonic() >= self._sweep_at_s:
                self.sweep()
        except SinkError as error:
            _LOG.info("shard %d: upkeep put off: %s", self.shard, error.why)

    def _verify(self) -> None:
        """On a new connection: is everything still there? (a fail-over breaks connections)."""
        self._link.connect()
        if self._checked_generation == self._link.generation:
            return
        load(self._link, SCRIPTS)
        call = ScriptCall("check", (self._key("meta"),), ())
        self._judge(run_call(self._link, call, self._lead()), counted=False)
        self._checked_generation = self._link.generation

    def _send(self, planned: Sequence[Step]) -> None:
        send_calls(self._link, [step.call for step in planned], self._lead())
        self._flying = planned

    def _hear(self) -> int:
        """Settle what is in the air by its answers; how many calls were refused as old."""
        planned, self._flying = self._flying, ()
        replies = receive_calls(self._link, [step.call for step in planned], self._lead())
        metrics.CALLS.inc(len(planned))
        codes = [
            None if isinstance(reply, Refusal) else self._judge(reply, counted=True)
            for reply in replies
        ]
        settle(self._pending, planned, [code in (DONE, OLD) for code in codes])
        metrics.REFUSED.inc(codes.count(OLD))
        self._raise_refusal([reply for reply in replies if isinstance(reply, Refusal)])
        if INCOMPLETE in codes:
            raise SinkError("redis", "a part of a write is missing", self._backoff.base_ms)
        return codes.count(OLD)

    def _lead(self) -> tuple[int, str]:
        return self.fence, self._marker

    def _judge(self, reply: Reply, *, counted: bool) -> int:
        """Code of a reply; notices a lost state by itself or by the write counter."""
        code, writes = _code(reply)
        if code == FENCED:
            raise FencedError("redis", self.shard)
        went_back = writes < self._writes or (counted and code == DONE and writes == self._writes)
        if code == LOST or went_back:
            if not self._lost:
                metrics.LOST_STATE.inc()
                _LOG.warning("shard %d: Redis lost what we had written", self.shard)
            self._lost = True
            return LOST
        self._writes = writes
        return code

    def _raise_refusal(self, refusals: Sequence[Refusal]) -> None:
        for refused in sorted(refusals, key=lambda r: r.may_pass):
            if refused.kind in RECONNECT:
                self._link.drop()
            retry_ms = self._backoff.base_ms if refused.may_pass else None
            raise SinkError("redis", refused.text, retry_ms)

    def _later(self, error: SinkError) -> None:
        if error.retry_after_ms is None:
            raise error
        if self.healthy:
            _LOG.warning("shard %d: %s", self.shard, error.why)
        self._attempt += 1
        self._retry_at_s = time.monotonic() + self._backoff.delay_ms(self._attempt) / 1_000
        self.trouble = error.why
        metrics.RETRIES.labels(error.why.split(" ", 1)[0]).inc()


def _code(reply: Reply) -> tuple[int, int]:
    if isinstance(reply, list) and len(reply) >= 2:
        code, writes = reply[0], reply[1]
        if isinstance(code, int) and isinstance(writes, int):
            return code, writes
    raise InvariantError("a script returned something else than [code, writes, ...]")
