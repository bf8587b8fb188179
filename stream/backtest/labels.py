"""Labelled incidents of a recording: what really happened, and when."""

from pathlib import Path

import msgspec

from stream.errors import ConfigError


class Incident(msgspec.Struct, frozen=True):
    """One labelled incident, `[start_ms, end_ms)`.

    `from_ms` is when it begins to build up (an early warning from then on is no false alarm);
    `alert` False marks a known event that must raise nothing.
    """

    kind: str
    tenant: str
    start_ms: int
    end_ms: int
    room_id: str | None = None
    subject: str | None = None
    from_ms: int | None = None
    alert: bool = True


class _Session(msgspec.Struct, frozen=True):
    tenant: str
    room_id: str
    start_ms: int
    end_ms: int


class Truth(msgspec.Struct, frozen=True):
    """The part of a truth file that the back-test reads; other keys are ignored."""

    incidents: list[Incident] = []
    sessions: list[_Session] = []

    def room_hours(self) -> float:
        """Hours of all sessions together."""
        return sum(one.end_ms - one.start_ms for one in self.sessions) / 3_600_000


def truth_path(recording: Path) -> Path:
    """Where the truth of a recording is looked for: `x.ndjson[.gz]` has `x.truth.json`."""
    name = recording.name
    for suffix in (".gz", ".zst", ".ndjson", ".jsonl", ".json"):
        name = name.removesuffix(suffix)
    return recording.with_name(f"{name}.truth.json")


def read_truth(recording: Path) -> Truth | None:
    """Labels of a recording; None when it has none.

    Raises:
        ConfigError: the truth file cannot be read as one.
    """
    path = truth_path(recording)
    if not path.is_file():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Truth)
    except (msgspec.DecodeError, OSError) as error:
        raise ConfigError("truth", str(path), f"a truth file ({error})") from error
