"""`liveroom convert`: recordings of any format into one NDJSON or Parquet recording."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from stream.errors import ConfigError
from stream.formats import Rejects, read_events
from stream.replay_progress import watched
from stream.settings import Settings

SUFFIX: Final = ".parquet"


def convert(files: list[Path], fmt: str, out: Path, settings: Settings) -> int:
    """Write the recordings, one after the other, as `out`; the exit code, 0.

    Args:
        files: recordings.
        fmt: a name of `stream.formats.FORMATS`, or `auto`.
        out: a file that does not exist yet; `.parquet` says Parquet, anything else NDJSON.
        settings: the viewer key, for foreign formats.

    Raises:
        ConfigError: a file cannot be read, `out` exists or cannot be made.
    """
    key = (settings.user_key or "liveroom").encode()
    rejects = Rejects()
    chunks = watched(
        (chunk for path in files for chunk in read_events(path, fmt, key, rejects)), files
    )
    if out.suffix == SUFFIX:
        # Late: the command must not need pyarrow for NDJSON.
        from stream.parquet.write import write_parquet

        lines = write_parquet(chunks, out)
    else:
        lines = _write_ndjson(chunks, out)
    note = f", {rejects.total} records of the input were unreadable" if rejects.total else ""
    sys.stderr.write(f"wrote {lines} lines to {out}{note}\n")
    return 0


def _write_ndjson(chunks: Iterable[bytes], out: Path) -> int:
    lines = 0
    try:
        with out.open("xb") as file:
            for chunk in chunks:
                file.write(chunk)
                lines += chunk.count(b"\n")
    except OSError as error:
        expected = f"a new file in a writable folder ({error.strerror})"
        raise ConfigError("out", str(out), expected) from error
    return lines
