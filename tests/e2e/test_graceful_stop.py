"""SIGTERM at any moment of a start, also without a Redis: exit code 0 within 5 s."""

import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sinks.log_writer import LogWriter
from stream.supervisor import Child, liveroom_argv
from tests.chaos.rig import Rig

LIMIT_S = 5.0
HANDLED = 1 << (signal.SIGTERM - 1)


def handles_sigterm(child: Child) -> bool:
    """Whether its own handler is in place: from here on a stop must be orderly."""
    try:
        status = Path(f"/proc/{child.pid}/status").read_text()
    except OSError:
        return False
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) & HANDLED)


def assert_stops(child: Child) -> None:
    begin = time.monotonic()
    child.signal(signal.SIGTERM)
    assert child.wait(20.0), "it does not stop"
    took_s = time.monotonic() - begin
    assert child.exit_code() == 0, child.log_tail()
    assert took_s < LIMIT_S


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Return a rig whose engine has run and stopped, so that there is a state to resume."""
    rig = Rig(tmp_path_factory.mktemp("stop") / "rig", shards=2)
    with rig:
        writer = LogWriter(rig.link, 2)
        writer.tick(1_793_534_400_000)
        rig.wait_until("all is folded", rig.caught_up)
        rig.stop_engine()
        rig.engine = None
        yield rig


@pytest.mark.parametrize("after_s", [0.0, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("command", ["run", "serve"])
def test_a_service_stops_in_good_order_at_any_moment_of_its_start(
    rig: Rig, command: str, after_s: float
) -> None:
    child = rig.child(command, liveroom_argv(command))
    rig.wait_until("its first handler is in place", lambda: handles_sigterm(child))
    # Moments of a start, not a wait for something: whichever step it is at, it must stop.
    time.sleep(after_s)
    assert_stops(child)


@pytest.mark.parametrize("after_s", [0.0, 0.5, 2.0])
def test_a_cluster_stops_in_good_order_at_any_moment_of_its_start(rig: Rig, after_s: float) -> None:
    child = rig.child("cluster", liveroom_argv("run"), LIVEROOM_PROCESSES="2")
    rig.wait_until("its first handler is in place", lambda: handles_sigterm(child))
    time.sleep(after_s)
    assert_stops(child)


def test_a_process_that_waits_for_its_peers_stops(rig: Rig) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        ports = [sock.getsockname()[1] for sock in (one, other)]
    addresses = ",".join(f"127.0.0.1:{port}" for port in ports)
    more = {"LIVEROOM_PROCESS_ID": "0", "LIVEROOM_ADDRESSES": addresses}
    child = rig.child("alone", liveroom_argv("run"), LIVEROOM_PROCESSES="2", **more)
    rig.wait_until("it listens for its peer", lambda: listens(ports[0]))
    assert_stops(child)


def listens(port: int) -> bool:
    """Whether somebody listens on a port, without connecting."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(f":{port:04X} " in line and " 0A " in line for line in lines)


def test_an_engine_stops_although_its_redis_is_away(rig: Rig, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        url = f"redis://127.0.0.1:{nobody.getsockname()[1]}/0"
    away = replace(rig.settings, redis_url=url, recovery_dir=tmp_path / "recovery")
    rig.settings, kept = away, rig.settings
    child = rig.child("away", liveroom_argv("run"))
    rig.settings = kept
    rig.wait_until("it has begun", lambda: any((tmp_path / "recovery").glob("*.sqlite3")))
    assert_stops(child)
