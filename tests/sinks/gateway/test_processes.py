"""`serve()` as real processes: several on one port, stopped by a signal, restarted when killed."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.fanout.truth import free_port
from sinks.client import LiveroomClient
from tests.sinks.gateway.support import Engine, Settings, eventually

ROOM = "room:t1/r1"
SCRIPT = """
import sys
from sinks.gateway.server import serve
from tests.sinks.gateway.support import Settings
if __name__ == "__main__":
    settings = Settings(sys.argv[1], port=int(sys.argv[2]))
    sys.exit(serve(settings, int(sys.argv[3]), lambda port: print(port, flush=True)))
"""


@contextmanager
def serving(url: str, processes: int, folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    script = folder / "gateway_script.py"
    script.write_text(SCRIPT)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, str(script), url, str(port), str(processes)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    try:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == port
        yield process, port
    finally:
        if process.poll() is None:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_a_signal_ends_it_with_code_0(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    engine.patch(ROOM, {"a": 1})

    async def scenario(port: int, process: "subprocess.Popen[str]") -> None:
        async with LiveroomClient(f"ws://127.0.0.1:{port}/ws", settings.token()) as client:
            assert (await anext(client.room("t1/r1"))).state == {"a": 1}
            process.send_signal(signal.SIGTERM)
            await eventually(lambda: not client.connected.is_set())
            assert await asyncio.to_thread(process.wait, 20) == 0
            assert client.closed_with == 4101

    with serving(settings.redis_url or "", 1, tmp_path) as (process, port):
        asyncio.run(scenario(port, process))


def workers(process: "subprocess.Popen[str]", port: int) -> list[psutil.Process]:
    """Children that listen."""
    found = []
    for child in psutil.Process(process.pid).children():
        try:
            if any(c.laddr[1] == port and c.status == "LISTEN" for c in child.net_connections()):
                found.append(child)
        except psutil.Error:
            continue
    return found


def everybody(port: int) -> bool:
    """Whether one scrape shows both processes and all six connections."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    name = "liveroom_gateway_connections"
    assert text.count(f"# TYPE {name} gauge") == 1
    counts = re.findall(rf'^{name}{{process="(\d)"}} (\d+)$', text, re.MULTILINE)
    return len(counts) == 2 and sum(int(count) for _, count in counts) == 6


def test_a_killed_process_is_replaced_and_its_clients_resume(
    engine: Engine, settings: Settings, tmp_path: Path
) -> None:
    engine.patch(ROOM, {"a": 1})

    async def scenario(port: int, process: "subprocess.Popen[str]") -> None:
        await eventually(lambda: len(workers(process, port)) == 2)
        url = f"ws://127.0.0.1:{port}/ws"
        clients = [LiveroomClient(url, settings.token()) for _ in range(6)]
        for client in clients:
            await client.__aenter__()
            assert (await anext(client.room("t1/r1"))).state == {"a": 1}
        await eventually(lambda: asyncio.to_thread(everybody, port))
        victim = workers(process, port)[0]
        victim.kill()
        await asyncio.to_thread(engine.patch, ROOM, {"a": 2})
        truth = engine.truth[ROOM]
        await eventually(lambda: all(c.room("t1/r1").state.values == truth for c in clients))
        await eventually(lambda: len(workers(process, port)) == 2)
        for client in clients:
            await client.__aexit__(None, None, None)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 30) == 0

    with serving(settings.redis_url or "", 2, tmp_path) as (process, port):
        asyncio.run(scenario(port, process))
