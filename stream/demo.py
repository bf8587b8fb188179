"""`liveroom demo`: Redis, engine, gateway and simulated rooms as real processes, one command."""

import json
import logging
import secrets
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sinks.gateway.auth import mint_token
from sinks.redis_client import Link
from sinks.redis_server import RedisServer
from stream.agreement import Difference, differences
from stream.demo_report import agreement_lines
from stream.demo_screen import HeadlessScreen
from stream.demo_status import StatusLine, counted, engine_is_ready, fetch
from stream.errors import LiveroomError
from stream.settings import Settings, environ_of
from stream.supervisor import Child, ChildSpec, StopRequested, Supervisor, liveroom_argv

logger = logging.getLogger(__name__)

STATUS_EVERY_S: Final = 1.0
QUIET_STATUS_EVERY_S: Final = 5.0
SETTLE_S: Final = 30.0
"""How long the last figures may take to reach the screen after the closing tick."""

_RUN_MINUTES: Final = 120


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What the demo shows. `seconds` None: until Ctrl-C; `rate`: events/s of all rooms."""

    seconds: float | None = None
    headless: bool = False
    rooms: int = 3
    scenario: str = "flash_sale"
    rate: float = 60.0
    seed: int = 1
    disorder: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs: the parts a demo talks to."""

    settings: Settings
    folder: Path
    supervisor: Supervisor
    link: Link
    base_url: str
    token: str

    @property
    def truth_file(self) -> Path:
        """Where the simulator writes what is true."""
        return self.folder / "truth.json"


def run_demo(settings: Settings, plan: DemoPlan) -> int:
    """Start everything, show it, stop everything.

    Returns:
        0 after an orderly end, with `headless` only if every figure agreed; else 1.

    Raises:
        LiveroomError: a part did not start; its log is named.
    """
    folder = Path(tempfile.mkdtemp(prefix="liveroom-demo-"))
    try:
        code = _run_in(folder, settings, plan)
    except LiveroomError as error:
        msg = f"{error} (logs are kept in {folder})"
        raise LiveroomError(msg) from error
    if code == 0:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        _say(f"logs are kept in {folder}")
    return code


def _run_in(folder: Path, settings: Settings, plan: DemoPlan) -> int:
    try:
        with _stage(folder, settings) as stage, ExitStack() as stack:
            screen = None
            if plan.headless:
                url = stage.base_url.replace("http", "ws", 1) + "/ws"
                screen = stack.enter_context(HeadlessScreen(url, stage.token))
            (simulator,) = stage.supervisor.start(_simulator(stage, plan))
            _say(f"big screen  {stage.base_url}/#token={stage.token}")
            _say(f"console     {stage.base_url}/console#token={stage.token}")
            _watch(stage, plan, simulator)
            return 0 if screen is None else _compare(stage, screen, simulator)
    except StopRequested:
        return 0


@contextmanager
def _stage(folder: Path, settings: Settings) -> Iterator[Stage]:
    """Redis, engine and gateway up and ready; all gone afterwards, the last started first."""
    with ExitStack() as stack:
        url = settings.redis_url
        if url is None:
            (folder / "redis").mkdir()
            url = stack.enter_context(RedisServer.start(folder / "redis")).url
        settings = replace(
            settings,
            redis_url=url,
            recovery_dir=folder / "recovery",
            port=usable_port(settings.host, settings.port),
            token_secret=settings.token_secret or secrets.token_hex(32),
            user_key=settings.user_key or secrets.token_hex(32),
        )
        token = mint_token(settings, ["*"], ["*"], "operator", 86_400)
        link = Link(url)
        stack.callback(link.close)
        supervisor = stack.enter_context(Supervisor())
        base_url = f"http://{settings.host}:{settings.port}"
        stage = Stage(settings, folder, supervisor, link, base_url, token)
        supervisor.start(*_servers(stage))
        yield stage


