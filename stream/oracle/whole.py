"""Expected figures of whole sessions that are no sum over their events: profit, targets, peaks."""

from collections.abc import Iterator
from typing import Final

import duckdb

from stream.oracle.cells import Figure, Place

_COGS: Final = """
    SELECT u.session, CASE WHEN bool_or(u.units <> 0 AND c.cost IS NULL) THEN NULL
        ELSE coalesce(sum(u.units * c.cost), 0) END::BIGINT AS cogs
    FROM (
        SELECT session, tenant, grp, product_id, any_value(session_end_ms) AS end_ms,
            sum(CASE type WHEN 'order_paid' THEN coalesce(qty, 1)
                ELSE -coalesce(qty, 0) END) AS units
        FROM placed_events WHERE type IN ('order_paid', 'refund_succeeded') GROUP BY ALL
    ) u
    LEFT JOIN LATERAL (
        SELECT arg_max(unit_cost_minor, (event_time_ms, unit_cost_minor)) AS cost
        FROM events
        WHERE type = 'catalog' AND role = 'product' AND target_id = u.product_id
            AND tenant = u.tenant AND grp = u.grp AND unit_cost_minor IS NOT NULL
            AND event_time_ms < u.end_ms
    ) c ON true
    GROUP BY u.session"""

_MONEY: Final = """
    SELECT session, any_value(grp) AS grp,
        coalesce(sum(amount_minor) FILTER (type = 'order_paid'), 0)::BIGINT AS paid,
        coalesce(sum(amount_minor) FILTER (type = 'refund_succeeded'), 0)::BIGINT AS refunded,
        coalesce(sum(amount_minor) FILTER (type = 'cost'), 0)::BIGINT AS ad_cost,
        coalesce(bool_or(masked AND type = 'order_paid'), false) AS masked_payer,
        coalesce(bool_or(masked AND type IN ('enter', 'heartbeat', 'comment', 'like', 'gift',
            'follow', 'share', 'fans_join', 'product_exposure', 'product_click', 'add_to_cart',
            'leave')), false) AS masked_viewer,
        count(DISTINCT user_id) FILTER (type = 'order_paid') AS payers
    FROM placed_events GROUP BY session"""

_AGAIN: Final = """
    SELECT session, count(*) FILTER (orders >= 2) AS repeaters FROM (
        SELECT session, user_id, count(DISTINCT order_id) AS orders FROM placed_events
        WHERE type = 'order_paid' AND user_id IS NOT NULL GROUP BY session, user_id
    ) GROUP BY session"""

# The minute of the end is one of them, whole; so is that of the start.
_PEAKS: Final = """
    SELECT session, sum(peak)::BIGINT AS peaks, any_value(minutes) AS minutes FROM (
        SELECT m.session, m.minute, any_value(m.minutes) AS minutes,
            coalesce(max(l.online), 0) AS peak
        FROM (
            SELECT session, (end_ms - 1) // 60000 - start_ms // 60000 + 1 AS minutes,
                unnest(range(start_ms // 60000, (end_ms - 1) // 60000 + 1)) AS minute
            FROM sessions
        ) m LEFT JOIN levels l ON l.session = m.session
            AND l.from_s < (m.minute + 1) * 60 AND l.to_s > m.minute * 60
        GROUP BY m.session, m.minute
    ) GROUP BY session"""


def _target(metric: str) -> str:
    return f"""(
        SELECT arg_max(t.value, (t.event_time_ms, t.value)) FROM events t
        WHERE t.type = 'target' AND t.metric = '{metric}' AND t.tenant = s.tenant
            AND t.grp = m.grp AND t.room_id = s.room_id AND t.event_time_ms < s.end_ms)"""


_QUERY: Final = f"""
    WITH said AS (
        SELECT s.*, m.* EXCLUDE (session), coalesce(c.cogs, 0) AS zero_or_cogs,
            c.session IS NOT NULL AND c.cogs IS NULL AS unknown_cost,
            coalesce(a.repeaters, 0) AS repeaters, p.peaks, p.minutes,
            {_target("gmv_paid")} AS target, {_target("session_minutes")} AS planned
        FROM sessions s JOIN ({_MONEY}) m USING (session) LEFT JOIN ({_COGS}) c USING (session)
            LEFT JOIN ({_AGAIN}) a USING (session) JOIN ({_PEAKS}) p USING (session)
    )
    SELECT number, tenant, grp, room_id, start_ms, end_ms,
        CASE WHEN masked_viewer THEN NULL ELSE peaks END, minutes,
        CASE WHEN masked_payer THEN NULL ELSE repeaters END,
        CASE WHEN masked_payer THEN NULL ELSE payers END,
        paid, paid - refunded, ad_cost,
        CASE WHEN unknown_cost THEN NULL ELSE zero_or_cogs END, target,
        CASE WHEN planned > 0 THEN
            (target::HUGEINT * least(end_ms - start_ms, planned * 60000)
                // (planned * 60000))::BIGINT
        END
    FROM said"""


def whole(
    connection: duckdb.DuckDBPyConnection, window: str
) -> Iterator[tuple[Place, int, dict[str, Figure]]]:
    """Figures by place and number of the session; sessions only."""
    if window != "session":
        return
    for number, *rest in connection.execute(_QUERY).fetchall():
        tenant, group, room_id, start_ms, end_ms, *values = rest
        peaks, minutes, repeaters, payers, paid, net, ad_cost, cogs, target, due = values
        place = Place(tenant, group, room_id, "room", None, window, start_ms, end_ms)
        profit = None if cogs is None else net - cogs
        yield (
            place,
            number,
            {
                "acu": (peaks, minutes),
                "repurchase_rate": (repeaters, payers),
                "cogs": (cogs, None),
                "gross_profit": (profit, None),
                "roi_profit": (None if profit is None else profit - ad_cost, ad_cost),
                "breakeven_roas": (net, profit),
                "target_gmv": (target, None),
                "target_rate": (paid, target),
                "target_pace": (paid, due),
            },
        )
