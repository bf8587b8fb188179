"""Engine against oracle on random small logs, whatever the batches."""

import pytest

from tests.oracle.fuzz import random_log
from tests.oracle.support import agree_on


@pytest.mark.parametrize("seed", range(6))
def test_engine_and_oracle_agree_on_random_logs(seed: int) -> None:
    assert agree_on(random_log(seed), 7) > 1_000
