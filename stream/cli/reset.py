"""`liveroom reset`."""

from stream.cli.console import note
from stream.cli.options import with_settings
from stream.settings import Area, Settings


@with_settings(Area.ENGINE)
def command(settings: Settings) -> int:
    """Put the engine's recovery directory aside, so that it starts anew. Stop it first.

    It then folds what the log still holds. Nothing is deleted.
    """
    from stream.recovery import reset

    aside = reset(settings.recovery_dir)
    note(f"{settings.recovery_dir} is now {aside}" if aside else "there was nothing to put aside")
    return 0
