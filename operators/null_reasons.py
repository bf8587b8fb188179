"""Why figures on screens are null: what changed of it since it was last said."""

from collections.abc import Callable

import numpy as np

from operators.catalogue.axes import Window
from operators.hashindex import I64, Bool
from operators.nulls import is_null, reasons
from operators.plan import View


class NullReasons:
    """Remembers what was said of (cell, window); cells without any such figure cost nothing."""

    def __init__(self) -> None:
        self._said: dict[tuple[int, str], dict[str, str]] = {}

    def forget(self) -> None:
        """Say everything again."""
        self._said.clear()

    def keep(self, wanted: Callable[[I64], Bool]) -> None:
        """Drop what was said of cells that are not wanted any more: nobody will change it."""
        cells = np.array(sorted({cell for cell, _ in self._said}), np.int64)
        gone = set(cells[~wanted(cells)].tolist())
        self._said = {key: said for key, said in self._said.items() if key[0] not in gone}

    def let_go(self, cells: I64) -> None:
        """Forget what was said of cells; their numbers will be others'."""
        if self._said:
            gone = set(cells.tolist())
            self._said = {key: said for key, said in self._said.items() if key[0] not in gone}

    def changed(
        self, view: View, window: Window, cells: I64, num: I64, den: I64
    ) -> list[tuple[int, dict[str, str] | None]]:
        """(cell, metric to reason) where that is not what was said; None: no figure is null now.

        `num` and `den` have shape (cells, metrics of the view).
        """
        shown = view.in_window[window.name]
        some = ((is_null(num) | is_null(den)) & shown).any(axis=1)
        if not some.any() and not self._said:
            return []
        names = [metric.name for metric in view.metrics]
        told = reasons(names, np.where(shown, num, 0), np.where(shown, den, 0))
        out: list[tuple[int, dict[str, str] | None]] = []
        for row, cell in enumerate(cells.tolist()):
            now = told.get(row, {})
            if now != self._said.get((cell, window.name), {}):
                out.append((cell, now or None))
                self._said[cell, window.name] = now
                if not now:
                    del self._said[cell, window.name]
        return out
