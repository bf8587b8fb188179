"""Clients that pause, leave and return at any moment: every chain stays whole."""

import json
import random
from typing import Any

import pytest

from sinks.client.state import Broken, ChannelState
from sinks.gateway.channels import CachedChannel, LogChannel, OutEntry, StateChannel
from sinks.gateway.outbox import Client, Outbox
from tests.sinks.gateway.test_protocol import payload

STATES = ("room:t1/r1", "room:t1/r2")
LOG = "alerts:t1/t1"


def split(blob: bytes) -> list[dict[str, Any]]:
    """Frames of one write."""
    found: list[dict[str, Any]] = []
    while blob:
        size, head = blob[1], 2
        if size == 126:
            size, head = int.from_bytes(blob[2:4], "big"), 4
        found.append(payload(blob[: head + size]))
        blob = blob[head + size :]
    return found


class Peer:
    """A client with the real client core behind it and a buffer that may fill up."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.room = 10**9
        self.writes = 0
        self.client = Client(self.write)
        self.states: dict[str, ChannelState] = {}
        self.logged: list[int] = []
        self.lost = 0
        self.log_base: int | None = None

    def write(self, blob: bytes) -> None:
        assert not self.client.paused, "written to a client that cannot take it"
        assert not self.client.closed, "written to a client that is gone"
        self.writes += 1
        for frame in split(blob):
            state = self.states.get(frame["ch"])
            if state is None:
                continue
            update = state.apply(frame)
            if update is None:
                continue
            if update.kind == "event":
                self.logged.append(update.entries[0])
            elif update.kind == "gap":
                self.lost += update.lost or 0
            elif state.kind == "log":
                if self.log_base is None:
                    self.log_base = update.seq - len(update.entries)
                self.logged += [n for n in update.entries if n not in self.logged]
        self.room -= 1
        if self.room <= 0 and not self.client.paused:
            self.outbox.pause(self.client)


class Chains:
    """Truth, outbox and clients, and what may happen to them."""

    def __init__(self) -> None:
        self.outbox = Outbox(chunk=1)
        self.channels: dict[str, CachedChannel] = {n: StateChannel(n, 200) for n in STATES}
        self.channels[LOG] = LogChannel(LOG, 200, ring_count=8, snapshot_count=8)
        for channel in self.channels.values():
            if isinstance(channel, StateChannel):
                channel.load("e1", 0, {}, 0, "start")
            else:
                channel.load("e1", 0, [], 0, "start")
        self.truth: dict[str, dict[str, int]] = {name: {} for name in STATES}
        self.log_count = 0
        self.peers: list[Peer] = []
        self.tick = 0
        for number in range(4):
            self.connect()
            for name in (*STATES, LOG)[: 3 - number % 2]:
                self.subscribe(number, name, 100)
        list(self.outbox.flush(0, 4))
        self.tick = 4

    def connect(self) -> None:
        self.peers.append(Peer(self.outbox))

    def pick(self, number: int) -> Peer | None:
        return self.peers[number % len(self.peers)] if self.peers else None

    def subscribe(self, number: int, name: str, rate_ms: int) -> None:
        peer = self.pick(number)
        if peer is None or name in peer.client.subs:
            return
        channel = self.channels[name]
        state = peer.states.setdefault(name, ChannelState(name))
        since = state.since()
        position = channel.resume_from(since["e"], since["s"]) if since else None
        state.subscribed({"kind": channel.kind, "recovered": position is not None})
        rate_ms = rate_ms if channel.kind == "state" else 50
        if since and position is None and isinstance(channel, LogChannel):
            peer.lost += channel.lost_since(since["e"], since["s"]) or 0
        self.outbox.subscribe(peer.client, channel, rate_ms, position)

    def unsubscribe(self, number: int, name: str) -> None:
        peer = self.pick(number)
        if peer is not None and not peer.client.queue:
            self.outbox.unsubscribe(peer.client, name)

    def resync(self, number: int, name: str) -> None:
        peer = self.pick(number)
        if peer is not None:
            self.outbox.resync(peer.client, name)

    def narrow(self, number: int, room: int) -> None:
        """The client's buffer will be full after `room` more writes."""
        peer = self.pick(number)
        if peer is not None:
            peer.room = room

    def drain(self, number: int, room: int) -> None:
        peer = self.pick(number)
        if peer is not None and peer.client.paused:
            peer.room = room
            self.outbox.resume(peer.client)

    def close(self, number: int) -> None:
        peer = self.pick(number)
        if peer is not None:
            self.outbox.close(peer.client)
            self.peers.remove(peer)

    def patch(self, name: str, fields: dict[str, int | None]) -> None:
        channel, truth = self.channels[name], self.truth[name]
        data = json.dumps(fields).encode()
        channel.apply(OutEntry(name, "state", channel.epoch, channel.seq + 1, data, 1))
        for field, value in fields.items():
            if value is None:
                truth.pop(field, None)
            else:
                truth[field] = value

    def log(self) -> None:
        self.log_count += 1
        channel = self.channels[LOG]
        entry = OutEntry(LOG, "log", channel.epoch, self.log_count, b"%d" % self.log_count, 1)
        channel.apply(entry)

    def hole(self, name: str, more: int) -> None:
        channel, truth = self.channels[name], self.truth[name]
        truth["h"] = more
        values = {field: b"%d" % value for field, value in truth.items()}
        assert isinstance(channel, StateChannel)
        channel.load(channel.epoch, channel.seq + more, values, 1, "trim")

    def flush(self, ticks: int, meanwhile: int, number: int) -> None:
        """Between two chunks of writes anything may happen."""
        previous, self.tick = self.tick, self.tick + ticks
        for moved in self.outbox.flush(previous, self.tick):
            if moved is not None:
                continue
            if meanwhile == 1:
                self.drain(number, 3)
                self.narrow(number + 1, 1)
            elif meanwhile == 2:
                self.patch(STATES[0], {"a": number})
            elif meanwhile == 3:
                self.resync(number, STATES[0])
            elif meanwhile == 4:
                self.close(number)
            elif meanwhile == 5:
                self.subscribe(number, STATES[1], 100)

    def every_subscription_is_in_step_or_behind(self) -> None:
        for peer in self.peers:
            bundle = peer.client.bundle
            for cohort in peer.client.subs.values():
                steady = bundle is not None and cohort in bundle.cohorts
                assert steady != (peer.client in cohort.stragglers)
            assert bundle is None or not peer.client.paused

    def teardown(self) -> None:
        for peer in self.peers:
            while peer.client.paused:
                peer.room = 10**9
                self.outbox.resume(peer.client)
            peer.room = 10**9
        for _ in range(3):
            previous, self.tick = self.tick, self.tick + 20
            list(self.outbox.flush(previous, self.tick))
        for peer in self.peers:
            for name, state in peer.states.items():
                if name not in peer.client.subs:
                    continue
                assert state.resyncs == 0
                assert state.seq == self.channels[name].seq
                if name == LOG:
                    assert peer.logged == sorted(set(peer.logged))
                    assert state.seq - (peer.log_base or 0) == len(peer.logged) + peer.lost
                else:
                    assert state.values == self.truth[name]


