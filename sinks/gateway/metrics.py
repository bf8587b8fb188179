"""Counters of one gateway process and their Prometheus text."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

AGE_BUCKETS_MS: Final = (25, 50, 100, 150, 200, 300, 500, 1_000, 2_000, 5_000, 30_000)


@dataclass(slots=True)
class AgeHistogram:
    """Ages of deliveries in milliseconds, cumulative buckets as Prometheus wants them."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(AGE_BUCKETS_MS) + 1))
    total_ms: int = 0

    def observe(self, age_ms: int, count: int) -> None:
        """Count `count` deliveries of this age; a negative age (clock skew) is 0."""
        age_ms = max(0, age_ms)
        self.counts[bisect_left(AGE_BUCKETS_MS, age_ms)] += count
        self.total_ms += age_ms * count

    def quantile_ms(self, q: float) -> int | None:
        """Upper bucket bound that covers the share `q`; None without observations."""
        total = sum(self.counts)
        seen = 0
        for bound, count in zip((*AGE_BUCKETS_MS, AGE_BUCKETS_MS[-1]), self.counts, strict=True):
            seen += count
            if total and seen >= q * total:
                return bound
        return None


@dataclass(slots=True)
class Metrics:
    """What a gateway process counts. Names and help: `_SPECS`."""

    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    commands: int = 0
    rpc: int = 0
    late_ticks: int = 0
    age: AgeHistogram = field(default_factory=AgeHistogram)


@dataclass(frozen=True, slots=True)
class Sample:
    """One metric of one moment; `values` maps a label text (may be empty) to the value."""

    name: str
    kind: str
    help: str
    values: dict[str, float]


def render(samples: list[Sample], age: AgeHistogram, process: int) -> str:
    """Prometheus text format 0.0.4; every line carries the label `process`."""
    lines: list[str] = []
    for sample in samples:
        full = f"liveroom_gateway_{sample.name}"
        lines += [f"# HELP {full} {sample.help}", f"# TYPE {full} {sample.kind}"]
        for label, value in sample.values.items():
            extra = f",{label}" if label else ""
            lines.append(f'{full}{{process="{process}"{extra}}} {value:g}')
    full = "liveroom_gateway_delivery_age_ms"
    lines += [f"# HELP {full} From append of the event to the write.", f"# TYPE {full} histogram"]
    seen = 0
    for bound, count in zip((*map(str, AGE_BUCKETS_MS), "+Inf"), age.counts, strict=True):
        seen += count
        lines.append(f'{full}_bucket{{process="{process}",le="{bound}"}} {seen}')
    lines.append(f'{full}_sum{{process="{process}"}} {age.total_ms}')
    lines.append(f'{full}_count{{process="{process}"}} {seen}')
    return "\n".join(lines) + "\n"


def by_label(label: str, counts: Counter[str]) -> dict[str, float]:
    """A counter's values under one label."""
    return {f'{label}="{key}"': float(value) for key, value in sorted(counts.items())}


def merge(texts: list[str]) -> str:
    """Join several processes' texts: each family once, as the format demands."""
    families: dict[str, list[str]] = {}
    for text in texts:
        name = ""
        for line in text.splitlines():
            if line.startswith("# HELP "):
                name = line.split(" ", 3)[2]
            lines = families.setdefault(name, [])
            if not line.startswith("#") or line not in lines:
                lines.append(line)
    return "\n".join(line for lines in families.values() for line in lines) + "\n"
