"""Recordings through Bytewax: the same shards as the plain loop, on threads or processes.

The recording is dealt out to a file a shard first, once; then every source partition reads its
own. Nothing of it is in a recovery store: a replay that was killed is started again.
"""

import os
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from operators.results import Output
from operators.shard import Record, Shard
from sinks.results_file import ResultsFile, merged_lines, shard_file
from stream.dataflow import ShardSink, build_flow, run_flow
from stream.errors import ConfigError, LiveroomError
from stream.formats import read_events
from stream.options import make_shard
from stream.replay import STEP_BYTES, split, summary_line, version_of
from stream.replay_progress import watched
from stream.settings import Settings, environ_of, load_settings
from stream.sources import ShardSource
from stream.supervisor import ChildSpec, Supervisor

EPOCH_MS: Final = 10_000
_POLL_S: Final = 0.05


def replay_files(
    files: Sequence[Path],
    fmt: str,
    results: str | None,
    workers: int,
    processes: int,
    settings: Settings,
) -> int:
    """Replay recordings under Bytewax; the exit code, 0.

    Args:
        files: recordings, replayed one after the other.
        fmt: their format, or `auto`.
        results: file of the final rows, `-` for stdout, None for nowhere.
        workers: threads of a process.
        processes: processes of the cluster.
        settings: `shards` is the number of partitions; the rest as for the engine.

    Raises:
        ConfigError: more workers than shards, or a file cannot be read.
        LiveroomError: a process failed.
    """
    if workers * processes > settings.shards:
        limit = f"at most the {settings.shards} shards in all"
        raise ConfigError("workers", f"{workers} x {processes} processes", limit)
    key = (settings.user_key or "liveroom").encode()
    with tempfile.TemporaryDirectory(prefix="liveroom-replay-") as name:
        folder = Path(name)
        chunks = (chunk for path in files for chunk in read_events(path, fmt, key))
        deal_out(watched(chunks, list(files)), folder, settings.shards)
        started_s = time.monotonic()
        if processes == 1:
            run_folder(folder, settings, workers=workers)
        else:
            _run_cluster(folder, settings, workers, processes)
        seconds = time.monotonic() - started_s
        lines = list(merged_lines(folder))
        _write(lines, results)
        sys.stderr.write(summary_line(_counters(folder), len(lines), seconds))
    return 0


def deal_out(chunks: Iterable[bytes], folder: Path, shards: int) -> None:
    """Write the lines of each shard into its file of the folder."""
    with ExitStack() as stack:
        files = [
            stack.enter_context(_input(folder, shard).open("wb", buffering=1 << 20))
            for shard in range(shards)
        ]
        for chunk in chunks:
            for file, part in zip(files, split(chunk, shards), strict=True):
                if part:
                    file.write(part)
                    file.write(b"\n")


def run_folder(
    folder: Path,
    settings: Settings,
    *,
    workers: int = 1,
    process_id: int | None = None,
    addresses: Sequence[str] = (),
    size: int = STEP_BYTES,
) -> None:
    """Fold a dealt-out recording, this process's part of it; rows go into files beside it."""
    source = ShardSource(
        settings.shards,
        lambda number, saved: ReplayPartition(folder, make_shard(number, settings), size),
        threading.Event(),
    )
    sink = ShardSink(settings.shards, lambda number, saved: ReplayWriter(folder, number))
    run_flow(
        build_flow(source, sink),
        process_id=process_id,
        addresses=addresses,
        epoch_ms=EPOCH_MS,
        workers=workers,
    )


class ReplayPartition:
    """One shard's part of a recording as `ShardSource` wants it."""

    def __init__(self, folder: Path, shard: Shard, size: int = STEP_BYTES) -> None:
        self._folder = folder
        self._shard = shard
        self._size = size
        self._file = _input(folder, shard.number).open("rb")
        self._records = 0
        self._ended = False

    def next_batch(self) -> list[tuple[bool, Output]]:
        """Rows of the next stretch; the closing ones last, then StopIteration."""
        if self._ended:
            raise StopIteration
        body = self._file.read(self._size) + self._file.readline()
        if body:
            self._records += 1
            outputs = self._shard.step([Record(version_of(self._records), 0, body)])
        else:
            self._ended = True
            outputs = self._shard.close()
            self._write_counters()
        # Only rows travel: patches are what would cost most between processes.
        return [(False, _rows_of(output)) for output in outputs if output.rows]

    def last_flush(self) -> Output | None:
        """Nothing: a replay has no screens."""
        return None

    def snapshot(self) -> bytes:
        """Nothing: see above."""
        return b""

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write_counters(self) -> None:
        path = self._folder / f"counters-{self._shard.number:04d}.json"
        path.write_bytes(msgspec.json.encode(self._shard.state.counters))


class ReplayWriter:
    """The rows of one shard into its file."""

    def __init__(self, folder: Path, number: int) -> None:
        self._file = ResultsFile(shard_file(folder, number), 0)

    def write(self, outputs: Sequence[tuple[bool, Output]]) -> None:
        """Append the rows."""
        for _, output in outputs:
            self._file.append(output.rows)

    def snapshot(self) -> bytes:
        """Nothing: a replay is not resumed."""
        return b""

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def free_addresses(count: int) -> tuple[str, ...]:
    """Loopback addresses whose ports were free a moment ago."""
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return tuple(f"127.0.0.1:{sock.getsockname()[1]}" for sock in sockets)


def _run_cluster(folder: Path, settings: Settings, workers: int, processes: int) -> None:
    cluster = replace(settings, addresses=free_addresses(processes), workers=workers)
    specs = [
        ChildSpec(
            name=f"replay process {number}",
            argv=(sys.executable, "-m", "stream.replay_bytewax", str(folder)),
            env=environ_of(replace(cluster, process_id=number)),
        )
        for number in range(processes)
    ]
    with Supervisor() as supervisor:
        children = supervisor.start(*specs)
        for _ in supervisor.ticks(_POLL_S):
            codes = [child.exit_code() for child in children]
            for child, code in zip(children, codes, strict=True):
                if code:
                    msg = f"{child.spec.name} ended with {code}; see above"
                    raise LiveroomError(msg)
            if None not in codes:
                return
    raise KeyboardInterrupt


def _rows_of(output: Output) -> Output:
    return Output(output.shard, output.version, output.as_of_ms, rows=output.rows)


def _input(folder: Path, shard: int) -> Path:
    return folder / f"input-{shard:04d}.ndjson"


def _counters(folder: Path) -> dict[str, int]:
    total: Counter[str] = Counter()
    for path in folder.glob("counters-*.json"):
        total.update(msgspec.json.decode(path.read_bytes(), type=dict[str, int]))
    return dict(total)


def _write(lines: Iterable[bytes], results: str | None) -> None:
    if results == "-":
        sys.stdout.buffer.writelines(lines)
        sys.stdout.buffer.flush()
    elif results is not None:
        with Path(results).open("wb") as file:
            file.writelines(lines)


def main() -> None:
    """Be one process of a cluster: `python -m stream.replay_bytewax FOLDER`."""
    settings = load_settings(None, os.environ, {}).settings
    run_folder(
        Path(sys.argv[1]),
        settings,
        workers=settings.workers,
        process_id=settings.process_id,
        addresses=settings.addresses,
    )


if __name__ == "__main__":
    main()