def step(chains: Chains, draw: random.Random) -> None:
    """One thing that happens, often a flush with something in the midst of it."""
    number, name = draw.randrange(9), draw.choice(STATES)
    fields = {draw.choice("abcdefgh"): draw.choice([None, 1, 2, 3])}
    what = draw.randrange(100)
    if what < 30:
        chains.patch(name, fields)
    elif what < 45:
        chains.log()
    elif what < 75:
        chains.flush(draw.randint(1, 4), draw.randint(0, 5), number)
    elif what < 80:
        chains.subscribe(number, draw.choice([*STATES, LOG]), draw.choice([100, 200]))
    elif what < 85:
        chains.narrow(number, draw.randint(1, 4))
    elif what < 93:
        chains.drain(number, draw.randint(1, 9))
    else:
        rare = draw.randrange(5)
        (
            chains.connect,
            lambda: chains.close(number),
            lambda: chains.unsubscribe(number, draw.choice([*STATES, LOG])),
            lambda: chains.resync(number, name),
            lambda: chains.hole(name, draw.randint(1, 3)),
        )[rare]()


@pytest.mark.parametrize("block", range(8))
def test_every_chain_stays_whole_whatever_happens_between_two_writes(block: int) -> None:
    for seed in range(block * 40, block * 40 + 40):
        draw, chains = random.Random(seed), Chains()
        for _ in range(150):
            step(chains, draw)
            chains.every_subscription_is_in_step_or_behind()
        chains.teardown()


def test_broken_is_what_a_wrong_predecessor_raises() -> None:
    state = ChannelState("room:t1/r1")
    state.subscribed({"kind": "state", "recovered": True})
    try:
        state.apply({"type": "upd", "ch": "room:t1/r1", "s": 9, "p": 8, "ts": 1, "d": {}})
    except Broken:
        return
    raise AssertionError


def test_clients_with_the_same_channels_share_one_blob() -> None:
    outbox = Outbox()
    blobs: list[bytes] = []
    channel = StateChannel("room:t1/r1", 1_000)
    channel.load("e1", 0, {}, 0, "start")
    for _ in range(3):
        client = Client(blobs.append)
        outbox.subscribe(client, channel, 100, channel.position)
    list(outbox.flush(0, 2))
    channel.apply(OutEntry("room:t1/r1", "state", "e1", 1, b'{"a":1}', 1))
    list(outbox.flush(2, 4))
    assert len(blobs) == 3
    assert blobs[0] is blobs[1] is blobs[2]


def test_a_missed_grid_point_is_made_up_for() -> None:
    outbox = Outbox()
    blobs: list[bytes] = []
    channel = StateChannel("room:t1/r1", 1_000)
    channel.load("e1", 0, {}, 0, "start")
    client = Client(blobs.append)
    outbox.subscribe(client, channel, 200, channel.position)
    channel.apply(OutEntry("room:t1/r1", "state", "e1", 1, b'{"a":1}', 1))
    list(outbox.flush(1, 3))
    assert blobs == []
    list(outbox.flush(3, 5))
    assert len(blobs) == 1
