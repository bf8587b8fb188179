"""Small builders for the sink tests."""

from collections.abc import Mapping

from operators.results import DeadLetter, LogEntry, Output, Patch
from sinks.redis_client import Link, Reply
from sinks.redis_reply import pairs

BASE_MS = 1_700_000_000_000
ROOM = "room:t1/r1"
ALERTS = "alerts:t1/t1"


def version(n: int) -> str:
    """The log position of the n-th entry."""
    return f"{BASE_MS + n:013d}-{0:020d}"


def output(
    n: int,
    fields: Mapping[str, object] | None = None,
    *,
    channel: str = ROOM,
    alerts: tuple[int, ...] = (),
    dead: tuple[DeadLetter, ...] = (),
    counters: Mapping[str, int] | None = None,
    retired: tuple[str, ...] = (),
    shard: int = 0,
) -> Output:
    """Output at the n-th entry: fields of one channel, alerts named by number."""
    return Output(
        shard,
        version(n),
        BASE_MS + n,
        patches=(Patch(channel, fields),) if fields is not None else (),
        entries=tuple(LogEntry(ALERTS, i, {"alert": name}) for i, name in enumerate(alerts)),
        dead=dead,
        retired=retired,
        counters=counters or {},
    )


def state(link: Link, channel: str = ROOM, *, guards: bool = False) -> dict[str, str]:
    """Fields of a state channel, without its guards unless asked for."""
    found = pairs(link.call("HGETALL", f"{{0}}:{channel}"))
    text = {name.decode(): value.decode() for name, value in found.items()}
    return {n: v for n, v in text.items() if guards or not n.startswith("_")}


def stream(link: Link, name: str) -> list[dict[str, str]]:
    """Entries of a stream of shard 0, each with its id under `id`."""
    entries = link.call("XRANGE", f"{{0}}:{name}", "-", "+")
    assert isinstance(entries, list)
    return [_entry(entry) for entry in entries]


def _entry(entry: Reply) -> dict[str, str]:
    assert isinstance(entry, list)
    entry_id, fields = entry
    assert isinstance(entry_id, bytes)
    found = {n.decode(): v.decode(errors="replace") for n, v in pairs(fields).items()}
    return {"id": entry_id.decode(), **found}


def alerts(link: Link) -> list[str]:
    """JSON of every alert that stands in the log, in order."""
    return [entry["d"] for entry in stream(link, f"log:{ALERTS}")]
