"""`liveroom verify`."""

from stream.cli.options import with_settings
from stream.cli.recordings import FORMATS, Files, Format, existing, one_of
from stream.settings import Area, Settings


@with_settings(Area.TIME, Area.RULES, Area.WATCH)
def command(settings: Settings, files: Files, fmt: Format = "auto") -> int:
    """Replay recordings, recompute every figure with SQL from their lines, and compare.

    The two share no code. Exit code 0 only if every value agrees; docs/verify.md has the terms.
    """
    existing(files)
    one_of("format", fmt, FORMATS)
    from stream.oracle.verify import verify

    return verify(files, fmt, settings)
