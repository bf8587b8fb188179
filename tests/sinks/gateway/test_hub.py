"""Loading, buffering and reloading of channels, with a store that answers when told to."""

import asyncio
from dataclasses import dataclass, field

import pytest

from sinks.gateway.channels import LogItem, OutEntry
from sinks.gateway.hub import Hub, Loaded
from sinks.gateway.limits import Limits
from stream.errors import SinkError
from tests.sinks.gateway.support import eventually

ROOM = "room:t1/r1"


@dataclass
class Store:
    """Redis as the hub sees it; `gate` holds loads back."""

    answer: Loaded = field(default_factory=lambda: Loaded("e1", 3, 9, {"a": b"1"}))
    shard: int | None = 0
    down: bool = False
    loads: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def find_shard(self, channel: str) -> int | None:
        return self.shard

    async def load(self, shard: int, channel: str, kind: str) -> Loaded:
        self.loads += 1
        answer = self.answer
        await self.gate.wait()
        if self.down:
            raise SinkError("redis", "down", 1_000)
        return answer


def out(seq: int, epoch: str = "e1", data: bytes = b'{"b":2}', kind: str = "state") -> OutEntry:
    return OutEntry(ROOM, kind, epoch, seq, data, seq)


async def opened(store: Store, limits: Limits | None = None) -> Hub:
    store.gate.set()
    hub = Hub(store, limits or Limits())
    await hub.acquire(ROOM)
    return hub


def test_entries_that_arrive_during_a_load_follow_it() -> None:
    async def scenario() -> None:
        store = Store()
        hub = Hub(store, Limits())
        loading = asyncio.get_running_loop().create_task(hub.acquire(ROOM))
        await eventually(lambda: store.loads)
        for seq in (2, 3, 4, 5):
            hub.on_entry(0, out(seq))
        store.gate.set()
        channel = await loading
        assert channel.seq == 5
        assert store.loads == 1
        await hub.close()

    asyncio.run(scenario())


def test_two_that_ask_at_once_share_one_load() -> None:
    async def scenario() -> None:
        store = Store()
        hub = Hub(store, Limits())
        tasks = [asyncio.get_running_loop().create_task(hub.acquire(ROOM)) for _ in range(2)]
        await eventually(lambda: store.loads)
        store.gate.set()
        first, second = await asyncio.gather(*tasks)
        assert first is second
        assert store.loads == 1
        await hub.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("entry", [out(7), out(4, "e2")])
def test_a_hole_or_another_epoch_loads_again(entry: OutEntry) -> None:
    async def scenario() -> None:
        store = Store()
        hub = await opened(store)
        before = hub.cached[ROOM].channel.position
        store.answer = Loaded(entry.epoch, entry.seq, 9, {"z": b"1"})
        hub.on_entry(0, entry)
        await eventually(lambda: hub.cached[ROOM].loading is None)
        channel = hub.cached[ROOM].channel
        assert (channel.epoch, channel.seq) == (entry.epoch, entry.seq)
        assert channel.position.generation > before.generation
        assert hub.reloads == 1
        await hub.close()

    asyncio.run(scenario())


def test_a_load_older_than_what_waited_is_repeated() -> None:
    async def scenario() -> None:
        store = Store()
        hub = await opened(store)
        store.gate.clear()
        hub.reload(ROOM, "trim")
        await eventually(lambda: store.loads == 2)
        hub.on_entry(0, out(9))
        store.gate.set()
        store.answer = Loaded("e1", 4, 9, {"a": b"1"})
        await eventually(lambda: store.loads >= 3)
        store.answer = Loaded("e1", 9, 9, {"a": b"9"})
        await eventually(lambda: hub.cached[ROOM].channel.seq == 9)
        await hub.close()

    asyncio.run(scenario())


