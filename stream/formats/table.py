"""The one table of formats."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from stream.errors import ConfigError
from stream.formats import bilibili, cloudevents, doudian, ndjson, otto, uci
from stream.formats.common import Reading


@dataclass(frozen=True, slots=True)
class Format:
    """A file format: how it is recognised and read.

    `sniff` looks at the first 64 KiB. `read(data, user_key)` yields events in file order; None:
    lines are events already (ndjson). `chunks(file)` instead yields NDJSON in log order with ticks.
    """

    name: str
    help: str
    sniff: Callable[[bytes], bool]
    read: Callable[[bytes, bytes], Reading] | None
    chunks: Callable[[BinaryIO], Iterator[bytes]] | None = None


def is_parquet(head: bytes) -> bool:
    """Whether a file begins as Parquet does."""
    return head.startswith(b"PAR1")


def _parquet(file: BinaryIO) -> Iterator[bytes]:
    # Late: nothing else here needs the columns of the fold, nor pyarrow.
    from stream.parquet.read import ndjson as lines_of

    return lines_of(file)


FORMATS: Final[tuple[Format, ...]] = (
    Format(
        "cloudevents",
        "CloudEvents 1.0: one, a batch, or NDJSON",
        cloudevents.sniff,
        cloudevents.read,
    ),
    Format("parquet", "our own events as columns", is_parquet, None, _parquet),
    Format("ndjson", "our own events, one a line; ticks are kept", ndjson.sniff, None),
    Format("uci", "UCI Online Retail CSV: order lines and cancels", uci.sniff, uci.read),
    Format("otto", "OTTO sessions JSONL: clicks, carts, orders", otto.sniff, otto.read),
    Format("bilibili-xml", "Bilibili recorder XML", bilibili.sniff, bilibili.read),
    Format("doudian", "抖店 push messages, JSON", doudian.sniff, doudian.read),
)
"""In the order of sniffing. `docs/formats.md` describes each."""

FORMAT_BY_NAME: Final = {entry.name: entry for entry in FORMATS}


def detect(head: bytes, name: str) -> Format:
    """Find the format of a file by its first bytes.

    Args:
        head: the first 64 KiB.
        name: the file's name, for the message.

    Raises:
        ConfigError: no format fits.
    """
    for entry in FORMATS:
        if entry.sniff(head):
            return entry
    known = ", ".join(FORMAT_BY_NAME)
    raise ConfigError("format", "auto", f"{name} to be recognisable; say one of {known}")


def format_named(name: str, head: bytes, file_name: str) -> Format:
    """Look up a format; `auto` is detected from the head.

    Raises:
        ConfigError: no such format, or none recognised.
    """
    if name == "auto":
        return detect(head, file_name)
    if name not in FORMAT_BY_NAME:
        raise ConfigError("format", name, f"auto or one of {', '.join(FORMAT_BY_NAME)}")
    return FORMAT_BY_NAME[name]
