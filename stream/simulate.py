"""`liveroom simulate`: simulated rooms into a file, or live into the log."""

import json
import logging
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from simulators.api import SimulationPlan, Summary, write_recording
from simulators.load import Played, pace
from sinks.log_writer import Entry, LogWriter, Wait
from sinks.redis_client import Link
from stream.errors import ConfigError, SinkError
from stream.ids import shard_of
from stream.settings import Settings

logger = logging.getLogger(__name__)

PRODUCER: Final = "simulate"
_GIVE_UP_S: Final = 60.0


def simulate_to_file(plan: SimulationPlan, out: Path, truth: Path | None) -> Summary:
    """Write a recording, as fast as it goes, and its ground truth.

    Raises:
        ConfigError: a folder is missing.
    """
    for path in (out, truth):
        if path is not None and not path.parent.is_dir():
            raise ConfigError("out", str(path), "a file in a folder that exists")
    return write_recording(plan, out, truth)


def simulate_to_redis(
    settings: Settings,
    plan: SimulationPlan,
    truth: Path | None,
    *,
    speed: float = 1.0,
    stop: threading.Event | None = None,
) -> Played:
    """Play a plan into the log at the pace of its clock, until its end or until stopped.

    Stopped early, the open rooms are ended and the clock is closed, so that every figure
    becomes final; the truth is that of what was really sent.

    Args:
        settings: which Redis, how many shards, how much back-pressure.
        plan: what to play.
        truth: written when everything was sent.
        speed: simulated seconds a second.
        stop: set it to end; None: Ctrl-C and SIGTERM do.

    Raises:
        ConfigError: no Redis is named.
        SinkError: Redis cannot be reached, or the engine does not keep up for a minute.
    """
    if settings.redis_url is None:
        raise ConfigError("redis_url", None, "a Redis server, e.g. --redis-url redis://127.0.0.1")
    stop = stop or _stop_on_signals()
    link = Link(settings.redis_url)
    try:
        writer = LogWriter(link, settings.shards, limit_bytes=settings.backpressure_bytes)
        played = pace(plan, _sender(writer), _ticker(writer), stop.is_set, speed=speed)
    finally:
        link.close()
    if truth is not None:
        # Whoever waits for the file must never see half of it.
        draft = truth.with_suffix(".part")
        draft.write_text(json.dumps(played.truth, ensure_ascii=False), encoding="utf-8")
        draft.replace(truth)
    return played


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _sender(writer: LogWriter) -> Callable[[str, str, bytes], None]:
    def send(tenant: str, group: str, lines: bytes) -> None:
        _insist(writer, [Entry(shard_of(tenant, group, writer.shards), lines, PRODUCER)])

    return send


def _ticker(writer: LogWriter) -> Callable[[bytes], None]:
    def tick(line: bytes) -> None:
        _insist(writer, [Entry(shard, line, PRODUCER) for shard in range(writer.shards)])

    return tick


def _insist(writer: LogWriter, entries: list[Entry]) -> None:
    """Append, waiting as long as a shard says so: simulated time waits with it."""
    give_up = time.monotonic() + _GIVE_UP_S
    while entries:
        results = writer.append_many(entries)
        refused = [
            (entry, result.retry_ms)
            for entry, result in zip(entries, results, strict=True)
            if isinstance(result, Wait)
        ]
        entries = [entry for entry, _ in refused]
        if entries:
            if time.monotonic() > give_up:
                raise SinkError("log", "the engine does not keep up; is it running?", None)
            time.sleep(max(retry_ms for _, retry_ms in refused) / 1_000)
