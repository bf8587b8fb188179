"""Files that are wholes, and locks on folders."""

import subprocess
import sys
from pathlib import Path

import pytest

from stream.durable import locked, put_in_place, shared_unless_locked


def test_a_file_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    draft, path = tmp_path / "draft", tmp_path / "file"
    path.write_bytes(b"old")
    draft.write_bytes(b"new")
    put_in_place(draft, path)
    assert path.read_bytes() == b"new"
    assert not draft.exists()


def test_what_is_not_there_is_an_error_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(FileNotFoundError):
        put_in_place(tmp_path / "draft", path)
    assert path.read_bytes() == b"old"


def test_many_share_a_lock_that_nobody_holds_alone(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with shared_unless_locked(path) as one, shared_unless_locked(path) as other:
        assert (one, other) == (True, True)
    with locked(path), shared_unless_locked(path) as free:
        assert not free
    with shared_unless_locked(path) as free:
        assert free


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import sys, os; from pathlib import Path; from stream.durable import locked\n"
        "with locked(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    argv = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with shared_unless_locked(path) as free:
            assert not free
        holder.kill()
    with shared_unless_locked(path) as free:
        assert free
