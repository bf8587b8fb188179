"""What to simulate: one frozen value that decides every byte."""

from dataclasses import dataclass, field
from typing import Final

from simulators.scenarios import SCENARIOS, Scenario
from stream.errors import ConfigError
from stream.events import MAX_EVENT_TIME_MS, MIN_EVENT_TIME_MS

START_MS: Final = 1_793_534_400_000
"""Default start: 2026-11-01T12:00:00Z, a full minute."""

MAX_OUT_OF_ORDERNESS_MS: Final = 2_000
ALLOWED_LATENESS_MS: Final = 60_000

_EVENTS_PER_ENTER: Final = 3.9
"""Measured on `calm`: events of a room that scale with its enters, per enter."""

_FIXED_PER_S: Final = 0.36
"""Measured: events of a room per second that do not scale (gauges, explanations)."""


@dataclass(frozen=True, slots=True)
class Disorder:
    """What the way from the room to the log does to the events. All ratios in [0, 1].

    `max_delay_ms`: arrival lag of ordinary events, within max_out_of_orderness.
    `late_ratio`: events 5 to 45 s late (accepted, windows revised).
    `too_late_ratio`: viewer events 75 to 150 s late (dead letters).
    `duplicate_ratio`: events sent again within 40 s.
    `skew_ratio`: viewer events stamped 2 to 10 minutes ahead (dead letters).
    `drop_ratio`: viewer events lost on the way (not in the truth either).
    `malformed_ratio`: garbage lines per good line.
    """

    max_delay_ms: int = 0
    late_ratio: float = 0.0
    too_late_ratio: float = 0.0
    duplicate_ratio: float = 0.0
    skew_ratio: float = 0.0
    drop_ratio: float = 0.0
    malformed_ratio: float = 0.0


NO_DISORDER: Final = Disorder()
HARD_DISORDER: Final = Disorder(1_900, 0.01, 0.002, 0.03, 0.001, 0.002, 0.002)
"""Everything at once, for tests and `--disorder`."""


@dataclass(frozen=True, slots=True)
class SimulationPlan:
    """One simulated recording. The same plan gives the same bytes on every machine.

    `tenants` None: a tenth of the rooms, at least 1. `rate`: events/s of all rooms together;
    None: each room as its scenario says. `run` prefixes event, order and refund ids; None:
    from the seed. `restart_rooms`, `endless_rooms`: how many rooms (from the last) stop and
    start again in the middle, or never send their end; `late_rooms`: how many (from the
    second) start at a third of the time. `null_room_ratio`: share of refunds without room_id.

    Raises:
        ConfigError: a value is out of range; names the option.
    """

    scenario: str = "calm"
    rooms: int = 1
    tenants: int | None = None
    minutes: int = 10
    rate: float | None = None
    seed: int = 1
    disorder: Disorder = field(default_factory=Disorder)
    start_ms: int = START_MS
    products: int = 12
    run: str | None = None
    late_rooms: int = 0
    endless_rooms: int = 0
    restart_rooms: int = 0
    null_room_ratio: float = 0.5

    def __post_init__(self) -> None:
        _check("scenario", self.scenario, self.scenario in SCENARIOS, f"one of {list(SCENARIOS)}")
        _check("rooms", self.rooms, 1 <= self.rooms <= 100_000, "1 to 100,000")
        tenants = self.tenant_count
        _check("tenants", self.tenants, 1 <= tenants <= self.rooms, "1 to the number of rooms")
        _check("minutes", self.minutes, 1 <= self.minutes <= 24 * 60, "1 to 1,440")
        _check("rate", self.rate, self.rate is None or self.rate > 0, "more than 0")
        _check("seed", self.seed, 0 <= self.seed < 2**63, "0 to 2^63 - 1")
        _check("products", self.products, 2 <= self.products <= 100_000, "2 to 100,000")
        in_range = MIN_EVENT_TIME_MS <= self.start_ms < MAX_EVENT_TIME_MS - 2 * 86_400_000
        _check("start_ms", self.start_ms, in_range, "a time from 2000 to 2099")
        delay = self.disorder.max_delay_ms
        allowed = 0 <= delay <= MAX_OUT_OF_ORDERNESS_MS
        _check("max_delay_ms", delay, allowed, f"0 to {MAX_OUT_OF_ORDERNESS_MS}")
        for name in Disorder.__dataclass_fields__:
            ratio = getattr(self.disorder, name)
            _check(name, ratio, name == "max_delay_ms" or 0 <= ratio <= 1, "0 to 1")

    @property
    def tenant_count(self) -> int:
        """Number of tenants, resolved."""
        return max(1, self.rooms // 10) if self.tenants is None else self.tenants

    @property
    def shape(self) -> Scenario:
        """The scenario's entry."""
        return SCENARIOS[self.scenario]

    @property
    def end_ms(self) -> int:
        """End of the simulated time, exclusive."""
        return self.start_ms + self.minutes * 60_000

    @property
    def run_id(self) -> str:
        """Prefix of all ids."""
        return f"s{self.seed:x}" if self.run is None else self.run

    @property
    def enter_per_s(self) -> float:
        """Mean enters per second of one room, without incidents."""
        if self.rate is None:
            return self.shape.enter_per_s
        return max(0.02, self.rate / self.rooms - _FIXED_PER_S) / _EVENTS_PER_ENTER

    def tenant_of(self, room: int) -> int:
        """Tenant number of a room: rooms are dealt in equal runs."""
        return room * self.tenant_count // self.rooms

    def is_first(self, room: int) -> bool:
        """Whether it is the first room of its tenant."""
        return room == 0 or self.tenant_of(room - 1) != self.tenant_of(room)


def _check(name: str, value: object, good: bool, expected: str) -> None:
    if not good:
        raise ConfigError(name, value, expected)
