"""The recovery directory: made for one number of shards, saved and put back as a whole."""

import itertools
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec
import pytest

from operators.snapshot import ENCODING
from stream.errors import ConfigError, StateError
from stream.recovery import MARK, Mark, backup, check_recovery, read_mark, reset, restore
from stream.state_files import KEPT, SAVING, StateFiles

BACKUPS: Final = 20


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a recovery directory for four shards."""
    folder = tmp_path / "recovery"
    check_recovery(folder, 4)
    return folder


def rows(folder: Path) -> int:
    """Count the tables of the stores, to see that they are databases."""
    count = 0
    for path in folder.glob("*.sqlite3"):
        with closing(sqlite3.connect(path)) as db:
            count += len(db.execute("SELECT name FROM sqlite_master").fetchall())
    return count


def test_it_is_made_once_and_fits_again(store: Path) -> None:
    check_recovery(store, 4)
    assert read_mark(store) == Mark(4, ENCODING)


def test_another_number_of_shards_is_refused_with_a_remedy(store: Path) -> None:
    with pytest.raises(StateError, match=r"4 shards.*says 8.*liveroom reset"):
        check_recovery(store, 8)


def test_another_encoding_is_refused_with_a_remedy(store: Path) -> None:
    (store / MARK).write_bytes(msgspec.json.encode(Mark(4, ENCODING + 1)))
    with pytest.raises(StateError, match=r"encoding.*liveroom reset"):
        check_recovery(store, 4)


def test_a_damaged_mark_is_refused(store: Path) -> None:
    (store / MARK).write_bytes(b"{")
    with pytest.raises(StateError, match="damaged"):
        check_recovery(store, 4)


def test_a_folder_that_cannot_be_made_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="recovery_dir"):
        check_recovery(tmp_path / "file" / "recovery", 4)


def test_a_backup_comes_back_as_it_was(store: Path, tmp_path: Path) -> None:
    name = StateFiles(store, 2).write(7, b"state")
    archive, back = tmp_path / "state.tar.gz", tmp_path / "back"
    assert backup(store, archive) == archive.stat().st_size
    assert restore(archive, back) == Mark(4, ENCODING)
    assert rows(back) == rows(store) > 0
    assert StateFiles(back, 2).read(name) == b"state"
    check_recovery(back, 4)


def test_a_backup_overwrites_nothing_and_leaves_nothing(store: Path, tmp_path: Path) -> None:
    archive = tmp_path / "state.tar.gz"
    archive.write_bytes(b"precious")
    with pytest.raises(ConfigError, match="out"):
        backup(store, archive)
    assert archive.read_bytes() == b"precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["recovery", "state.tar.gz"]


def test_what_a_store_names_is_in_a_backup_however_fast_states_follow(
    store: Path, tmp_path: Path
) -> None:
    files, done = StateFiles(store, 0), threading.Event()
    path = next(store.glob("*.sqlite3"))

    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE newest (name TEXT)")
        db.execute("INSERT INTO newest VALUES ('')")
        db.commit()

    def engine() -> None:
        with closing(sqlite3.connect(path)) as db:
            for number in itertools.count(1):
                name = files.write(number, b"state")
                db.execute("UPDATE newest SET name = ?", (name,))
                db.commit()
                files.forget(name)
                if number > 3 and done.is_set():
                    return

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(engine)
        try:
            for number in range(BACKUPS):
                archive, back = tmp_path / f"{number}.tar.gz", tmp_path / f"{number}"
                backup(store, archive)
                restore(archive, back)
                with closing(sqlite3.connect(back / path.name)) as db:
                    (name,) = db.execute("SELECT name FROM newest").fetchone()
                assert not name or StateFiles(back, 0).read(name) == b"state"
        finally:
            done.set()
        running.result()
    assert len(list(store.glob("*.state"))) == KEPT, "none stays behind for good"


def test_a_store_that_cannot_be_read_is_no_backup(store: Path, tmp_path: Path) -> None:
    next(store.glob("*.sqlite3")).write_bytes(b"no database" * 100)
    with pytest.raises(StateError, match="cannot be read"):
        backup(store, tmp_path / "out.tar.gz")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["recovery"]


def test_only_a_recovery_directory_is_saved(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="no recovery directory"):
        backup(tmp_path, tmp_path / "out.tar.gz")


def test_restoring_over_a_state_is_refused(store: Path, tmp_path: Path) -> None:
    archive = tmp_path / "state.tar.gz"
    backup(store, archive)
    with pytest.raises(ConfigError, match="liveroom reset"):
        restore(archive, store)


def test_a_file_that_is_no_backup_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"no archive")
    with pytest.raises(ConfigError, match="archive"):
        restore(tmp_path / "x", tmp_path / "back")


def test_reset_puts_aside_and_deletes_nothing(store: Path) -> None:
    aside = reset(store)
    assert aside is not None
    assert not store.exists()
    assert read_mark(aside) == Mark(4, ENCODING)
    assert reset(store) is None


def test_old_states_go_once_a_newer_one_is_durable(tmp_path: Path) -> None:
    files = StateFiles(tmp_path, 1)
    other = StateFiles(tmp_path, 2).write(1, b"other")
    names = [files.write(number, b"%d" % number) for number in range(1, 6)]
    old, young = (tmp_path / f"{names[n]}.part" for n in (2, 4))
    for half in (old, young):
        half.write_bytes(b"half")
    files.forget(names[3])
    kept = [*names[2:], young.name, other, SAVING]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
    assert files.read(names[3]) == b"4"
    with pytest.raises(StateError, match="liveroom reset"):
        files.read(names[0])
