"""An engine that was paused, replaced and woken up may not write any more."""

import signal
import sqlite3
from pathlib import Path

from tests.chaos.faults import Report
from tests.chaos.rig import Rig, differences
from tests.e2e.conftest import SECONDS


def holds_a_lock(store: Path) -> bool:
    """Whether an engine stands in the middle of a write to its recovery store."""
    for path in store.rglob("*.sqlite3"):
        other = sqlite3.connect(path, timeout=0.0, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return True
        finally:
            other.close()
    return False


def test_a_woken_zombie_is_fenced_and_leaves_no_trace(
    recording: Path, undisturbed: Report, tmp_path: Path
) -> None:
    with Rig(tmp_path / "rig") as rig:
        replay = rig.replay(recording, SECONDS)
        rig.wait_until("the first row", lambda: rig.rows() > 0)
        zombie = rig.engine
        assert zombie is not None
        zombie.signal(signal.SIGSTOP)
        # No other process can write to a store that is locked.
        while holds_a_lock(rig.settings.recovery_dir):
            zombie.signal(signal.SIGCONT)
            zombie.signal(signal.SIGSTOP)
        rig.start_engine()
        rig.wait_until("the new engine has the shards", rig.claimed)
        zombie.signal(signal.SIGCONT)
        assert zombie.wait(120.0)
        assert zombie.exit_code() == 2
        assert "newer engine" in (tmp_path / "rig" / "engine.log").read_text()
        rig.finish(replay)
        outcome = rig.outcome()
    assert differences(undisturbed.outcome, outcome) == []
