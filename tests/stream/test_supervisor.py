"""Real child processes: they start together, stop together and do not outlive their parent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stream.errors import LiveroomError
from stream.supervisor import Backoff, ChildSpec, Supervisor, run_cluster

DEADLINE_S = 60.0
SLEEPER = "import time\nwhile True: time.sleep(60)"
STUBBORN = (
    "import pathlib, signal, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "pathlib.Path(sys.argv[1]).touch()\n"
    "while True: time.sleep(60)"
)
PARENT_OF_ONE = (
    "import pathlib, subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "pathlib.Path(sys.argv[1]).write_text(str(child.pid))\n"
    "time.sleep(600)"
)


def python(code: str, *args: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code, *args)


def eventually(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_children_end_with_the_supervisor() -> None:
    with Supervisor() as supervisor:
        children = supervisor.start(
            ChildSpec("one", python(SLEEPER)), ChildSpec("two", python(SLEEPER))
        )
        pids = [child.pid for child in children]
        assert supervisor.ended() is None
    assert supervisor.children == []
    assert not any(is_running(pid) for pid in pids)


def test_a_stubborn_child_is_killed_when_its_time_is_up(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    spec = ChildSpec("stubborn", python(STUBBORN, str(mark)), ready=mark.exists, stop_timeout_s=0.2)
    with Supervisor() as supervisor:
        (child,) = supervisor.start(spec)
    assert child.exit_code() == -signal.SIGKILL


def test_children_started_together_are_asked_to_stop_together(tmp_path: Path) -> None:
    # Each ends only when both were asked, as the processes of an engine cluster do.
    code = (
        "import pathlib, signal, sys, time\n"
        "own, other = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])\n"
        "def stop(*_):\n"
        "    own.with_suffix('.asked').touch()\n"
        "    while not other.with_suffix('.asked').exists(): time.sleep(0.01)\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        "own.touch()\n"
        "while True: time.sleep(60)"
    )
    one, two = tmp_path / "one", tmp_path / "two"
    with Supervisor() as supervisor:
        children = supervisor.start(
            ChildSpec("one", python(code, str(one), str(two)), ready=one.exists),
            ChildSpec("two", python(code, str(two), str(one)), ready=two.exists),
        )
    assert [child.exit_code() for child in children] == [0, 0]


def test_grandchildren_go_with_their_group(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    spec = ChildSpec(
        "parent",
        python(PARENT_OF_ONE, str(mark)),
        ready=lambda: mark.exists() and bool(mark.read_text()),
    )
    with Supervisor() as supervisor:
        supervisor.start(spec)
        grandchild = int(mark.read_text())
        assert is_running(grandchild)
    assert eventually(lambda: not is_running(grandchild))


def test_a_child_that_ends_at_its_start_is_reported_with_its_last_words(tmp_path: Path) -> None:
    code = "import sys; print('no such port'); sys.exit(3)"
    spec = ChildSpec("engine", python(code), ready=lambda: False, log=tmp_path / "log")
    with Supervisor() as supervisor, pytest.raises(LiveroomError, match="with 3.*no such port"):
        supervisor.start(spec)


def test_a_child_that_is_never_ready_is_an_error() -> None:
    spec = ChildSpec("engine", python(SLEEPER), ready=lambda: False, start_timeout_s=0.3)
    with Supervisor() as supervisor, pytest.raises(LiveroomError, match="not ready"):
        supervisor.start(spec)


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux only")
def test_no_child_survives_a_killed_supervisor(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    code = (
        "import sys, pathlib\n"
        "from stream.supervisor import ChildSpec, Supervisor\n"
        f"spec = ChildSpec('sleeper', (sys.executable, '-c', {SLEEPER!r}))\n"
        "with Supervisor() as supervisor:\n"
        "    (child,) = supervisor.start(spec)\n"
        "    pathlib.Path(sys.argv[1]).write_text(str(child.pid))\n"
        "    for _ in supervisor.ticks(1.0): pass\n"
    )
    parent = subprocess.Popen(python(code, str(mark)))
    assert eventually(lambda: mark.exists() and bool(mark.read_text()))
    child = int(mark.read_text())
    assert is_running(child)
    parent.kill()
    parent.wait()
    assert eventually(lambda: not is_running(child))


def test_a_cluster_is_restarted_as_a_whole_after_a_failure(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys\n"
        "book = pathlib.Path(sys.argv[1])\n"
        "with book.open('a') as file: file.write('x')\n"
        "sys.exit(0 if len(book.read_text()) >= 3 else 1)"
    )
    specs = [ChildSpec("flaky", python(code, str(tmp_path / "book")))]
    assert run_cluster(specs, Backoff(first_s=0.01)) == 0
    assert (tmp_path / "book").read_text() == "xxx"


def test_a_cluster_whose_configuration_is_wrong_is_not_restarted(tmp_path: Path) -> None:
    code = "import pathlib, sys; pathlib.Path(sys.argv[1]).open('a').write('x'); sys.exit(2)"
    specs = [
        ChildSpec("wrong", python(code, str(tmp_path / "book"))),
        ChildSpec("b", python(SLEEPER)),
    ]
    assert run_cluster(specs, Backoff(first_s=0.01)) == 2
    assert (tmp_path / "book").read_text() == "x"


def test_the_pause_doubles_up_to_its_cap_and_is_forgotten() -> None:
    rule = Backoff(first_s=0.5, cap_s=4.0, healthy_s=60.0)
    assert [rule.delay_s(n) for n in range(6)] == [0.0, 0.5, 1.0, 2.0, 4.0, 4.0]
    assert rule.failures_after(5, ran_s=61.0) == 1
    assert rule.failures_after(5, ran_s=59.0) == 6
