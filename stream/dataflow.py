"""The dataflow: source, sink, nothing between. All work is in the shards."""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol

import bytewax.operators as op
import bytewax.recovery
import bytewax.run
from bytewax.dataflow import Dataflow
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from operators.results import Output
from stream.sources import ShardSource

_LOG: Final = logging.getLogger("liveroom.engine")


class ShardWriter(Protocol):
    """Writes the outputs of one shard; `snapshot` is what a successor needs."""

    def write(self, outputs: Sequence[tuple[bool, Output]]) -> None:
        """Take outputs in order."""

    def snapshot(self) -> bytes:
        """For the recovery store."""

    def close(self) -> None:
        """Flush and close; must not raise."""


class ShardSinkPartition(StatefulSinkPartition[tuple[bool, Output], bytes]):
    """A `ShardWriter` as Bytewax wants it."""

    def __init__(self, name: str, writer: ShardWriter) -> None:
        self._name = name
        self._writer = writer

    def write_batch(self, values: list[tuple[bool, Output]]) -> None:
        """Write; a failure is logged, since a cluster loses the exception, and stops the flow."""
        try:
            self._writer.write(values)
        except Exception:
            _LOG.exception("shard %s could not be written", self._name)
            raise

    def snapshot(self) -> bytes:
        """What is pending."""
        return self._writer.snapshot()

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


class ShardSink(FixedPartitionedSink[tuple[bool, Output], bytes]):
    """One writer a shard. A DynamicSink is outside the recovery frontier: it lost items."""

    def __init__(self, shards: int, build: Callable[[int, bytes | None], ShardWriter]) -> None:
        self._shards = shards
        self._build = build

    def list_parts(self) -> list[str]:
        """Every process can write every shard."""
        return [str(number) for number in range(self._shards)]

    def part_fn(self, item_key: str) -> int:
        """Shard names are numbers."""
        return int(item_key)

    def build_part(
        self, step_id: str, for_part: str, resume_state: bytes | None
    ) -> StatefulSinkPartition[tuple[bool, Output], bytes]:
        """Build or resume one writer."""
        try:
            return ShardSinkPartition(for_part, self._build(int(for_part), resume_state))
        except Exception:
            _LOG.exception("sink of shard %s could not start", for_part)
            raise


def build_flow(source: ShardSource, sink: ShardSink) -> Dataflow:
    """Two steps; their names are keys in the recovery store and stay for ever."""
    flow = Dataflow("liveroom")
    outputs = op.input("log", flow, source)
    op.output("out", outputs, sink)
    return flow


STORE_PARTS: Final = 1
"""SQLite files of the recovery store: shards snapshot together, and one file is one fsync."""

# Bytewax leaves these without types.
_cli_main: Callable[..., None] = bytewax.run.cli_main
_init_db_dir: Callable[[Path, int], None] = bytewax.recovery.init_db_dir
_recovery_config: Callable[..., object] = bytewax.recovery.RecoveryConfig


def make_store(directory: Path) -> None:
    """An empty recovery store in an existing directory."""
    _init_db_dir(directory, STORE_PARTS)


def run_flow(
    flow: Dataflow,
    *,
    process_id: int | None = None,
    addresses: Sequence[str] = (),
    epoch_ms: int = 1_000,
    recovery_dir: Path | None = None,
    workers: int = 1,
) -> None:
    """Run until the source ends. `addresses`: of all processes of the cluster, this one's too."""
    recovery = None
    if recovery_dir is not None:
        recovery = _recovery_config(str(recovery_dir), backup_interval=timedelta(0))
    _cli_main(
        flow,
        workers_per_process=workers,
        process_id=process_id,
        addresses=list(addresses) or None,
        epoch_interval=timedelta(milliseconds=epoch_ms),
        recovery_config=recovery,
    )
