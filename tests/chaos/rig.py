"""Real processes for fault runs: a Redis server, the engine, a paced replay into the log."""

import json
import re
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sinks.redis_client import Link, Reply
from sinks.redis_reply import pairs
from sinks.redis_server import RedisServer
from sinks.results_file import merged_lines
from stream.errors import LiveroomError, SinkError
from stream.settings import Settings, environ_of
from stream.supervisor import Child, ChildSpec, liveroom_argv
from tests.support.accounts import balance
from tests.support.small_disk import small_disk
from tests.support.tcp_proxy import TcpProxy

POLL_S: Final = 0.05
REST_S: Final = 2.0
"""Nothing more is said if nothing was for so long."""
_UNCOMPARED: Final = ("in", "meta", "out", "dead", "logseq")
_GUARDS: Final = ("_v", "_s", "_p")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left: its results file, and Redis as channel to field to value.

    `redis` None: nothing was written there, so there is nothing to compare.
    """

    results: bytes
    redis: Mapping[str, Mapping[str, str]] | None
    counters: Mapping[str, int]
    seconds: float

    @property
    def balanced(self) -> bool:
        """Whether in = accepted + duplicates + dead letters."""
        return not balance(self.counters)


class Rig(AbstractContextManager["Rig"]):
    """A server and an engine in `folder`, started by `with`.

    Args:
        folder: empty; takes logs, recovery store and results.
        shards: of the log.
        processes: of the engine.
        appendfsync: of the Redis server; None: it keeps nothing.
        epoch_ms: of the engine.
        recovery_dir: another than the rig's own.
        config: further arguments of the Redis server.
        disk_mib: the recovery store lies on a disk of that size of its own; 0: not.
        through: engine and gateway reach Redis through `proxy`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        shards: int = 4,
        processes: int = 1,
        appendfsync: str | None = None,
        epoch_ms: int = 500,
        recovery_dir: Path | None = None,
        config: tuple[str, ...] = (),
        disk_mib: int = 0,
        through: bool = False,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._stack = ExitStack()
        (folder / "redis").mkdir()
        self.redis = self._stack.enter_context(
            RedisServer.start(folder / "redis", appendfsync=appendfsync, config=config)
        )
        self.proxy = self._stack.enter_context(TcpProxy(self.redis.port)) if through else None
        state = self._stack.enter_context(small_disk(folder / "disk", disk_mib))
        self.settings = Settings(
            redis_url=self.proxy.url if self.proxy else self.redis.url,
            shards=shards,
            processes=processes,
            recovery_dir=recovery_dir or (state or folder) / "recovery",
            results_dir=folder / "results",
            epoch_ms=epoch_ms,
            token_secret="e" * 48,
            port=0,
        )
        self.link = Link(self.redis.url)
        self._stack.callback(self.link.close)
        self.engine: Child | None = None
        self._fences = 0
        self._durable_then: list[Reply] = []
        self.children: list[Child] = []

    def __enter__(self) -> Self:
        """Start the engine."""
        self.start_engine()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        at: TracebackType | None = None,
    ) -> None:
        """Kill what is left.

        Raises:
            LiveroomError: some lines that went in are not accounted for, whatever else was
                looked at. It holds at any moment: the totals of a shard are one hash.
        """
        try:
            if kind is None:
                self.counters()
        finally:
            for child in self.children:
                child.signal(signal.SIGKILL)
                child.wait(60.0)
            self._stack.close()

    @property
    def results_dir(self) -> Path:
        """Where the engine writes final rows."""
        return self.settings.results_dir or self.folder

    def start_engine(self, processes: int | None = None) -> Child:
        """Start the engine, with another number of processes if given."""
        if processes is not None:
            self.settings = replace(self.settings, processes=processes)
        self._fences, self._durable_then = self._claims(), self._durables()
        self.engine = self.child("engine", liveroom_argv("run"))
        return self.engine

    def claimed(self) -> bool:
        """Whether the engine started last has taken all shards, so that it can be stopped."""
        return self._claims() >= self._fences + self.settings.shards

    def progressed(self) -> bool:
        """Whether each shard has a durable snapshot that is newer than at the last start, or all.

        An engine that is killed before it has one does everything again, for ever.
        """
        now, then = self._durables(), self._durable_then
        if not self.claimed() or len(now) != self.settings.shards:
            return False
        try:
            return all(
                now[shard] != (then[shard] if then else None) or now[shard] == self._last_id(shard)
                for shard in range(self.settings.shards)
            )
        except SinkError:
            return False

    def _durables(self) -> list[Reply]:
        """Last durable entry of each shard; [] while Redis is away."""
        try:
            return [
                self.link.call("HGET", f"{{{shard}}}:meta", "durable")
                for shard in range(self.settings.shards)
            ]
        except SinkError:
            return []

    def _claims(self) -> int:
        """Claims of shards so far; 0 while Redis is away."""
        try:
            found = [
                self.link.call("HGET", f"{{{shard}}}:meta", "fence")
                for shard in range(self.settings.shards)
            ]
        except SinkError:
            return 0
        return sum(int(fence) for fence in found if isinstance(fence, bytes))

    def child(self, name: str, argv: tuple[str, ...], **more: str) -> Child:
        """Start a process of the product with our settings; it logs to `NAME.log`."""
        environ = {**environ_of(self.settings), **more}
        child = Child(ChildSpec(name, argv, environ, log=self.folder / f"{name}.log"))
        self.children.append(child)
        return child

    def replay(self, recording: Path, seconds: float) -> Child:
        """Append a recording to the log, paced so that it takes about `seconds`."""
        speed = recorded_s(recording) / seconds
        options = ("--to-redis", "--format", "ndjson", "--speed", f"{speed:.6f}")
        argv = liveroom_argv("replay", str(recording), *options)
        return self.child("replay", argv, LIVEROOM_REDIS_URL=self.redis.url)

    def kill_engine(self) -> None:
        """Kill -9 of all its processes."""
        if self.engine is not None:
            self.engine.signal(signal.SIGKILL)
            self.engine.wait(60.0)

    def stop_engine(self) -> float:
        """SIGTERM; how long it took, in seconds.

        Raises:
            LiveroomError: it did not end with 0 within 20 s.
        """
        engine = self.engine
        if engine is None:
            return 0.0
        self.wait_until("the engine has claimed its shards", self.claimed)
        begin = time.monotonic()
        engine.signal(signal.SIGTERM)
        if not engine.wait(20.0) or engine.exit_code() != 0:
            msg = f"the engine ended with {engine.exit_code()}: {engine.log_tail()}"
            raise LiveroomError(msg)
        return time.monotonic() - begin

    def caught_up(self) -> bool:
        """Whether everything in the log is in a durable snapshot."""
        try:
            for shard in range(self.settings.shards):
                durable = self.link.call("HGET", f"{{{shard}}}:meta", "durable")
                if durable != self._last_id(shard):
                    return False
        except SinkError:
            return False
        return True

    def wait_until(self, what: str, true: Callable[[], bool], timeout_s: float = 120.0) -> None:
        """Wait for a condition.

        Raises:
            LiveroomError: it did not come true in time, or the engine ended.
        """
        deadline = time.monotonic() + timeout_s
        while not true():
            engine = self.engine
            if engine is not None and engine.exit_code() is not None:
                msg = f"the engine ended with {engine.exit_code()} before: {what}"
                raise LiveroomError(msg)
            if time.monotonic() > deadline:
                msg = f"not within {timeout_s:g} s: {what}"
                raise LiveroomError(msg)
            time.sleep(POLL_S)

    def settle(self, true: Callable[[], bool], timeout_s: float) -> bool:
        """Wait for a condition that may never come true; whether it did."""
        deadline = time.monotonic() + timeout_s
        while not true():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True

    def rows(self) -> int:
        """Bytes of final rows written so far."""
        return sum(path.stat().st_size for path in self.results_dir.glob("shard-*.ndjson"))

    def finish(self, replay: Child | None = None, timeout_s: float = 1_800.0) -> float:
        """Wait for the replay's end and for the engine to have it all, then stop the engine."""
        if replay is not None:
            self.wait_until("the replay ends", lambda: replay.exit_code() is not None, timeout_s)
        if replay is not None and replay.exit_code() != 0:
            msg = f"the replay ended with {replay.exit_code()}: {replay.log_tail()}"
            raise LiveroomError(msg)
        self.wait_until("the engine has everything", self.caught_up, timeout_s)
        # An orderly stop says only for a while what is unsaid; a resumed engine may have much.
        said: tuple[float, list[Reply]] = (0.0, [])

        def rests() -> bool:
            nonlocal said
            now = [self._last_id(shard, "out") for shard in range(self.settings.shards)]
            if now != said[1]:
                said = time.monotonic(), now
            return time.monotonic() - said[0] > REST_S

        self.wait_until("all is said", rests, timeout_s)
        return self.stop_engine()

    def outcome(self, seconds: float = 0.0) -> Outcome:
        """What stands in the results files and in Redis, once the engine has it all.

        Raises:
            LiveroomError: some lines that went in are not accounted for.
        """
        counters, channels = self.counters(), self.channels()
        for shard in range(self.settings.shards):
            channels.pop(f"{{{shard}}}:counters", None)
        results = b"".join(merged_lines(self.results_dir))
        return Outcome(results, channels, counters, seconds)

    def counters(self) -> dict[str, int]:
        """The engine's totals over all shards.

        Raises:
            LiveroomError: some lines that went in are not accounted for.
        """
        found: dict[str, int] = {}
        for shard in range(self.settings.shards):
            fields = _pairs(self.link.call("HGETALL", f"{{{shard}}}:counters"))
            for name, value in fields.items():
                if name not in _GUARDS and not name.endswith("_ms"):
                    found[name] = found.get(name, 0) + int(value)
        if wrong := balance(found):
            raise LiveroomError(wrong)
        return found

    def channels(self) -> dict[str, dict[str, str]]:
        """All state and log channels, without the guards of their versions."""
        found: dict[str, dict[str, str]] = {}
        keys = self.link.call("KEYS", "*")
        for name in sorted(_texts(keys)):
            kind = self.link.call("TYPE", name)
            what = name.partition(":")[2]
            if kind == b"hash" and what not in _UNCOMPARED:
                values = _pairs(self.link.call("HGETALL", name))
                found[name] = {k: _timeless(v) for k, v in values.items() if k not in _GUARDS}
            elif kind == b"stream" and what.startswith("log:"):
                # Ids are made from the time of appending, which differs from run to run.
                found[name] = {str(n): d for n, d in enumerate(self._log_data(name))}
        return found

    def _log_data(self, name: str) -> list[str]:
        entries = self.link.call("XRANGE", name, "-", "+")
        bodies = [e[1] for e in entries if isinstance(e, list)] if isinstance(entries, list) else []
        return [_pairs(body)["d"] for body in bodies]

    def _last_id(self, shard: int, stream: str = "in") -> Reply:
        info = self.link.call("XINFO", "STREAM", f"{{{shard}}}:{stream}")
        return dict(pairs(info))[b"last-generated-id"]


