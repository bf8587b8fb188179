"""Frozen states of one shard as files beside the recovery store.

Bytewax writes what `snapshot` gives into its store anew each epoch. A state of many MB is
written once, here; the store holds its name.
"""

from pathlib import Path
from typing import Final

from operators.frozen import Part
from stream.durable import put_in_place, shared_unless_locked
from stream.errors import StateError

KEPT: Final = 2
"""Files kept: the store may still name the one before."""
SAVING: Final = "saving"
"""Who holds this lock copies the folder: no file goes meanwhile."""


class StateFiles:
    """The files of one shard in `folder`."""

    def __init__(self, folder: Path, shard: int) -> None:
        self._folder = folder
        self._stem = f"shard-{shard:04d}-"

    def write(self, number: int, *parts: Part) -> str:
        """Write a state in pieces, durably; its name. `number` grows from state to state.

        Raises:
            OSError: the disk is full; the state before still stands.
        """
        name = f"{self._stem}{number:020d}.state"
        draft = self._folder / f"{name}.part"
        with draft.open("wb") as file:
            file.writelines(parts)
        put_in_place(draft, self._folder / name)
        return name

    def read(self, name: str) -> bytes:
        """The state of that name.

        Raises:
            StateError: it is gone.
        """
        try:
            return (self._folder / name).read_bytes()
        except OSError as error:
            what = f"{self._folder / name} cannot be read ({error.strerror})"
            raise StateError(
                what, "restore a backup, or start anew after `liveroom reset`"
            ) from error

    def forget(self, durable: str) -> None:
        """Remove what is older than the state that the store durably names, but for one.

        Older halves that a kill left behind go too; a younger one is being written. While the
        folder is copied (`SAVING`) all stay, to go the next time.
        """
        with shared_unless_locked(self._folder / SAVING) as free:
            if free:
                self._remove_before(durable)

    def _remove_before(self, durable: str) -> None:
        states = sorted(self._folder.glob(f"{self._stem}*.state"))
        older = [path for path in states if path.name <= durable]
        halves = self._folder.glob(f"{self._stem}*.part")
        for path in (*older[:-KEPT], *(half for half in halves if half.name < durable)):
            path.unlink(missing_ok=True)
