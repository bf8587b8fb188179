"""Child processes that start together, stop together and never outlive their parent.

A child is the leader of its own process group, so that Ctrl-C in the terminal reaches only the
supervisor, which then stops the children in reverse order. The kernel kills a child when the
supervisor dies without a word (Linux: `PR_SET_PDEATHSIG`; elsewhere only an orderly stop
cleans up).
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

from sinks.launcher import launched
from stream.errors import LiveroomError

logger = logging.getLogger(__name__)

EXIT_MISUSE: Final = 2
"""Exit code of a child whose configuration is wrong: no restart heals it."""

_POLL_S: Final = 0.05
_LOG_TAIL_CHARS: Final = 400


def liveroom_argv(*args: str) -> tuple[str, ...]:
    """Command line that runs `liveroom ARGS` with this interpreter."""
    return (sys.executable, "-m", "stream.cli", *args)


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """One child: `argv[0]` is a path. `env` is added to ours.

    `ready` is asked until it says True; None: ready at once. `log` takes stdout and stderr;
    None: the supervisor's own stderr.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None
    log: Path | None = None
    start_timeout_s: float = 30.0
    stop_timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pause before a restart: doubles from `first_s` to `cap_s`, forgotten after `healthy_s`."""

    first_s: float = 0.5
    cap_s: float = 30.0
    healthy_s: float = 60.0

    def failures_after(self, failures: int, ran_s: float) -> int:
        """Failures in a row, this one included, after a run of `ran_s` seconds."""
        return 1 if ran_s >= self.healthy_s else failures + 1

    def delay_s(self, failures: int) -> float:
        """Seconds to wait after that many failures in a row; 0 for none."""
        if failures <= 0:
            return 0.0
        return min(self.cap_s, self.first_s * 2.0 ** min(failures - 1, 30))


class Child:
    """A running child process and its group."""

    def __init__(self, spec: ChildSpec) -> None:
        """Start it. The child sees end of file on stdin."""
        self.spec = spec
        sink = spec.log.open("ab") if spec.log is not None else None
        try:
            self._process = subprocess.Popen(
                launched(*spec.argv),
                stdin=subprocess.DEVNULL,
                stdout=sink if sink is not None else sys.stderr.fileno(),
                stderr=subprocess.STDOUT,
                env={**os.environ, **spec.env},
                start_new_session=True,
            )
        finally:
            if sink is not None:
                sink.close()

    @property
    def pid(self) -> int:
        """Process id; also the id of its group."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Signal the whole group; nothing happens when it is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; False when it still runs after `timeout_s`."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def log_tail(self) -> str:
        """Last line of its log, cut; empty without a log."""
        if self.spec.log is None or not self.spec.log.exists():
            return ""
        text = self.spec.log.read_text(encoding="utf-8", errors="replace")
        lines = text.split("\n")
        return next((line for line in reversed(lines) if line.strip()), "")[:_LOG_TAIL_CHARS]


class StopRequested(BaseException):
    """Ctrl-C or SIGTERM came while a child was starting."""