def differences(a: Outcome, b: Outcome) -> list[str]:
    """What differs between two runs of one recording; empty: nothing."""
    found = []
    if a.results != b.results:
        left, right = set(a.results.splitlines()), set(b.results.splitlines())
        found.append(f"results: {len(left - right)} rows only left, {len(right - left)} right")
        found += [f"  - {row[:300]!r}" for row in sorted(left - right)[:3]]
        found += [f"  + {row[:300]!r}" for row in sorted(right - left)[:3]]
    if a.redis is None or b.redis is None:
        return found
    for name in sorted(a.redis.keys() | b.redis.keys()):
        left_fields, right_fields = a.redis.get(name, {}), b.redis.get(name, {})
        for key in sorted(left_fields.keys() | right_fields.keys()):
            if left_fields.get(key) != right_fields.get(key):
                found.append(f"{name} {key}: {left_fields.get(key)} != {right_fields.get(key)}")
    return found


def recorded_s(recording: Path) -> float:
    """Event time of a recording from its first tick to the one before the closing tick."""
    ticks = [
        int(json.loads(line)["event_time_ms"])
        for line in recording.read_bytes().splitlines()
        if b'"type":"tick"' in line
    ]
    return max(1.0, (ticks[-1] - ticks[0]) / 1000)


def _timeless(value: str) -> str:
    """A value without the wall-clock time at which it expires."""
    return re.sub(r',"expires_ms":\d+', "", value)


def _pairs(reply: Reply) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in pairs(reply).items()}


def _texts(reply: Reply) -> list[str]:
    items = reply if isinstance(reply, list) else []
    return [item.decode() for item in items if isinstance(item, bytes)]
