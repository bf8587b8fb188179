"""Foreign and own file formats as pure functions: bytes in, events and rejected values out."""

from stream.formats.common import Rejects, Unreadable
from stream.formats.reading import read_events
from stream.formats.table import FORMAT_BY_NAME, FORMATS, Format
from stream.formats.ticks import closing_tick_ms, tick_line, with_ticks

__all__ = [
    "FORMATS",
    "FORMAT_BY_NAME",
    "Format",
    "Rejects",
    "Unreadable",
    "closing_tick_ms",
    "read_events",
    "tick_line",
    "with_ticks",
]
