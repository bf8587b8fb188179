"""Correctness of what was measured: `liveroom verify` on the inputs of the other sections."""

from pathlib import Path
from typing import Final

from benchmarks.found import Found
from benchmarks.growth import SIZES, plan_of
from benchmarks.inputs import QUICK, columnar, recording, scaled
from benchmarks.measure import Figures, Row, run_child
from benchmarks.sections import RATE
from simulators.bulk_blocks import BulkPlan
from stream.oracle.verify import check_file
from stream.settings import Settings

SMALL: Final = BulkPlan(
    scaled(60_000), rooms=50, tenants=8, viewers=2_000, products=100, minutes=4, seed=2
)


def verified(path: str) -> Figures:
    """Every figure of a replay against its recomputation in SQL."""
    report = check_file(Path(path), "auto", Settings())
    return {"compared": report.total, "mismatches": report.mismatch_count}


def inputs() -> dict[str, Path]:
    """What the sections fold, by what it stands for; only the first two in a quick run."""
    small = {
        "a small bulk recording": recording(SMALL),
        "the same as Parquet": columnar(SMALL),
    }
    if QUICK:
        return small
    return {
        **small,
        "section rate": recording(RATE),
        **{
            f"section growth, {sizes[-1]:,} {name}": recording(plan_of(name, sizes[-1]))
            for name, sizes in SIZES.items()
        },
    }


def verify(rounds: int) -> Found:
    """No speed may cost correctness: 0 mismatches."""
    rows = []
    for name, path in inputs().items():
        found = run_child("verified", path, timeout_s=1_800)
        wrong = found["mismatches"] if found["compared"] else 1.0
        rows.append(
            Row(
                f"`liveroom verify`, {name}",
                f"{found['mismatches']:,.0f} mismatches of {found['compared']:,.0f} values",
                "",
                None,
                0.0,
                wrong,
                at_most=True,
                unit="mismatches",
            )
        )
    return Found(rows, [], once=True)
