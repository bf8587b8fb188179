"""`make bench`: measure, print the table, write docs/performance.md and its plots.

    python -m benchmarks [--only rate,live] [--rounds 3]

A section that is not run keeps its figures of last time, with their date.
"""

import time
from typing import Annotated, Final

import msgspec
import typer

from benchmarks.measure import ROOT, machine
from benchmarks.page import Kept, page, rows_of, table, to_kept
from benchmarks.peers import flink, profile
from benchmarks.sections import SECTIONS, folder, load

ALL: Final = {**SECTIONS, "flink": flink, "profile": profile}


def main(
    only: Annotated[str, typer.Option(help=f"some of: {', '.join(ALL)}")] = "",
    rounds: Annotated[int, typer.Option(help="how often each side is run")] = 3,
) -> None:
    """Measure side by side."""
    names = [name.strip() for name in only.split(",") if name.strip()] or list(ALL)
    unknown = set(names) - set(ALL)
    if unknown:
        message = f"no section {', '.join(sorted(unknown))}"
        raise typer.BadParameter(message)
    out = folder()
    out.mkdir(parents=True, exist_ok=True)
    file = out / "figures.json"
    kept: dict[str, Kept] = {}
    if file.exists():
        kept = msgspec.json.decode(file.read_bytes(), type=dict[str, Kept])
    for name in names:
        typer.echo(f"{name} …")
        when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        found = ALL[name](rounds)
        kept[name] = to_kept(found, when, machine(), load(), rounds)
        for plot, text in found.plots.items():
            (out / plot).write_text(text, encoding="utf-8")
        typer.echo(table({name: kept[name]}))
        for text in found.words:
            typer.echo(text)
        file.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
        kept = {name: kept[name] for name in ALL if name in kept}
    missing = [name for name in ALL if name not in kept]
    notes = out / "notes.md"
    more = notes.read_text(encoding="utf-8") if notes.exists() else ""
    (ROOT / "docs" / "performance.md").write_text(page(kept, missing, more), encoding="utf-8")
    missed = [row.what for section in kept.values() for row in rows_of(section) if row.met is False]
    typer.echo(f"docs/performance.md written; goals missed: {len(missed)}")


if __name__ == "__main__":
    typer.run(main)
