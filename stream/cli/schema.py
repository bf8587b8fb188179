"""`liveroom schema`."""

import json

from stream.cli.console import write
from stream.cli.options import with_settings
from stream.settings import Settings


@with_settings()
def command(settings: Settings) -> int:
    """Print the JSON Schema (draft 2020-12) of an event.

    Give it to whoever sends events: `liveroom schema > event.schema.json`.
    """
    from stream.schema import json_schema

    write(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0
