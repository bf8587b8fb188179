"""Types of what the simulators write: the truth file and the lines of a recording."""

from typing import NotRequired, TypedDict, cast

from simulators.api import Recording

Counts = TypedDict(
    "Counts",
    {
        "in": int,
        "accepted": int,
        "duplicates": int,
        "late": int,
        "lost": int,
        "dead": dict[str, int],
    },
)


class Session(TypedDict):
    """One session; `end_ms` None: it was never ended."""

    tenant: str
    group: str
    room_id: str
    start_ms: int
    end_ms: int | None


class Ratio(TypedDict):
    """`value` None: nothing to divide by."""

    num: int
    den: int
    value: float | None


class Metrics(TypedDict):
    """Figures of one row; rooms have more than products."""

    product_click_uv: int
    order_uv: int
    pay_uv: int
    orders_paid: int
    gmv_paid: int
    gmv_net: int
    refund_amount: int
    refund_rate: Ratio
    view_pv: NotRequired[int]
    view_uv: NotRequired[int]
    cvr_view: NotRequired[Ratio]
    online_now: NotRequired[int]
    pcu: NotRequired[int]
    target_gmv: NotRequired[int]
    target_pace: NotRequired[Ratio]


class Row(TypedDict):
    """Figures of `[start_ms, end_ms)`; `key` is the product of a product row."""

    room_id: str
    dimension: str
    key: str | None
    window: str
    start_ms: int
    end_ms: int
    metrics: Metrics


class Entry(TypedDict):
    """One line of a board."""

    key: str
    value: int


class Board(TypedDict):
    """Lines of a board, best first."""

    name: str
    entries: list[Entry]


class Pool(TypedDict):
    """A stock pool at the end."""

    tenant: str
    pool: str
    on_hand: int
    reserved: int
    available: int
    oversold: int
    oversold_orders: list[str]


class GroupTotals(TypedDict):
    """Money of a group, rooms or not."""

    tenant: str
    gmv_paid: int


class PlanFields(TypedDict):
    """The part of the plan that tests look at."""

    run: str | None


class Truth(TypedDict):
    """The truth file."""

    plan: PlanFields
    sessions: list[Session]
    counts: Counts
    rows: list[Row]
    boards: list[Board]
    stock: list[Pool]
    groups: list[GroupTotals]


class Line(TypedDict, total=False):
    """One line of a recording; garbage is the empty one."""

    event_id: str
    source: str
    type: str
    event_time_ms: int
    tenant: str
    room_id: str
    user_id: str
    product_id: str
    pool_id: str
    order_id: str
    line_id: str
    amount_minor: int
    qty: int
    status: str
    title: str
    metric: str
    value: int


def as_truth(value: dict[str, object]) -> Truth:
    """The same value, typed."""
    return cast(Truth, value)


def truth_of(
    recording: Recording, stop: int | None = None, shift_ms: int = 0, now_ms: int | None = None
) -> Truth:
    """The recording's truth, typed."""
    return as_truth(recording.truth(stop, shift_ms, now_ms))
