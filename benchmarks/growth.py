"""The curves: events a second as rooms, viewers, products and processes grow."""

from typing import Final

from benchmarks.found import Found
from benchmarks.inputs import QUICK, recording, scaled
from benchmarks.measure import Row, column, in_turns, middle, ratios, thousands
from benchmarks.plot import growth
from simulators.bulk_blocks import BulkPlan

EVENTS: Final = scaled(100_000)
SIZES: Final[dict[str, tuple[int, ...]]] = {
    "rooms": (50, 500) if QUICK else (50, 500, 5_000),
    "viewers": (10_000, 100_000) if QUICK else (10_000, 100_000, 1_000_000),
    "products": (100, 1_000) if QUICK else (100, 1_000, 10_000),
}
GOAL: Final = 0.75


def plan_of(name: str, size: int) -> BulkPlan:
    """The same events over the same two minutes, more of one thing."""
    # A shop's products are told by its opening: several shops would fill the input.
    tenants = 1 if name == "products" else 8
    base = {"rooms": 50, "viewers": 2_000, "products": 100, "tenants": tenants, "minutes": 2}
    return BulkPlan(EVENTS, **{**base, name: size})


def grows(rounds: int) -> Found:
    """Rooms, viewers, products: the same events a second, more of each."""
    found = Found()
    for name, sizes in SIZES.items():
        tasks = {str(n): ("fold", "whole", recording(plan_of(name, n))) for n in sizes}
        cpu = {size: column(entries, "cpu_s") for size, entries in in_turns(tasks, rounds).items()}
        least, most = str(sizes[0]), str(sizes[-1])
        speed = {size: EVENTS / middle(values) for size, values in cpu.items()}
        found.rows.append(
            Row(
                f"events/s at {sizes[-1]:,} {name} against {sizes[0]:,}",
                thousands(speed[most]),
                thousands(speed[least]),
                ratios(cpu[least], cpu[most]),
                GOAL,
            )
        )
        line = [(float(size), speed[str(size)] / 1e3) for size in sizes]
        title = f"Whole catalogue, events/s by {name}"
        found.plots[f"growth-{name}.svg"] = growth(title, name, "k/s", {"liveroom": line})
    found.words.append(
        f"Growth: {EVENTS:,} events over 2 minutes in every case, CPU time. With 5,000 rooms each "
        "of them has 20 events in all, so what a room costs once (its cells, its rows each minute) "
        "is not spread over many events; 10,000 products open with 20,000 catalogue and stock "
        "events, a fifth of the input, which are handled one by one in Python."
    )
    return found


def processes(rounds: int) -> Found:
    """Two processes against one."""
    events = scaled(200_000)
    plan = BulkPlan(events, rooms=80, tenants=40, viewers=2_000, products=100, minutes=3)
    path = recording(plan)
    counts = ("1", "2", "4")
    found = in_turns({n: ("fold_two", n, path) for n in counts}, rounds)
    busiest = {name: column(entries, "cpu_s") for name, entries in found.items()}
    wall = {name: column(entries, "wall_s") for name, entries in found.items()}
    by_wall = ratios(wall["1"], wall["2"])
    speed = {name: events / middle(values) for name, values in busiest.items()}
    row = Row(
        "2 processes against 1, 40 tenants in 8 shards",
        thousands(speed["2"]),
        thousands(speed["1"]) + " (1 process)",
        ratios(busiest["1"], busiest["2"]),
        1.8,
        note="CPU of the busiest process",
    )
    words = [
        "Processes: the ratio is CPU of the one process over CPU of the busiest of several. By "
        f"wall clock in this run, with the load named above: {by_wall[0]:.2f} × "
        f"({by_wall[1]:.2f}–{by_wall[2]:.2f}) for two. Nothing crosses processes; the split by "
        "tenant decides the balance. Four are more than this machine has cores."
    ]
    line = [(float(count), speed[count] / 1e3) for count in counts]
    title = "Whole catalogue, events/s of all processes by CPU of the busiest"
    plots = {"growth-processes.svg": growth(title, "processes", "k/s", {"liveroom": line})}
    return Found([row], words, plots)
