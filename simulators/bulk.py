"""Benchmark input: a mixed session of exactly N events, written fast, no scenario, no truth.

    python -m simulators.bulk --events 1000000 --rooms 50 --tenants 8 --viewers 100000 \
        --products 100 --seed 1 --out FILE

The middle is drawn by `simulators.bulk_blocks`; here are the opening, the ticks and the end.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer

from simulators.bulk_blocks import Body, BulkPlan
from simulators.columns import Ints
from simulators.names import host_name, product_title, room_title
from simulators.plan import ALLOWED_LATENESS_MS, MAX_OUT_OF_ORDERNESS_MS
from simulators.render import tick
from stream.errors import ConfigError

BLOCK: Final = 16_384


def lines(plan: BulkPlan) -> Iterator[bytes]:
    """The file in pieces; a tick before the first event of each second, a closing tick last."""
    end_ms = plan.start_ms + plan.minutes * 60_000
    yield tick(plan.start_ms).encode() + "".join(_opening(plan)).encode()
    body = Body(plan)
    left = plan.events - plan.opening - 2 * plan.rooms
    span_ms = (plan.minutes * 60_000 - 2_000) / max(1, left)
    done, last_tick_ms = 0, plan.start_ms
    while done < left:
        count = min(BLOCK, left - done)
        low = plan.start_ms + 1_000 + int(done * span_ms)
        high = plan.start_ms + 1_000 + int((done + count) * span_ms)
        times, texts = body.block(count, low, max(high, low + 1))
        yield _with_ticks(times, texts, last_tick_ms).encode()
        last_tick_ms = max(last_tick_ms, int(times[-1]) // 1_000 * 1_000)
        done += count
    for second_ms in range(last_tick_ms + 1_000, end_ms + 1, 1_000):
        yield tick(second_ms).encode()
    yield "".join(_status(plan, room, end_ms, "end") for room in range(plan.rooms)).encode()
    past = end_ms + MAX_OUT_OF_ORDERNESS_MS + ALLOWED_LATENESS_MS + 60_000
    yield tick(-(-past // 60_000) * 60_000).encode()


def _with_ticks(times: Ints, texts: list[str], last_tick_ms: int) -> str:
    second = times // 1_000 * 1_000
    first = np.flatnonzero(np.diff(second, prepend=last_tick_ms))
    for place in first.tolist():
        at_ms = int(second[place])
        if at_ms > last_tick_ms:
            gone = range(last_tick_ms + 1_000, at_ms + 1, 1_000)
            texts[place] = "".join(map(tick, gone)) + texts[place]
            last_tick_ms = at_ms
    return "".join(texts)


def _opening(plan: BulkPlan) -> Iterator[str]:
    at_ms = plan.start_ms + 100
    for tenant in range(plan.tenants):
        head = (
            f'"source":"/sim/shop/t{tenant + 1}","event_time_ms":{at_ms},"tenant":"t{tenant + 1}"'
        )
        for product in range(plan.products):
            yield (
                f'{{"event_id":"c{tenant}-{product}",{head},"type":"catalog","role":"product",'
                f'"target_id":"p{product + 1}","title":"{product_title(product)}"}}\n'
            )
            yield (
                f'{{"event_id":"k{tenant}-{product}",{head},"type":"stock_set",'
                f'"product_id":"p{product + 1}","qty":1000000}}\n'
            )
    for room in range(plan.rooms):
        tenant = room % plan.tenants
        head = (
            f'"source":"/sim/shop/t{tenant + 1}","event_time_ms":{at_ms},"tenant":"t{tenant + 1}"'
        )
        for role, target, title in (
            ("room", f"r{room + 1}", room_title(room)),
            ("host", f"h{room + 1}", host_name(room)),
        ):
            yield (
                f'{{"event_id":"c-{target}",{head},"type":"catalog","role":"{role}",'
                f'"target_id":"{target}","title":"{title}"}}\n'
            )
        yield _status(plan, room, at_ms, "start")


def _status(plan: BulkPlan, room: int, at_ms: int, status: str) -> str:
    tenant = room % plan.tenants
    return (
        f'{{"event_id":"{status}-{room + 1}","source":"/sim/room/r{room + 1}",'
        f'"type":"room_status","event_time_ms":{at_ms},"tenant":"t{tenant + 1}",'
        f'"room_id":"r{room + 1}","host_id":"h{room + 1}","status":"{status}"}}\n'
    )


def write(plan: BulkPlan, out: Path) -> int:
    """Write the file; returns its bytes."""
    size = 0
    with out.open("wb") as stream:
        for piece in lines(plan):
            size += stream.write(piece)
    return size


def main(
    events: Annotated[int, typer.Option(help="events without ticks")],
    out: Annotated[Path, typer.Option(help="NDJSON file to write")],
    rooms: int = 50,
    tenants: int = 8,
    viewers: int = 100_000,
    products: int = 100,
    seed: int = 1,
    minutes: int = 60,
) -> None:
    """Write a benchmark input of exactly EVENTS events."""
    try:
        plan = BulkPlan(events, rooms, tenants, viewers, products, seed, minutes)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    typer.echo(f"{events} events, {write(plan, out)} bytes: {out}")


if __name__ == "__main__":
    typer.run(main)
