"""Leaderboards on screens: the boards that changed since the last flush, line by line."""

from operators.boards import Address, Boards, Seen
from operators.hashindex import I64
from operators.options import State
from operators.results import Patch


class BoardPatches:
    """Makes patches of the boards; holds what was said, to say only changes."""

    def __init__(self, state: State, boards: Boards) -> None:
        self._state = state
        self._boards = boards
        self._shown: dict[Address, list[dict[str, object]]] = {}
        self._seen = Seen()
        self._whole = True

    def forget(self) -> None:
        """Send everything again."""
        self._shown.clear()
        self._whole = True

    def let_go(self, cells: I64) -> None:
        """Cells get other numbers: their values are not known any more."""
        self._seen.let_go(cells)

    def flush(self) -> list[Patch]:
        """Patches of changed boards, in the order of their addresses.

        When a minute ends, the movements of all boards are looked at, and what has left them.
        """
        whole = self._whole or self._boards.moved
        self._boards.moved = self._whole = False
        seen = Seen() if whole else self._seen
        now = self._boards.lines(None, seen)
        addresses = set(now)
        if whole:
            self._seen = seen
            addresses |= self._shown.keys()
        patches = []
        for address in sorted(addresses, key=str):
            lines = self._boards.body(now.get(address, []), self._boards.before.get(address, {}))
            if self._shown.get(address) != lines:
                patches.append(self._patch(address, lines))
            if address not in now:
                del self._shown[address]
        return patches

    def _patch(self, address: Address, lines: list[dict[str, object]]) -> Patch:
        """A board's lines; ranks it no longer has are taken away."""
        tenant, group, name, room = address
        # What a predecessor showed is not known: all ranks below the last are taken away.
        had = len(self._shown.get(address, range(self._state.options.board_lines)))
        self._shown[address] = lines
        fields: dict[str, object] = {str(line["rank"]): line for line in lines}
        fields.update((str(rank), None) for rank in range(len(lines) + 1, had + 1))
        suffix = "" if room is None else f"@{room}"
        return Patch(f"board:{tenant}/{group}/{name}{suffix}", fields)