def test_an_emptied_redis_keeps_what_is_shown_until_the_engine_has_written() -> None:
    async def scenario() -> None:
        store = Store()
        hub = await opened(store)
        store.answer = Loaded("", 0)
        hub.on_epoch(0)
        await eventually(lambda: hub.cached[ROOM].loading is None)
        assert hub.cached[ROOM].channel.seq == 3
        store.answer = Loaded("e2", 1, 9, {"a": b"5"})
        hub.on_epoch(0)
        await eventually(lambda: hub.cached[ROOM].channel.epoch == "e2")
        await hub.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(("grace_s", "shown"), [(8.0, ("e1", 3)), (0.0, ("e2", 0))])
def test_a_channel_emptied_under_us_is_shown_as_it_was_for_a_grace(
    grace_s: float, shown: tuple[str, int]
) -> None:
    async def scenario() -> None:
        store = Store()
        hub = await opened(store, Limits(empty_grace_s=grace_s))
        channel = hub.cached[ROOM].channel
        store.answer = Loaded("e2", 0)
        hub.on_epoch(0)
        await eventually(lambda: hub.cached[ROOM].loading is None)
        assert (channel.epoch, channel.seq) == shown
        await hub.close()

    asyncio.run(scenario())


def test_an_epoch_that_begins_during_a_load_is_loaded_after_it() -> None:
    async def scenario() -> None:
        store = Store()
        hub = await opened(store, Limits(empty_grace_s=0.0))
        store.gate.clear()
        hub.reload(ROOM, "trim")
        await eventually(lambda: store.loads == 2)
        store.answer = Loaded("e2", 1, 9, {"a": b"7"})
        hub.on_epoch(0, out(0, "e2", kind="epoch"))
        store.gate.set()
        await eventually(lambda: hub.cached[ROOM].channel.epoch == "e2")
        await hub.close()

    asyncio.run(scenario())


def test_a_redis_out_of_reach_refuses_the_first_and_is_waited_for_later() -> None:
    async def scenario() -> None:
        store = Store(down=True)
        store.gate.set()
        hub = Hub(store, Limits())
        with pytest.raises(SinkError):
            await hub.acquire(ROOM)
        store.down = False
        assert (await hub.acquire(ROOM)).seq == 3
        store.down = True
        hub.reload(ROOM, "trim")
        await eventually(lambda: store.loads >= 4)
        store.answer, store.down = Loaded("e1", 8, 9, {"a": b"8"}), False
        await eventually(lambda: hub.cached[ROOM].channel.seq == 8)
        await hub.close()

    asyncio.run(scenario())


def test_an_unknown_channel_is_found_once_its_shard_speaks() -> None:
    async def scenario() -> None:
        store = Store(shard=None)
        hub = await opened(store)
        channel = hub.cached[ROOM].channel
        assert (channel.epoch, channel.seq) == ("", 0)
        hub.on_entry(5, out(1))
        await eventually(lambda: channel.seq == 3)
        assert hub.cached[ROOM].shard == 5
        assert channel.reason == "start"
        await hub.close()

    asyncio.run(scenario())


def test_channels_nobody_uses_are_forgotten_after_a_while() -> None:
    async def scenario() -> None:
        hub = await opened(Store())
        hub.forget_idle(1_000.0)
        assert ROOM in hub.cached
        hub.release(ROOM, 1_000.0)
        hub.forget_idle(1_059.0)
        assert ROOM in hub.cached
        hub.forget_idle(1_061.0)
        assert hub.cached == {}
        await hub.close()

    asyncio.run(scenario())


def test_a_log_is_loaded_with_its_tail() -> None:
    async def scenario() -> None:
        store = Store(answer=Loaded("e1", 2, 9, items=[LogItem(1, b"1", 1), LogItem(2, b"2", 2)]))
        store.gate.set()
        hub = Hub(store, Limits())
        channel = await hub.acquire("alerts:t1/t1")
        assert channel.kind == "log"
        assert channel.seq == 2
        await hub.close()

    asyncio.run(scenario())
