"""The stages' times reach whoever asks the engine's metrics port."""

import threading
import urllib.request

from stream.replay_bytewax import free_addresses
from stream.settings import Settings
from stream.side import beside
from stream.stages import Stages


def test_stages_are_served_as_histograms() -> None:
    stages = Stages()
    for name in ("fold", "fold", "write"):
        with stages.time(name):
            pass
    (address,) = free_addresses(1)
    port = int(address.rpartition(":")[2])
    with (
        beside(Settings(metrics_port=port), threading.Event()),
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer,
    ):
        text = answer.read().decode()
    assert 'liveroom_stage_seconds_bucket{le="+Inf",stage="fold"}' in text
    assert 'liveroom_stage_seconds_sum{stage="write"}' in text


def test_the_table_has_a_line_a_stage_the_longest_first() -> None:
    stages = Stages()
    stages.seconds, stages.calls = {"fold": 1.0, "write": 3.0}, {"fold": 2, "write": 4}
    first, second = stages.table().splitlines()
    assert first.split() == ["write", "4", "calls", "3.000", "s", "75.0%"]
    assert second.split()[0] == "fold"
