"""What the room and the shop say besides viewers and orders: names, gauges, shifts, stock."""

from typing import Final

import numpy as np

from simulators import names
from simulators.audience import Visits
from simulators.columns import NONE, Col, Fragments, Ints, block, is_type, join, single
from simulators.commerce import PROMO_PRICE
from simulators.plan import SimulationPlan
from simulators.timeline import Timeline
from simulators.walk import Pool

GAUGE_EVERY_MS: Final = 10_000
COST_EVERY_MS: Final = 60_000
REPORT_EVERY_MS: Final = 60_000
_AD_COST_PER_ENTER_MINOR: Final = 45
_GMV_PER_ENTER_MINOR: Final = 500
"""Measured on `calm`; an easy target is out of reach only when something goes wrong."""

_EASY_TARGET: Final = 0.6


def room_events(
    plan: SimulationPlan, line: Timeline, seen: Visits, viewers: Ints, texts: Fragments
) -> Ints:
    """room_status, product_listed, explanations, shifts, promotion, violation, gauges."""
    host = line.shifts[0].key if line.shifts else NONE
    start = {
        Col.HOST: host,
        Col.REST: texts.add(f',"status":"start","title":"{names.room_title(line.room)}"'),
    }
    blocks = [single("room_status", line.start_ms, start)]
    if line.ended:
        end: dict[Col, Ints | int] = {Col.REST: texts.add(',"status":"end"')}
        blocks.append(single("room_status", line.end_ms, end))
    listed = np.arange(plan.products)
    at_ms = np.full(plan.products, line.start_ms + 100, dtype=np.int64)
    blocks.append(block("product_listed", at_ms, {Col.PRODUCT: listed}))
    for kind, column, spans in (
        ("explain", Col.PRODUCT, line.explained),
        ("shift", Col.HOST, line.shifts),
    ):
        for span in spans:
            columns: dict[Col, Ints | int] = {column: span.key}
            blocks.append(single(f"{kind}_start", span.start_ms, columns))
            blocks.append(single(f"{kind}_end", span.end_ms, columns))
    blocks.append(_gauges(line, seen, viewers, texts))
    blocks.append(_incident_events(line, texts))
    return join(blocks)


def _incident_events(line: Timeline, texts: Fragments) -> Ints:
    incident = line.incident
    if incident is None:
        return join([])
    if line.effect.promo:
        title = texts.add(f',"title":"{names.product_title(line.subject)} 限时秒杀"')
        columns: dict[Col, Ints | int] = {
            Col.CAMPAIGN: line.room,
            Col.PRODUCT: line.subject,
            Col.REST: title,
        }
        end: dict[Col, Ints | int] = {Col.CAMPAIGN: line.room}
        return join(
            [
                single("promo_start", incident.start_ms, columns),
                single("promo_end", min(incident.end_ms, line.end_ms - 1), end),
            ]
        )
    if incident.kind == "violation":
        text = names.VIOLATIONS[line.room % len(names.VIOLATIONS)]
        rest = texts.add(f',"status":"warning","text":"{text}"')
        return single("violation", incident.start_ms, {Col.REST: rest})
    return join([])


def _gauges(line: Timeline, seen: Visits, viewers: Ints, texts: Fragments) -> Ints:
    """Online, cumulative viewers and likes as the platform shows them, every 10 s."""
    at_ms = np.arange(line.start_ms + GAUGE_EVERY_MS, line.end_ms - 500, GAUGE_EVERY_MS)
    if line.effect.silent:
        at_ms = at_ms[line.within(at_ms) == 0]
    likes = viewers[:, is_type(viewers, "like")]
    order = np.argsort(likes[Col.TIME], kind="stable")
    totals = np.concatenate([[0], np.cumsum(likes[Col.QTY][order])])
    entered = np.searchsorted(np.sort(seen.start_ms), at_ms, side="right")
    gone = np.searchsorted(np.sort(seen.stop_ms), at_ms, side="right")
    liked = totals[np.searchsorted(likes[Col.TIME][order], at_ms, side="right")]
    blocks = []
    for metric, values in (("online", entered - gone), ("viewers", entered), ("likes", liked)):
        rest = [texts.add(f',"metric":"{metric}","value":{value}') for value in values.tolist()]
        blocks.append(block("room_stats", at_ms, {Col.REST: np.array(rest, dtype=np.int64)}))
    return join(blocks)


