"""Answers of the HTTP routes that change: health, readiness, metrics, catalogue, rooms."""

import time
from http import HTTPStatus
from typing import Final

import msgspec

from operators.catalogue import as_json
from sinks.gateway.auth import Claims
from sinks.gateway.feed import Feed
from sinks.gateway.gateway import Gateway
from sinks.gateway.http import Body, Route, fixed
from sinks.gateway.metrics import Sample, by_label, render
from stream.errors import SinkError

JSON: Final = "application/json"
PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"
READ_AGE_LIMIT_S: Final = 5.0


def health() -> Body:
    """The process lives."""
    return Body(b'{"ok":true}', JSON)


def ready(gateway: Gateway, feed: Feed) -> Body:
    """Whether new clients should come here: Redis is read, and nobody is being drained."""
    read_age_s = time.monotonic() - feed.state.last_read_s
    fine = feed.state.up and not gateway.draining and read_age_s < READ_AGE_LIMIT_S
    content = msgspec.json.encode(
        {"ready": fine, "redis": feed.state.up, "draining": gateway.draining}
    )
    return Body(content, JSON, HTTPStatus.OK if fine else HTTPStatus.SERVICE_UNAVAILABLE)


def catalogue() -> Route:
    """The metric catalogue, made once."""
    body = fixed(msgspec.json.encode(as_json()), JSON)
    return lambda: body


async def rooms(gateway: Gateway, claims: Claims) -> Body:
    """Rooms that a token covers: `{"rooms": [{"room": "t1/r1", "group": "t1/g"}]}`."""
    try:
        listing = await gateway.effects.visible(claims, "room")
    except SinkError:
        return Body(b'{"error":"redis"}', JSON, HTTPStatus.SERVICE_UNAVAILABLE)
    found = []
    for about in listing:
        room = str(about["ch"]).partition(":")[2]
        tenant = room.partition("/")[0]
        group = about.get("group") or tenant
        found.append({"room": room, "group": f"{tenant}/{group}"})
    return Body(msgspec.json.encode({"rooms": found}), JSON)


def metrics(gateway: Gateway, feed: Feed, process: int) -> str:
    """This process's Prometheus text."""
    own, counts, state = gateway.metrics, gateway.outbox.counts, feed.state
    cohorts = list(gateway.outbox.cohorts.values())
    lags = [
        cohort.channel.seq - since.seq
        for cohort in cohorts
        for since in cohort.stragglers.values()
        if since is not None
    ]
    peers = gateway.peers

    def one(name: str, kind: str, help_text: str, value: float) -> Sample:
        return Sample(name, kind, help_text, {"": value})

    samples = [
        one("connections", "gauge", "Open connections.", len(peers)),
        one("paused", "gauge", "Clients not reading.", sum(p.client.paused for p in peers)),
        one("held_bytes", "gauge", "Held back.", sum(p.client.queue_bytes for p in peers)),
        one("lag_max", "gauge", "Most patches a client is behind.", max(lags, default=0)),
        one("stragglers", "gauge", "Subscriptions behind their cohort.", len(lags)),
        one("channels", "gauge", "Cached channels.", len(gateway.hub.cached)),
        one("redis_up", "gauge", "1 while the out logs are read.", state.up),
        one("accepted_total", "counter", "Connections accepted.", own.accepted),
        one("commands_total", "counter", "Messages received.", own.commands),
        one("rpc_total", "counter", "Operator actions logged.", own.rpc),
        one("deliveries_total", "counter", "Frames sent to clients.", counts.deliveries),
        one("sent_bytes_total", "counter", "Bytes of shared frames sent.", counts.bytes),
        one("conflated_total", "counter", "Deltas merged for one client.", counts.merged),
        one("gaps_total", "counter", "Gaps announced.", counts.gaps),
        one("snapshots_total", "counter", "Snapshots sent.", counts.snapshots),
        one("out_entries_total", "counter", "Entries of out logs read.", state.entries),
        one("redis_reconnects_total", "counter", "Lost Redis connections.", state.reconnects),
        one("reloads_total", "counter", "Channels read again after a hole.", gateway.hub.reloads),
        one("late_ticks_total", "counter", "Grid points missed.", own.late_ticks),
        Sample("refused_total", "counter", "Refused.", by_label("reason", own.refused)),
        Sample("closed_total", "counter", "Closed by us.", by_label("reason", own.closed)),
    ]
    return render(samples, own.age, process)
