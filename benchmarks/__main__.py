"""`make bench`: measure, print the table, write docs/performance.md and its plots.

    python -m benchmarks [--only rate,live] [--rounds 3] [--quick]

A section that is not run keeps its figures of last time, with their date. `--quick` takes small
inputs and one round, prints, and leaves the page alone.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Annotated, Final

import msgspec
import typer

from benchmarks.checked import verify
from benchmarks.columnar import columnar
from benchmarks.found import Found
from benchmarks.growth import grows, processes
from benchmarks.inputs import QUICK
from benchmarks.inputs import folder as inputs_folder
from benchmarks.measure import ROOT, machine
from benchmarks.page import Kept, page, rows_of, table, to_kept
from benchmarks.peers import duckdb, flink, pathway
from benchmarks.profiled import profile
from benchmarks.restarted import restart
from benchmarks.screens import deliveries, latency
from benchmarks.sections import SECTIONS, folder, load

ALL: Final[dict[str, Callable[[int], Found]]] = {
    "rate": SECTIONS["rate"],
    "columnar": columnar,
    "processes": processes,
    "growth": grows,
    **SECTIONS,
    "flink": flink,
    "pathway": pathway,
    "duckdb": duckdb,
    "deliveries": deliveries,
    "latency": latency,
    "restart": restart,
    "verify": verify,
    "profile": profile,
}
"""In the order of the page."""


def main(
    only: Annotated[
        str, typer.Option(help=f"some of: {', '.join(ALL)}; `page` writes the page anew")
    ] = "",
    rounds: Annotated[int, typer.Option(help="how often each side is run")] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="small inputs, nothing written")] = False,
) -> None:
    """Measure side by side."""
    if quick and not QUICK:
        # Sizes are constants of the sections and of their children: a new process has them small.
        command = [sys.executable, "-m", "benchmarks", "--only", only, "--rounds", "1", "--quick"]
        os.execve(sys.executable, command, {**os.environ, "LIVEROOM_BENCH_QUICK": "1"})
    names = [name.strip() for name in only.split(",") if name.strip()] or list(ALL)
    names = [name for name in names if name != "page"]
    unknown = set(names) - set(ALL)
    if unknown:
        message = f"no section {', '.join(sorted(unknown))}"
        raise typer.BadParameter(message)
    out = inputs_folder() / "quick" if QUICK else folder()
    out.mkdir(parents=True, exist_ok=True)
    file = out / "figures.json"
    kept: dict[str, Kept] = {}
    if file.exists():
        kept = msgspec.json.decode(file.read_bytes(), type=dict[str, Kept])
    for name in names:
        typer.echo(f"{name} …")
        began_s = time.monotonic()
        when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        found = ALL[name](rounds)
        kept[name] = to_kept(found, when, machine(), load(), rounds)
        for plot, text in found.plots.items():
            (out / plot).write_text(text, encoding="utf-8")
        typer.echo(table({name: kept[name]}))
        typer.echo(f"{name} took {time.monotonic() - began_s:.0f} s")
        for text in found.words:
            typer.echo(text)
        file.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
        kept = {name: kept[name] for name in ALL if name in kept}
    if QUICK:
        return
    missing = [name for name in ALL if name not in kept]
    notes = out / "notes.md"
    more = notes.read_text(encoding="utf-8") if notes.exists() else ""
    (ROOT / "docs" / "performance.md").write_text(page(kept, missing, more), encoding="utf-8")
    missed = [row.what for section in kept.values() for row in rows_of(section) if row.met is False]
    typer.echo(f"docs/performance.md written; goals missed: {len(missed)}")


if __name__ == "__main__":
    typer.run(main)
