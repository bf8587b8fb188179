"""A Parquet recording as columns for the fold, or as NDJSON for everything else."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from operators.columns import ColumnReader, Columns
from operators.hashindex import I32, Bool
from operators.intake import Lines
from operators.ready import Profile, Ready
from operators.results import DeadLetter
from stream.errors import ConfigError
from stream.events import FIELDS, Kind
from stream.parquet.schema import (
    DICTIONARIES,
    LAYOUT,
    MARK,
    PROFILE,
    REPLAYED,
    USER,
    VERSION,
    arrow,
    schema,
)

T = TypeVar("T", bound=np.generic)

_profile: Final = msgspec.json.Decoder(tuple[str | None, ...])
_encode: Final = msgspec.json.Encoder().encode


def row_groups(source: Path | BinaryIO) -> Iterator["RowGroup"]:
    """The row groups of a recording, in log order.

    Args:
        source: a file, or bytes that can be sought.

    Raises:
        ConfigError: pyarrow is missing, or the file is no recording of ours.
    """
    pa = arrow()
    name = str(source) if isinstance(source, Path) else "the input"
    file = _opened(pa, source, name)
    layout = file.schema_arrow.metadata.get(LAYOUT)
    known = layout == ",".join(PROFILE).encode()
    profiles: dict[str, Profile] = {}
    for number in range(file.num_row_groups):
        try:
            table = file.read_row_group(number, columns=list(REPLAYED), use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise ConfigError("file", name, f"a whole Parquet file ({error})") from error
        group = RowGroup(file, number, table, profiles)
        if not known:
            group.tell_by_lines()
        yield group


def _opened(pa: Any, source: Path | BinaryIO, name: str) -> Any:
    try:
        plain = pa.parquet.ParquetFile(source)
    except (pa.ArrowException, OSError) as error:
        raise ConfigError("file", name, f"a readable Parquet file ({error})") from error
    found = plain.schema_arrow
    mark = (found.metadata or {}).get(MARK)
    ours = {field.name: field.type for field in schema(pa)}
    fits = all(ours.get(field.name) == field.type for field in found)
    if mark != VERSION.encode() or not fits or not set(REPLAYED) <= set(found.names):
        expected = "a recording that `liveroom record` or `liveroom convert` wrote"
        raise ConfigError("file", name, expected)
    texts = [name for name in DICTIONARIES if name in found.names]
    return pa.parquet.ParquetFile(source, metadata=plain.metadata, read_dictionary=texts)


def ndjson(source: Path | BinaryIO) -> Iterator[bytes]:
    """The lines of a recording, a chunk a row group; those of rare types byte for byte.

    Raises:
        ConfigError: as `row_groups`.
    """
    for group in row_groups(source):
        yield group.ndjson()


@dataclass(slots=True)
class RowGroup:
    """Some 32,768 rows; `size` is their weight in the file, in bytes."""

    file: Any
    number: int
    table: Any
    profiles: dict[str, Profile]
    whole: Any = None
    lines: dict[int, bytes] = field(init=False)
    """Place to line, without its line end, of the rows that have one."""

    def __post_init__(self) -> None:
        column = self._column("line")
        places = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False)).tolist()
        texts = column.drop_null().to_pylist()
        self.lines = dict(zip(places, texts, strict=True))

    @property
    def size(self) -> int:
        """Compressed bytes."""
        meta = self.file.metadata.row_group(self.number)
        return sum(meta.column(place).total_compressed_size for place in range(meta.num_columns))

    def read(self, reader: ColumnReader) -> tuple[Columns, list[DeadLetter], Lines]:
        """As `operators.intake.Rows`."""
        return self.ready().read(reader)

    def ready(self) -> Ready:
        """The rows as numpy arrays."""
        profile, texts = self._codes("profile")
        product, products = self._codes("product_id")
        user, has_user = self._numbers(USER, np.uint64)
        qty, has_qty = self._numbers("qty", np.int64)
        profile[list(self.lines)] = -1
        return Ready(
            profile,
            [self._profile(text) for text in texts],
            self._numbers("event_time_ms", np.int64)[0],
            user,
            has_user,
            product,
            products,
            np.where(has_qty, qty, 1),
            self._numbers("event_hash", np.uint64)[0],
            self.line_of,
        )

    def ndjson(self) -> bytes:
        """All lines."""
        self.tell_by_lines()
        return b"".join(self.lines[row] + b"\n" for row in range(self.table.num_rows))

    def tell_by_lines(self) -> None:
        """Make the lines of all rows: for whoever wants all of them, it is faster at once."""
        whole = self.file.read_row_group(self.number, use_threads=False)
        names = [name for name in _FIELD_OF if name in whole.column_names]
        columns = [whole.column(name).to_pylist() for name in names]
        for row, values in enumerate(zip(*columns, strict=True)):
            if row not in self.lines:
                self.lines[row] = _line(dict(zip(names, values, strict=True)))

    def line_of(self, row: int) -> bytes:
        """One line, without its line end."""
        line = self.lines.get(row)
        if line is not None:
            return line
        if self.whole is None:
            self.whole = self.file.read_row_group(self.number, use_threads=False)
        found = self.whole.slice(row, 1).to_pylist()[0]
        return _line({name: found.get(name) for name in _FIELD_OF})

    def _profile(self, text: str) -> Profile:
        found = self.profiles.get(text)
        if found is None:
            found = self.profiles[text] = _profile.decode(text)
        return found

    def _column(self, name: str) -> Any:
        return self.table.column(name).combine_chunks()

    def _codes(self, name: str) -> tuple[I32, list[str]]:
        """Places in a column's dictionary, -1 for null, and the dictionary."""
        column = self._column(name)
        codes = column.indices.fill_null(-1).to_numpy()
        return codes.astype(np.int32), column.dictionary.to_pylist()

    def _numbers(self, name: str, dtype: type[T]) -> tuple[npt.NDArray[T], Bool]:
        """A column of integers, 0 for null, and which are there."""
        column = self._column(name)
        there = column.is_valid().to_numpy(zero_copy_only=False)
        return column.fill_null(0).to_numpy().astype(dtype, copy=False), there


_FIELD_OF: Final = {USER if one.kind is Kind.USER else one.name: one.name for one in FIELDS}
"""Column to the field of an event that it holds."""


def _line(row: Mapping[str, Any]) -> bytes:
    """A row as NDJSON, nothing of it that is null."""
    fields = {_FIELD_OF[name]: value for name, value in row.items() if value is not None}
    if USER in row and row[USER] is not None:
        fields[_FIELD_OF[USER]] = f"{row[USER]:016x}"
    return _encode(fields)
