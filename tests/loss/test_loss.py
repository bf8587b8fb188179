"""The loss test in small: `python -m benchmarks.fanout.loss` is the whole of it."""

import asyncio
from pathlib import Path

import pytest

from benchmarks.fanout.loss import run


@pytest.mark.slow
def test_no_client_ends_with_a_wrong_figure_and_no_loss_is_silent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = asyncio.run(run(40, 15, tmp_path))
    assert code == 0, capsys.readouterr().out