def reported_gmv(line: Timeline, trade: Ints, texts: Fragments) -> Ints:
    """The platform's own GMV, cumulative, once a minute; only where an incident inflates it."""
    if line.incident is None or not line.effect.reported_ratio:
        return join([])
    paid = trade[:, is_type(trade, "order_paid") & (trade[Col.ROOM] == line.room)]
    paid = paid[:, (paid[Col.TIME] >= line.start_ms) & (paid[Col.TIME] < line.end_ms)]
    order = np.argsort(paid[Col.TIME], kind="stable")
    totals = np.concatenate([[0], np.cumsum(paid[Col.AMOUNT][order])])
    at_ms = np.arange(line.start_ms + REPORT_EVERY_MS, line.end_ms - 500, REPORT_EVERY_MS)
    value = totals[np.searchsorted(paid[Col.TIME][order], at_ms, side="right")]
    told = np.rint(value * line.factor(at_ms, 1 + line.effect.reported_ratio)).astype(np.int64)
    rest = [texts.add(f',"metric":"gmv","value":{value}') for value in told.tolist()]
    return block(
        "room_stats", at_ms, {Col.ROOM: line.room, Col.REST: np.array(rest, dtype=np.int64)}
    )


def shop_events(
    plan: SimulationPlan,
    tenant: int,
    lines: list[Timeline],
    opening: dict[Pool, int],
    texts: Fragments,
) -> Ints:
    """Catalog, prices, opening stock, targets and ad cost of a tenant."""
    start_ms = plan.start_ms + 200
    blocks = [_catalog(plan, tenant, lines, start_ms, texts)]
    for pool, units in opening.items():
        columns: dict[Col, Ints | int] = {Col.PRODUCT: pool[0], Col.QTY: units}
        if pool[1] != NONE:
            columns |= {Col.ROOM: pool[1], Col.POOL: 1}
        blocks.append(single("stock_set", start_ms, columns))
    for line in lines:
        blocks.append(_targets_and_cost(plan, line, texts))
        incident = line.incident
        if incident is not None and line.effect.promo:
            full = names.product_price_minor(line.subject)
            cut = round(full * PROMO_PRICE)
            for at_ms, amount in ((incident.start_ms, cut), (incident.end_ms - 1, full)):
                price: dict[Col, Ints | int] = {Col.PRODUCT: line.subject, Col.AMOUNT: amount}
                blocks.append(single("price", at_ms, price))
    return join(blocks)


def _catalog(
    plan: SimulationPlan, tenant: int, lines: list[Timeline], at_ms: int, texts: Fragments
) -> Ints:
    rest, rooms = [], sorted({line.room for line in lines})
    for room in rooms:
        rest.append(_entry("room", f"r{room + 1}", names.room_title(room)))
        hosts = (2 * room, 2 * room + 1)
        rest.extend(_entry("host", f"h{host + 1}", names.host_name(host)) for host in hosts)
    for product in range(plan.products):
        cost = names.product_cost_minor(product)
        money = f',"unit_cost_minor":{cost},"amount_minor":{names.product_price_minor(product)}'
        title = names.product_title(product)
        rest.append(_entry("product", f"p{product + 1}", title) + money)
    sales = sorted({line.room for line in lines if line.effect.promo})
    rest.extend(_entry("campaign", f"c{room + 1}", "限时秒杀") for room in sales)
    index = np.array([texts.add(text) for text in rest], dtype=np.int64)
    times = np.full(len(index), at_ms, dtype=np.int64)
    products = np.arange(plan.products)
    prices = np.array([names.product_price_minor(int(one)) for one in products], dtype=np.int64)
    priced = block(
        "price", times[:1].repeat(plan.products), {Col.PRODUCT: products, Col.AMOUNT: prices}
    )
    return join([block("catalog", times, {Col.REST: index}), priced])


def _entry(role: str, target: str, title: str) -> str:
    return f',"role":"{role}","target_id":"{target}","title":"{title}"'


def _targets_and_cost(plan: SimulationPlan, line: Timeline, texts: Fragments) -> Ints:
    """Targets of a room's session (GMV, about what it will sell; length) and ad spend by minute."""
    seconds = (line.end_ms - line.start_ms) / 1_000
    expected = plan.enter_per_s * seconds * _GMV_PER_ENTER_MINOR
    value = int(expected * (line.effect.target_ratio or _EASY_TARGET)) // 100 * 100
    planned = -(-(line.end_ms - line.start_ms) // 60_000)
    told = [
        texts.add(f',"metric":"{metric}","value":{number}')
        for metric, number in (("gmv_paid", value), ("session_minutes", planned))
    ]
    targets = block(
        "target",
        np.full(len(told), line.start_ms + 300, dtype=np.int64),
        {Col.ROOM: line.room, Col.REST: np.array(told, dtype=np.int64)},
    )
    at_ms = np.arange(line.start_ms + COST_EVERY_MS, line.end_ms - 500, COST_EVERY_MS)
    if line.effect.silent:
        at_ms = at_ms[line.within(at_ms) == 0]
    spent = int(plan.enter_per_s * 60 * _AD_COST_PER_ENTER_MINOR)
    cost = block("cost", at_ms, {Col.ROOM: line.room, Col.CHANNEL: 1, Col.AMOUNT: spent})
    return join([targets, cost])
