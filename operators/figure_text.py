"""Figures as JSON text, many at once: a row costs its figures that are not 0.

In most cells most figures are 0 over 0. Rows in which the same ones are differ only in their
numbers, so each such *pattern* has one template with the rest of the object already written.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import orjson

from operators.hashindex import I64, Bool
from operators.nulls import is_null

MAX_TEMPLATES: Final = 8_192
"""Patterns kept of one layout; in practice some hundreds."""


def number_texts(values: npt.NDArray[np.generic]) -> list[bytes]:
    """JSON of each number of a flat int64 or float64 array; NaN is `null`."""
    if not len(values):
        return []
    data = np.ascontiguousarray(values)
    return orjson.dumps(data, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")


def value_texts(num: I64, den: I64, has_den: Bool) -> list[bytes]:
    """JSON of figures as they stand on the wire; all arrays have shape (n,).

    As `operators.figures.value_of`: a number, or `{"num", "den", "value"}`.
    """
    out = _null_texts(number_texts(num), is_null(num))
    ratios = np.flatnonzero(has_den)
    if len(ratios):
        below = den[ratios]
        quotients = number_texts(_quotients(num[ratios], below))
        dens = _null_texts(number_texts(below), is_null(below))
        for place, d, value in zip(ratios.tolist(), dens, quotients, strict=True):
            out[place] = b'{"num":%b,"den":%b,"value":%b}' % (out[place], d, value)
    return out


def _quotients(num: I64, den: I64) -> npt.NDArray[np.float64]:
    """Num over den, NaN over 0 or null; rounded as Python rounds, both being exact as doubles."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((den == 0) | is_null(num) | is_null(den), np.nan, num / den)


def _null_texts(texts: list[bytes], unknown: Bool) -> list[bytes]:
    """The texts, `null` where a number stands for it."""
    for place in np.flatnonzero(unknown).tolist():
        texts[place] = b"null"
    return texts


class FigureText:
    """Objects `{"<metric>": value, …}` of one list of metrics, keys in the order given.

    A plain figure has one *slot*, its number; a ratio three: den, num and value. A slot is
    *filled* when it is not what stands in the text of a figure that is 0 over 0.
    """

    def __init__(self, names: Sequence[str], has_den: Sequence[bool]) -> None:
        self._names = tuple(names)
        self._has_den = tuple(has_den)
        widths = np.where(np.array(has_den, np.bool_), 3, 1)
        first = np.cumsum(widths) - widths
        self._slots = int(widths.sum())
        self._ratios = np.flatnonzero(np.array(has_den, np.bool_))
        self._den_slot = first[self._ratios]
        self._value_slot = self._den_slot + 2
        self._num_slot = first + np.where(widths == 3, 1, 0)
        self._is_value = np.zeros(self._slots, np.bool_)
        self._is_value[self._value_slot] = True
        self._templates: dict[bytes, bytes] = {}

    def __reduce__(self) -> tuple[type["FigureText"], tuple[tuple[str, ...], tuple[bool, ...]]]:
        """Templates do not travel between processes."""
        return FigureText, (self._names, self._has_den)

    def objects(self, num: I64, den: I64) -> list[bytes]:
        """One JSON object a row; `num` and `den` have shape (rows, metrics)."""
        if not len(num):
            return []
        n, d = num[:, self._ratios], den[:, self._ratios]
        numbers = np.zeros((len(num), self._slots), np.int64)
        numbers[:, self._num_slot] = num
        numbers[:, self._den_slot] = d
        filled = numbers != 0
        # 0 over less than 0 is -0.0, as in Python.
        written = (d < 0) | ((n != 0) & (d != 0)) | is_null(n)
        filled[:, self._value_slot] = written
        counted = filled & ~self._is_value
        which = np.broadcast_to(self._is_value, filled.shape)[filled]
        texts = np.empty(len(which), np.object_)
        counts = numbers[counted]
        texts[~which] = np.array(_null_texts(number_texts(counts), is_null(counts)), np.object_)
        quotients = _quotients(n[written], d[written])
        texts[which] = np.array(number_texts(quotients), np.object_)
        return self._fill(filled, texts.tolist())

    def _fill(self, filled: Bool, texts: list[bytes]) -> list[bytes]:
        """Put the texts of all rows, in order, into the templates of their patterns."""
        packed = np.packbits(filled, axis=1)
        width, patterns = packed.shape[1], packed.tobytes()
        ends = np.cumsum(filled.sum(axis=1)).tolist()
        templates = self._templates
        out, start = [], 0
        for row, end in enumerate(ends):
            pattern = patterns[row * width : (row + 1) * width]
            template = templates.get(pattern)
            if template is None:
                template = self._template(pattern, filled[row])
            out.append(template % tuple(texts[start:end]))
            start = end
        return out

    def _template(self, pattern: bytes, filled: Bool) -> bytes:
        """The object with `%b` in the filled slots; kept."""
        if len(self._templates) >= MAX_TEMPLATES:
            self._templates.clear()
        parts, slot, full = [], 0, filled.tolist()
        for name, has_den in zip(self._names, self._has_den, strict=True):
            width = 3 if has_den else 1
            text = _figure_text(full[slot : slot + width])
            parts.append(orjson.dumps(name).replace(b"%", b"%%") + b":" + text)
            slot += width
        template = self._templates[pattern] = b"{" + b",".join(parts) + b"}"
        return template


def _figure_text(filled: list[bool]) -> bytes:
    """A figure with `%b` in its filled slots: number, or (den, num, value)."""
    first = b"%b" if filled[0] else b"0"
    if len(filled) == 1:
        return first
    value = b"%b" if filled[2] else b"0.0" if filled[0] else b"null"
    return b'{"den":%b,"num":%b,"value":%b}' % (first, b"%b" if filled[1] else b"0", value)
