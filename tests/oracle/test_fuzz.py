"""Engine against oracle on random small logs, whatever the batches."""

import pytest

from stream.oracle.compare import compare
from stream.oracle.load import load
from stream.oracle.terms import terms_of
from stream.oracle.verify import promised
from stream.replay import run_replay
from stream.settings import Settings
from tests.oracle.fuzz import random_log


@pytest.mark.parametrize("seed", range(12))
def test_engine_and_oracle_agree_on_random_logs(seed: int) -> None:
    lines = random_log(seed)
    connection = load([b"\n".join(lines) + b"\n"], terms_of(Settings()))
    try:
        for size in (len(lines), 7):
            chunks = [
                b"\n".join(lines[start : start + size]) + b"\n"
                for start in range(0, len(lines), size)
            ]
            rows = run_replay(chunks, settings=Settings(), size=1)
            report = compare(connection, rows, promised())
            assert report.mismatches == []
            assert report.total > 1_000
    finally:
        connection.close()
