"""The writer of the loss test: plays the engine towards Redis and keeps the truth apart."""

import random
import socket
import threading
import time
from typing import Any

from redis.exceptions import RedisError

from tests.sinks.gateway.support import Engine

CHANNELS = [f"room:t1/r{number}" for number in range(10)]
LOG = "alerts:t1/t1"
PATCHES_PER_S = 200


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Writer:
    """Patches random fields and appends numbered log entries until `stop()`.

    `truth` is what the session really is; it is not read back from Redis. A Redis that lost
    writes is noticed by its sequence, as the engine does by its write counter: new epoch, all
    state anew. Log entries that Redis lost that way count as flushed.
    """

    def __init__(self, url: str) -> None:
        self.truth: dict[str, dict[str, Any]] = {name: {} for name in CHANNELS}
        self.patches = 0
        self.count = 0
        self.flushed_at = 0
        self.resets: list[int] = []
        self._engine = Engine(url, out_max=20_000)
        self._seqs: dict[str, int] = {}
        self._log_seq = 0
        self._epochs = 1
        self._draw = random.Random(7)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def epoch(self) -> str:
        """The epoch that clients must end in."""
        return self._engine.epoch

    def start(self) -> None:
        """Write the first state, then go on in a thread."""
        for name in CHANNELS:
            self._patch(name, {f"f{i}": 0 for i in range(40)})
        self._log()
        self._thread.start()

    def stop(self) -> None:
        """Stop writing; returns when the last write is in Redis."""
        self._stop.set()
        self._thread.join()

    def close(self) -> None:
        """Leave Redis."""
        self._engine.close()

    def flush_all(self) -> None:
        """FLUSHALL under everybody's feet; what follows is the engine's reaction."""
        with self._lock:
            self._engine.redis.flushall()
            time.sleep(0.3)
            self._new_epoch()

    def trim(self) -> None:
        """Cut the out log and the alert log to (almost) nothing."""
        with self._lock:
            self._engine.redis.xtrim(self._engine.key("out"), maxlen=0, approximate=False)
            log = self._engine.key(f"log:{LOG}")
            self._engine.redis.xtrim(log, maxlen=5, approximate=False)

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            due = max(due + 1 / PATCHES_PER_S, time.monotonic() - 0.5)
            self._stop.wait(max(0.0, due - time.monotonic()))
            with self._lock:
                self._step()
        with self._lock:
            self._log()

    def _step(self) -> None:
        name = self._draw.choice(CHANNELS)
        fields: dict[str, Any] = {
            f"f{self._draw.randrange(60)}": self._draw.choice([None, self._draw.randrange(10**6)])
            for _ in range(self._draw.randint(1, 6))
        }
        self._patch(name, fields)
        if self._draw.random() < 0.05:
            self._log()

    def _patch(self, name: str, fields: dict[str, Any]) -> None:
        for field, value in fields.items():
            if value is None:
                self.truth[name].pop(field, None)
            else:
                self.truth[name][field] = value
        seq = self._insist(lambda: self._engine.patch(name, fields))
        self.patches += 1
        if seq <= self._seqs.get(name, 0):
            self._new_epoch()
        self._seqs[name] = max(seq, self._seqs.get(name, 0))

    def _log(self) -> None:
        self.count += 1
        seq = self._insist(lambda: self._engine.log(LOG, {"n": self.count}))
        if seq <= self._log_seq:
            self._new_epoch()
        self._log_seq = seq

    def _insist(self, write: Any) -> int:
        while True:
            try:
                return int(write())
            except (RedisError, OSError):
                time.sleep(0.05)

    def _new_epoch(self) -> None:
        self._epochs += 1
        self._engine.truth = {name: dict(state) for name, state in self.truth.items()}

        def rewrite() -> int:
            self._engine.rewrite(f"e{self._epochs}")
            return 0

        self._insist(rewrite)
        self._seqs = dict.fromkeys(CHANNELS, 1)
        self._log_seq = 0
        self.flushed_at = self.count
        self.resets.append(self.count)
