"""The recovery directory in the hands of an operator: saved, lost, put back, refused."""

import shutil
from pathlib import Path

from stream.recovery import backup, restore
from tests.chaos.faults import Report
from tests.chaos.rig import Rig
from tests.e2e.conftest import SECONDS


def refusal(rig: Rig) -> str:
    """Start the engine, which must refuse with exit code 2; what it says last."""
    engine = rig.start_engine()
    assert engine.wait(120.0)
    assert engine.exit_code() == 2
    return engine.log_tail()


def test_a_restored_backup_goes_on_without_a_trace(
    recording: Path, undisturbed: Report, tmp_path: Path
) -> None:
    archive = tmp_path / "state.tar.gz"
    with Rig(tmp_path / "rig") as rig:
        replay = rig.replay(recording, SECONDS)
        rig.wait_until("the first row", lambda: rig.rows() > 0)
        backup(rig.settings.recovery_dir, archive)
        size = rig.rows()
        rig.wait_until("more rows", lambda: rig.rows() > size)
        rig.kill_engine()
        shutil.rmtree(rig.settings.recovery_dir)
        restore(archive, rig.settings.recovery_dir)
        rig.start_engine()
        rig.finish(replay)
        outcome = rig.outcome()
    assert outcome.results == undisturbed.outcome.results
    assert outcome.counters == undisturbed.outcome.counters


def test_what_does_not_fit_is_refused_with_a_remedy(recording: Path, tmp_path: Path) -> None:
    with Rig(tmp_path / "rig", shards=2) as rig:
        rig.finish(rig.replay(recording, 5.0))
        for path in (tmp_path / "rig" / "results").glob("*.ndjson"):
            path.write_bytes(b"")
        assert "start both anew" in refusal(rig)
    with Rig(tmp_path / "other", shards=3, recovery_dir=rig.settings.recovery_dir) as other:
        engine = other.engine
        assert engine is not None
        assert engine.wait(120.0)
        assert engine.exit_code() == 2
        assert "liveroom reset" in engine.log_tail()
