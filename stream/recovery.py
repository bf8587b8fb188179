"""The recovery directory: made once, checked at every start, saved and put back as a whole."""

import shutil
import sqlite3
import tarfile
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar

import msgspec

from operators.snapshot import ENCODING
from stream.dataflow import make_store
from stream.durable import locked, put_in_place
from stream.errors import ConfigError, StateError
from stream.state_files import SAVING

Saved = TypeVar("Saved")

MARK: Final = "liveroom.json"
LOCK: Final = "lock"
REMEDY: Final = (
    "run the version that wrote it, or put it aside with `liveroom reset`: then the engine "
    "starts anew with what the log still holds"
)


class Mark(msgspec.Struct, frozen=True):
    """What a recovery directory was made for."""

    shards: int
    encoding: int


def decoded(saved: bytes | None, kind: type[Saved], what: str) -> Saved | None:
    """What the recovery store gave back; None: nothing was saved. `what` names it in the error.

    Raises:
        StateError: another version wrote it.
    """
    if saved is None:
        return None
    try:
        return msgspec.msgpack.decode(saved, type=kind)
    except msgspec.DecodeError as error:
        told = f"the recovery directory holds {what} of another version ({error})"
        raise StateError(told, REMEDY) from error


def check_recovery(directory: Path, shards: int) -> None:
    """Make the recovery directory where there is none. Safe from several processes at once.

    Raises:
        ConfigError: it cannot be made or written.
        StateError: it was made for another number of shards or another encoding of the state.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with locked(directory / LOCK):
            _check(directory, shards)
    except OSError as error:
        expected = f"a folder that can be written ({error.strerror})"
        raise ConfigError("recovery_dir", str(directory), expected) from error


def read_mark(directory: Path) -> Mark | None:
    """What the directory was made for; None: it is none of ours, or new.

    Raises:
        StateError: the file that says so cannot be read.
    """
    path = directory / MARK
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Mark)
    except msgspec.DecodeError as error:
        what = f"{path} is damaged ({error})"
        raise StateError(what, REMEDY) from error


def _check(directory: Path, shards: int) -> None:
    mark = read_mark(directory)
    if mark is None:
        if not any(directory.glob("*.sqlite3")):
            make_store(directory)
        draft = directory / f"{MARK}.part"
        draft.write_bytes(msgspec.json.encode(Mark(shards, ENCODING)))
        put_in_place(draft, directory / MARK)
        return
    if mark.shards != shards:
        what = f"{directory} was made for {mark.shards} shards, the setting says {shards}"
        raise StateError(what, f"set shards = {mark.shards}, or {REMEDY.partition(', or ')[2]}")
    if mark.encoding != ENCODING:
        what = f"{directory} has state encoding {mark.encoding}, this version reads {ENCODING}"
        raise StateError(what, REMEDY)


def reset(directory: Path) -> Path | None:
    """Put a recovery directory aside, under its name and the time; None: there was none.

    Raises:
        ConfigError: it cannot be renamed.
    """
    if not directory.exists():
        return None
    aside = directory.with_name(f"{directory.name}.{time.time_ns() // 1_000_000}")
    try:
        directory.rename(aside)
    except OSError as error:
        expected = f"a folder that can be renamed ({error.strerror})"
        raise ConfigError("recovery_dir", str(directory), expected) from error
    return aside


def backup(directory: Path, out: Path) -> int:
    """Save a recovery directory into one archive; its bytes. The engine may run meanwhile.

    Each SQLite file is copied through SQLite's own backup, so that it is whole. The states that
    it names are there until they are copied: no engine removes any meanwhile.

    Raises:
        StateError: there is no recovery directory, or one that cannot be read.
        ConfigError: the archive exists already or cannot be written.
    """
    if read_mark(directory) is None:
        what = f"{directory} is no recovery directory"
        raise StateError(what, "name one with --recovery-dir")
    draft = out.with_name(out.name + ".part")
    try:
        if out.exists():
            raise FileExistsError(17, "it exists")
        with TemporaryDirectory(dir=out.parent, prefix=".backup-") as name:
            with locked(directory / SAVING):
                _copy_stores(directory, Path(name))
            with tarfile.open(draft, "w:gz", compresslevel=1) as archive:
                for path in sorted(Path(name).iterdir()):
                    archive.add(path, path.name)
        put_in_place(draft, out)
    except OSError as error:
        expected = f"a new file in a writable folder ({error.strerror})"
        raise ConfigError("out", str(out), expected) from error
    except sqlite3.Error as error:
        what = f"a store in {directory} cannot be read ({error})"
        raise StateError(
            what, "run as the user of the engine; a damaged one: `liveroom reset`"
        ) from error
    return out.stat().st_size


def restore(archive: Path, directory: Path) -> Mark:
    """Put a backup in place of a recovery directory that does not exist; what it was made for.

    Raises:
        ConfigError: the directory exists, or the archive cannot be read.
        StateError: it is no backup of ours.
    """
    if directory.exists() and any(directory.iterdir()):
        expected = "an empty or new folder; `liveroom reset` puts the old one aside"
        raise ConfigError("recovery_dir", str(directory), expected)
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(directory, filter="data")
    except (OSError, tarfile.TarError) as error:
        raise ConfigError("archive", str(archive), f"a readable backup ({error})") from error
    mark = read_mark(directory)
    if mark is None:
        what = f"{archive} is no backup of a recovery directory"
        raise StateError(what, "name another file")
    return mark


def _copy_stores(directory: Path, target: Path) -> None:
    (target / MARK).write_bytes((directory / MARK).read_bytes())
    for path in sorted(directory.glob("*.sqlite3")):
        with (
            closing(sqlite3.connect(path)) as source,
            closing(sqlite3.connect(target / path.name)) as copy,
        ):
            source.backup(copy)
    # After the stores: what they name is there by now, and stays while we hold the lock.
    for path in sorted(directory.glob("*.state")):
        shutil.copyfile(path, target / path.name)