def _servers(stage: Stage) -> Iterator[ChildSpec]:
    environ = environ_of(stage.settings)
    yield ChildSpec(
        name="engine",
        argv=liveroom_argv("run"),
        env=environ,
        log=stage.folder / "engine.log",
        stop_timeout_s=20.0,
    )
    yield ChildSpec(
        name="gateway",
        argv=liveroom_argv("serve"),
        env=environ,
        ready=lambda: fetch(f"{stage.base_url}/ready") is not None,
        log=stage.folder / "gateway.log",
    )


def _simulator(stage: Stage, plan: DemoPlan) -> ChildSpec:
    options = {
        "--out": "redis",
        "--truth": str(stage.truth_file),
        "--scenario": plan.scenario,
        "--rooms": str(plan.rooms),
        "--minutes": str(_RUN_MINUTES),
        "--rate": str(plan.rate),
        "--seed": str(plan.seed),
    }
    words = [word for pair in options.items() for word in pair]
    return ChildSpec(
        name="simulator",
        argv=liveroom_argv("simulate", *words, *(["--disorder"] if plan.disorder else [])),
        env=environ_of(stage.settings),
        # The engine claims a shard with its first output, so it is ready only when fed.
        ready=lambda: engine_is_ready(stage.link, stage.settings.shards),
        log=stage.folder / "simulator.log",
        stop_timeout_s=20.0,
    )


def usable_port(host: str, port: int) -> int:
    """`port` if nobody listens there, else any free one."""
    for candidate in (port, 0):
        try:
            with socket.create_server((host, candidate)) as probe:
                return int(probe.getsockname()[1])
        except OSError:
            logger.warning("port %d of %s is taken; using another", candidate, host)
    msg = f"cannot listen on {host}"
    raise LiveroomError(msg)


def _watch(stage: Stage, plan: DemoPlan, simulator: Child) -> None:
    """Show the status line until the time is up, the rooms end, or someone stops us.

    Raises:
        LiveroomError: a part ended in some other way.
    """
    line = StatusLine(stage.link, stage.settings.shards, f"{stage.base_url}/metrics")
    live = sys.stderr.isatty()
    every_s = STATUS_EVERY_S if live else QUIET_STATUS_EVERY_S
    for _ in stage.supervisor.ticks(every_s, plan.seconds):
        text = line.text(time.monotonic())
        sys.stderr.write(f"\r\x1b[K{text}" if live else f"{text}\n")
        sys.stderr.flush()
        dead = stage.supervisor.ended()
        if dead is simulator and dead.exit_code() == 0:
            _say("\nthe simulated sessions are over")
            return
        if dead is not None:
            msg = f"{dead.spec.name} ended with {dead.exit_code()}: {dead.log_tail()}"
            raise LiveroomError(msg)
    if live:
        sys.stderr.write("\n")


def _compare(stage: Stage, screen: HeadlessScreen, simulator: Child) -> int:
    """Stop the rooms, wait for the last figures, compare them with the truth."""
    stage.supervisor.stop(simulator)
    if simulator.exit_code() != 0 or not stage.truth_file.exists():
        msg = f"simulator ended with {simulator.exit_code()}: {simulator.log_tail()}"
        raise LiveroomError(msg)
    truth = json.loads(stage.truth_file.read_text(encoding="utf-8"))
    channels, wrong = _settled(stage, screen, truth)
    for line in agreement_lines(truth, channels, wrong):
        sys.stdout.write(line + "\n")
    sys.stdout.flush()
    if not truth["rows"]:
        _say("no room had begun, so this proves nothing: run it for longer")
        return 1
    return 1 if wrong else 0


def _settled(
    stage: Stage, screen: HeadlessScreen, truth: dict[str, Any]
) -> tuple[dict[str, dict[str, Any]], list[Difference]]:
    """The screen's figures once they agree, or as they stand when `SETTLE_S` have passed."""
    begin = time.monotonic()
    while True:
        channels = screen.channels()
        # The engine's own totals go beside them: in = accepted + duplicates + dead letters.
        channels["counters"] = counted(stage.link, stage.settings.shards)
        wrong = differences(truth, channels)
        late = time.monotonic() - begin > SETTLE_S
        if not wrong or late or stage.supervisor.stop_requested:
            return channels, wrong
        time.sleep(0.2)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
