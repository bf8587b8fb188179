"""The demo as a person runs it: real processes, exact figures, nothing left behind."""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.demo import usable_port

DEADLINE_S = 90.0
MARK = "LIVEROOM_TEST_MARK"
DEMO = (sys.executable, "-m", "stream.cli", "demo", "--port", "0")


@pytest.fixture
def mark() -> Iterator[str]:
    """A variable that every process of the demo inherits; none may be left afterwards."""
    value = uuid.uuid4().hex
    yield value
    for pid in processes(value):
        os.kill(pid, signal.SIGKILL)


def processes(value: str) -> list[int]:
    """Ids of the running processes that carry the mark."""
    found = []
    wanted = f"{MARK}={value}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                carries = wanted in (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if carries:
                found.append(int(entry.name))
    return found


def start(value: str, tmp_path: Path, *args: str) -> "subprocess.Popen[bytes]":
    clean = {k: v for k, v in os.environ.items() if not k.startswith("LIVEROOM_")}
    with (tmp_path / "out").open("wb") as out:
        return subprocess.Popen(
            [*DEMO, *args],
            cwd=tmp_path,
            env={**clean, MARK: value, "TMPDIR": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )


def said(tmp_path: Path) -> str:
    return (tmp_path / "out").read_text(encoding="utf-8", errors="replace")


def wait_for_address(demo: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    end = time.monotonic() + DEADLINE_S
    while "#token=" not in said(tmp_path):
        assert demo.poll() is None, said(tmp_path)
        assert time.monotonic() < end, said(tmp_path)
        time.sleep(0.05)


def wait_until_gone(value: str) -> list[int]:
    end = time.monotonic() + DEADLINE_S
    while processes(value) and time.monotonic() < end:
        time.sleep(0.05)
    return processes(value)


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc; Linux only")


@linux_only
@pytest.mark.slow
@pytest.mark.redis
@pytest.mark.parametrize("disorder", [False, True], ids=["in_order", "disorder"])
def test_what_arrives_on_the_screen_equals_the_truth(
    disorder: bool, mark: str, tmp_path: Path
) -> None:
    extra = ["--disorder"] if disorder else []
    demo = start(mark, tmp_path, "--seconds", "8", "--headless", "--rate", "120", *extra)
    assert demo.wait(DEADLINE_S) == 0, said(tmp_path)
    assert " figures compared over WebSocket, 0 differ" in said(tmp_path)
    assert processes(mark) == []


@linux_only
@pytest.mark.slow
@pytest.mark.redis
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl_c", "term"])
def test_a_signal_stops_everything_and_is_no_error(
    number: signal.Signals, mark: str, tmp_path: Path
) -> None:
    demo = start(mark, tmp_path)
    wait_for_address(demo, tmp_path)
    assert len(processes(mark)) >= 5
    demo.send_signal(number)
    assert demo.wait(DEADLINE_S) == 0, said(tmp_path)
    assert processes(mark) == []
    assert not list(tmp_path.glob("liveroom-demo-*"))


@linux_only
@pytest.mark.slow
@pytest.mark.redis
def test_nothing_outlives_a_killed_demo(mark: str, tmp_path: Path) -> None:
    demo = start(mark, tmp_path)
    wait_for_address(demo, tmp_path)
    demo.kill()
    demo.wait()
    assert wait_until_gone(mark) == []


def test_a_taken_port_is_replaced_by_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = usable_port("127.0.0.1", port)
        assert found not in (0, port)
    assert usable_port("127.0.0.1", port) == port