class Supervisor:
    """Starts children and, whatever happens, stops them: use it as a context manager."""

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._together: list[list[Child]] = []
        self.stop_requested = False

    def __enter__(self) -> "Supervisor":
        """Take over SIGINT and SIGTERM."""
        self._previous = {
            number: signal.signal(number, self._on_signal)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything, then give the signals back."""
        try:
            self.stop()
        finally:
            for number, handler in self._previous.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stop_requested = True

    @property
    def children(self) -> list[Child]:
        """All children that were not stopped yet, in the order of their start."""
        return [child for started in self._together for child in started]

    def start(self, *specs: ChildSpec) -> list[Child]:
        """Start children side by side and wait until all of them are ready.

        Raises:
            LiveroomError: one ended or was not ready in its time; all of `specs` are stopped.
            StopRequested: the user wants out.
        """
        started: list[Child] = []
        self._together.append(started)
        started.extend(Child(spec) for spec in specs)
        begin = time.monotonic()
        for child in started:
            self._await_ready(child, begin)
        return list(started)

    def _await_ready(self, child: Child, begin: float) -> None:
        spec = child.spec
        while spec.ready is not None and not spec.ready():
            if self.stop_requested:
                raise StopRequested
            dead = self.ended()
            if dead is not None:
                msg = f"{dead.spec.name} ended with {dead.exit_code()} at the start; "
                raise LiveroomError(msg + dead.log_tail())
            if time.monotonic() - begin > spec.start_timeout_s:
                msg = f"{spec.name} was not ready after {spec.start_timeout_s:g} s; "
                raise LiveroomError(msg + child.log_tail())
            time.sleep(_POLL_S)

    def ended(self) -> Child | None:
        """Some child that is not running any more."""
        return next((child for child in self.children if child.exit_code() is not None), None)

    def ticks(self, interval_s: float, limit_s: float | None = None) -> Iterator[float]:
        """Yield the seconds passed, every `interval_s`, until a stop is asked for or the limit."""
        begin = last = time.monotonic()
        while not self.stop_requested:
            now = time.monotonic()
            if limit_s is not None and now - begin >= limit_s:
                return
            if now - last >= interval_s:
                last = now
                yield now - begin
            time.sleep(_POLL_S)

    def stop(self, *children: Child) -> None:
        """Stop these children, or all, those that were started last first.

        Children that were started together are asked together: the processes of a cluster wait
        for each other. Whoever does not heed SIGTERM in its time is killed.
        """
        for started in reversed(list(self._together)):
            doomed = [child for child in started if not children or child in children]
            for child in doomed:
                if child.exit_code() is None:
                    child.signal(signal.SIGTERM)
            begin = time.monotonic()
            for child in doomed:
                left_s = begin + child.spec.stop_timeout_s - time.monotonic()
                if not child.wait(max(0.0, left_s)):
                    logger.warning("%s did not stop in time; killing it", child.spec.name)
                child.signal(signal.SIGKILL)  # whatever else is left of its group
                child.wait(child.spec.stop_timeout_s)
                started.remove(child)
            if not started:
                self._together.remove(started)


def run_cluster(specs: Sequence[ChildSpec], backoff: Backoff | None = None) -> int:
    """Run processes that only make sense together: when one dies, all are restarted.

    Returns:
        0 after Ctrl-C or SIGTERM, or when every process ended with 0 of its own accord; 2 when
        one said (exit code 2) that its configuration is wrong, which no restart heals.
    """
    rule = backoff or Backoff()
    failures = 0
    with Supervisor() as supervisor:
        while not supervisor.stop_requested:
            begin = time.monotonic()
            code = _run_once(supervisor, specs)
            if code in (0, EXIT_MISUSE) or supervisor.stop_requested:
                return code if code == EXIT_MISUSE else 0
            failures = rule.failures_after(failures, time.monotonic() - begin)
            delay_s = rule.delay_s(failures)
            logger.warning("restarting all processes in %.1f s", delay_s)
            for _ in supervisor.ticks(delay_s, delay_s):
                pass
    return 0


def _run_once(supervisor: Supervisor, specs: Sequence[ChildSpec]) -> int:
    """Start all, watch until the first failure or until all ended; stop the rest."""
    try:
        children = supervisor.start(*specs)
        for _ in supervisor.ticks(_POLL_S):
            codes = [child.exit_code() for child in children]
            failed = next((code for code in codes if code), None)
            if failed is not None or None not in codes:
                for child, code in zip(children, codes, strict=True):
                    if code:
                        logger.error("%s ended with %d", child.spec.name, code)
                return failed or 0
    except StopRequested:
        pass
    except LiveroomError as error:
        logger.error("%s", error)
        misused = any(child.exit_code() == EXIT_MISUSE for child in supervisor.children)
        return EXIT_MISUSE if misused else 1
    finally:
        supervisor.stop()
    return 0
