"""Who gets which frame when: cohorts in step, stragglers with a cursor, one write per tick.

Clients with the same subscriptions form a *bundle* that shares one blob a tick. A client that
is paused, or has just subscribed, is a *straggler*: it has a cursor per channel, not a queue,
and is caught up by one merged frame. Pure: `write` of a client is the only way out, and time
comes in as the number of the tick. Every subscription is, between two ticks, either in its
client's bundle or among its cohort's stragglers.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sinks.gateway.channels import CachedChannel, Position
from sinks.gateway.protocol import GRID_MS


class Cohort:
    """All subscriptions to one channel at one rate; those in step share the cursor `sent`."""

    __slots__ = ("before", "bundles", "channel", "rate_ms", "sent", "stragglers", "subs")

    def __init__(self, channel: CachedChannel, rate_ms: int) -> None:
        self.channel = channel
        self.rate_ms = rate_ms
        self.sent = channel.position
        self.before = self.sent
        self.stragglers: dict[Client, Position | None] = {}
        self.bundles: set[Bundle] = set()
        self.subs = 0


class Bundle:
    """Clients in step on the same set of cohorts: one blob serves them all.

    At most a chunk of them, so that it is written without a pause: between its cohorts' step and
    its own write it is `pending` as a whole.
    """

    __slots__ = ("cohorts", "members", "pending")

    def __init__(self, cohorts: frozenset[Cohort]) -> None:
        self.cohorts = cohorts
        self.members: dict[Client, Callable[[bytes], object]] = {}
        self.pending = False


class Client:
    """One connection as the outbox sees it."""

    __slots__ = (
        "bundle",
        "closed",
        "paused",
        "queue",
        "queue_bytes",
        "subs",
        "write",
    )

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self.write = write
        self.subs: dict[str, Cohort] = {}
        self.bundle: Bundle | None = None
        self.paused = False
        self.closed = False
        self.queue: deque[bytes] = deque()
        self.queue_bytes = 0

    @property
    def ready(self) -> bool:
        """Whether frames can be written now."""
        return not self.paused and not self.closed and not self.queue


@dataclass(slots=True)
class Counts:
    """What the outbox did, as running totals."""

    deliveries: int = 0
    bytes: int = 0
    merged: int = 0
    gaps: int = 0
    snapshots: int = 0


class Outbox:
    """All clients and cohorts of one process."""

    def __init__(self, chunk: int = 1_000, join_bytes: int = 32_768) -> None:
        self.cohorts: dict[tuple[str, int], Cohort] = {}
        self.counts = Counts()
        self._roomy: dict[frozenset[Cohort], dict[Bundle, None]] = {}
        self._chunk = chunk
        self._join_bytes = join_bytes

    # Subscriptions

    def subscribe(
        self, client: Client, channel: CachedChannel, rate_ms: int, since: Position | None
    ) -> None:
        """Add a subscription; `since` None sends a snapshot first.

        The cursor starts where the client stands; the next tick of its rate brings it in step.
        """
        key = (channel.name, rate_ms)
        cohort = self.cohorts.get(key)
        if cohort is None or cohort.channel is not channel:
            cohort = self.cohorts[key] = Cohort(channel, rate_ms)
        cohort.subs += 1
        client.subs[channel.name] = cohort
        cohort.stragglers[client] = since
        if since is None and client.ready:
            self._snapshot(client, cohort)

    def _snapshot(self, client: Client, cohort: Cohort) -> None:
        self.counts.snapshots += 1
        cohort.stragglers[client] = cohort.channel.position
        self.send(client, cohort.channel.snapshot())

    def unsubscribe(self, client: Client, channel: str) -> bool:
        """Remove a subscription; False if there was none."""
        cohort = client.subs.get(channel)
        if cohort is None:
            return False
        self._leave(client)
        del client.subs[channel]
        cohort.stragglers.pop(client, None)
        cohort.subs -= 1
        if cohort.subs == 0 and self.cohorts.get((channel, cohort.rate_ms)) is cohort:
            del self.cohorts[(channel, cohort.rate_ms)]
        return True

    def resync(self, client: Client, channel: str) -> bool:
        """Send a fresh snapshot of a subscribed channel; False if there is no subscription."""
        cohort = client.subs.get(channel)
        if cohort is None:
            return False
        self._leave(client)
        cohort.stragglers[client] = None
        if client.ready:
            self._snapshot(client, cohort)
        return True

    def close(self, client: Client) -> None:
        """Forget a client; nothing is written to it from now on."""
        client.closed = True
        for channel in list(client.subs):
            self.unsubscribe(client, channel)
        client.queue.clear()
        client.queue_bytes = 0

    # Flow control

    def pause(self, client: Client) -> None:
        """The client's buffer is full: only cursors from now on."""
        client.paused = True
        self._leave(client)

    def resume(self, client: Client) -> None:
        """The client's buffer has drained: send what was held back, in order."""
        client.paused = False
        while client.queue and not client.paused and not client.closed:
            data = client.queue.popleft()
            client.queue_bytes -= len(data)
            client.write(data)

    def send(self, client: Client, frames: list[bytes]) -> None:
        """Write frames in order, or hold back those that do not fit now."""
        for data in frames:
            if client.ready:
                client.write(data)
            elif not client.closed:
                client.queue.append(data)
                client.queue_bytes += len(data)

    # Bundles

    def _join(self, client: Client) -> None:
        """Put a client into the bundle of all its cohorts in step, if it can take frames."""
        self._leave_bundle(client)
        if not client.ready:
            for cohort in client.subs.values():
                cohort.stragglers.setdefault(client, cohort.sent)
            return
        steady = frozenset(c for c in client.subs.values() if client not in c.stragglers)
        if not steady:
            return
        roomy = self._roomy.setdefault(steady, {})
        if not roomy:
            made = Bundle(steady)
            roomy[made] = None
            for cohort in steady:
                cohort.bundles.add(made)
        bundle = next(iter(roomy))
        bundle.members[client] = client.write
        client.bundle = bundle
        if len(bundle.members) >= self._chunk:
            del roomy[bundle]

    def _leave(self, client: Client) -> None:
        """Turn a client into a straggler on every channel it was in step on."""
        if client.bundle is None:
            return
        for cohort in client.bundle.cohorts:
            cohort.stragglers[client] = cohort.before if client.bundle.pending else cohort.sent
        self._leave_bundle(client)

    def _leave_bundle(self, client: Client) -> None:
        bundle = client.bundle
        if bundle is None:
            return
        client.bundle = None
        del bundle.members[client]
        roomy = self._roomy.setdefault(bundle.cohorts, {})
        if bundle.members:
            roomy[bundle] = None
            return
        roomy.pop(bundle, None)
        if not roomy:
            del self._roomy[bundle.cohorts]
        for cohort in bundle.cohorts:
            cohort.bundles.discard(bundle)

    # The tick

    def flush(self, previous: int, tick: int) -> Iterator[Cohort | None]:
        """Write everything that fell due on the grid points in `(previous, tick]`.

        Yields every cohort that moved, for metrics, and None after each chunk of writes, where
        the caller may let other tasks run. Must be run to its end before the next one starts.
        """
        touched: dict[Bundle, list[bytes]] = {}
        behind: list[Cohort] = []
        for cohort in self.cohorts.values():
            cohort.before = cohort.sent
            every = cohort.rate_ms // GRID_MS
            if tick // every == previous // every:
                continue
            now = cohort.channel.position
            if now is not cohort.sent:
                self._advance(cohort, now, touched)
                yield cohort
            if cohort.stragglers:
                behind.append(cohort)
        yield from self._write_bundles(touched)
        yield from self._catch_up(behind)

    def _advance(self, cohort: Cohort, now: Position, touched: dict[Bundle, list[bytes]]) -> None:
        frames = cohort.channel.frames_from(cohort.sent)
        if not cohort.channel.reaches(cohort.sent):
            self.counts.gaps += sum(len(bundle.members) for bundle in cohort.bundles)
        cohort.sent = now
        for bundle in cohort.bundles:
            bundle.pending = True
            touched.setdefault(bundle, []).extend(frames)

    def _write_bundles(self, touched: dict[Bundle, list[bytes]]) -> Iterator[None]:
        """Write what every bundle got; None after each chunk of writes."""
        written = 0
        for bundle, frames in touched.items():
            bundle.pending = False
            size = sum(map(len, frames))
            count = len(bundle.members)
            self.counts.deliveries += count
            self.counts.bytes += size * count
            if size > self._join_bytes:
                for client in list(bundle.members):
                    self.send(client, frames)
            else:
                blob = frames[0] if len(frames) == 1 else b"".join(frames)
                for write in list(bundle.members.values()):
                    write(blob)
            written += count
            if written >= self._chunk:
                written = 0
                yield None

    def _catch_up(self, behind: list[Cohort]) -> Iterator[None]:
        """Give every straggler that can take it one merge and put it in step."""
        caught_up: dict[Client, None] = {}
        for cohort in behind:
            for number, client in enumerate(list(cohort.stragglers)):
                if number % self._chunk == self._chunk - 1:
                    yield None
                if client.ready and client in cohort.stragglers and self._merge(client, cohort):
                    caught_up[client] = None
        for client in caught_up:
            if not client.closed:
                self._join(client)

    def _merge(self, client: Client, cohort: Cohort) -> bool:
        """Bring one straggler to now; True if it is in step with its cohort."""
        since, now = cohort.stragglers[client], cohort.channel.position
        cohort.stragglers[client] = now
        if since is None:
            self._snapshot(client, cohort)
        elif since != now:
            self.counts.merged += 1
            self.counts.deliveries += 1
            self.counts.gaps += not cohort.channel.reaches(since)
            self.send(client, cohort.channel.frames_from(since))
        if now != cohort.sent:
            return False
        del cohort.stragglers[client]
        return True
