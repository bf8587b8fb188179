"""The demo as a person runs it: real processes, exact figures, nothing left behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stream.demo import usable_port

DEADLINE_S = 180.0
DEMO = (sys.executable, "-m", "stream.cli", "demo", "--port", "0")
PARTS = 5  # the demo, Redis, engine, gateway, simulator

Start = Callable[..., "subprocess.Popen[bytes]"]


def processes(folder: Path) -> list[int]:
    """Ids of the processes whose working folder is `folder` or inside it (Redis changes its)."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                cwd = (entry / "cwd").readlink()
            except OSError:  # gone, a zombie, or not ours
                continue
            if cwd.is_relative_to(folder):
                found.append(int(entry.name))
    return found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a demo in `tmp_path`; whatever is left of it afterwards is killed."""
    demos: list[subprocess.Popen[bytes]] = []

    def start(*args: str) -> "subprocess.Popen[bytes]":
        clean = {k: v for k, v in os.environ.items() if not k.startswith("LIVEROOM_")}
        with (tmp_path / "out").open("wb") as out:
            demos.append(
                subprocess.Popen(
                    [*DEMO, *args],
                    cwd=tmp_path,
                    env={**clean, "TMPDIR": str(tmp_path)},
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                )
            )
        return demos[-1]

    yield start
    for pid in processes(tmp_path):
        os.kill(pid, signal.SIGKILL)
    for demo in demos:
        demo.wait()


def said(tmp_path: Path) -> str:
    return (tmp_path / "out").read_text(encoding="utf-8", errors="replace")


def wait_for_address(demo: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    end = time.monotonic() + DEADLINE_S
    while "#token=" not in said(tmp_path):
        assert demo.poll() is None, said(tmp_path)
        assert time.monotonic() < end, said(tmp_path)
        time.sleep(0.05)


def wait_until_gone(folder: Path) -> list[int]:
    end = time.monotonic() + DEADLINE_S
    while processes(folder) and time.monotonic() < end:
        time.sleep(0.05)
    return processes(folder)


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc; Linux only")


@linux_only
@pytest.mark.slow
@pytest.mark.redis
@pytest.mark.parametrize(
    "extra",
    [[], ["--disorder", "--processes", "2"]],
    ids=["in_order_one_process", "disorder_two_processes"],
)
def test_what_arrives_on_the_screen_equals_the_truth(
    extra: list[str], start: Start, tmp_path: Path
) -> None:
    demo = start("--seconds", "14", "--headless", "--rate", "120", *extra)
    assert demo.wait(DEADLINE_S) == 0, said(tmp_path)
    assert " figures compared over WebSocket, 0 differ" in said(tmp_path)
    assert processes(tmp_path) == []


@linux_only
@pytest.mark.slow
@pytest.mark.redis
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl_c", "term"])
def test_a_signal_stops_everything_and_is_no_error(
    number: signal.Signals, start: Start, tmp_path: Path
) -> None:
    demo = start()
    wait_for_address(demo, tmp_path)
    assert len(processes(tmp_path)) >= PARTS
    demo.send_signal(number)
    assert demo.wait(DEADLINE_S) == 0, said(tmp_path)
    assert processes(tmp_path) == []
    assert not list(tmp_path.glob("liveroom-demo-*"))


@linux_only
@pytest.mark.slow
@pytest.mark.redis
def test_nothing_outlives_a_killed_demo(start: Start, tmp_path: Path) -> None:
    demo = start("--processes", "2")  # the engine's own children go too
    wait_for_address(demo, tmp_path)
    demo.kill()
    demo.wait()
    assert wait_until_gone(tmp_path) == []


def test_a_taken_port_is_replaced_by_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = usable_port("127.0.0.1", port)
        assert found not in (0, port)
    assert usable_port("127.0.0.1", port) == port
