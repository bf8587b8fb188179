"""Packed or not, a shard says the same: rows, boards, screens, also after a loss or a resume."""

from collections import Counter
from collections.abc import Sequence
from random import Random

import orjson
import pytest

from operators.packing import Packing
from operators.results import Patch
from operators.shard import Record, Shard
from operators.snapshot import freeze, thaw
from stream.replay import version_of
from tests.operators.one_room import event, quiet_shard, tick

Screen = dict[str, dict[str, object]]

MINUTES = 70
_UNSAID = ("meta.wm_ms",)
"""Says when a figure was last looked at, and that may be more often."""


def log(seed: int) -> list[bytes]:
    """Short sessions of three rooms, with refunds up to forty minutes later."""
    random, made = Random(seed), list[tuple[int, bytes]]()
    number = 0

    def add(kind: str, at_s: int, user: int | None = None, **more: object) -> None:
        nonlocal number
        number += 1
        made.append((at_s * 1000, event(kind, at_s * 1000, number, user, **more)))

    for start in range(5, 25 * 60, 100):
        room = f"r{random.randint(1, 3)}"
        add("room_status", start, room_id=room, status="start", host_id=f"h{random.randint(1, 2)}")
        for _ in range(6):
            channel = random.choice(("paid", "feed"))
            hidden = {"identity": "masked"} if random.random() < 0.02 else {}
            user, at_s = random.randint(1, 5), start + random.randint(1, 50)
            add("enter", at_s, user, room_id=room, channel=channel, **hidden)
        add("explain_start", start + 10, room_id=room, product_id="p1")
        for _ in range(5):
            user, at_s = random.randint(1, 5), start + random.randint(1, 50)
            order = {
                "order_id": f"o{number}", "product_id": f"p{random.randint(1, 3)}",
                "amount_minor": random.randint(100, 900),
            }  # fmt: skip
            add("order_paid", at_s, user, room_id=room, channel="paid", **order)
            later = at_s + random.choice((30, 300, 900, 1_500, 2_400))
            where = random.choice((room, "null"))
            if random.random() < 0.5:
                add("refund_succeeded", later, user, room_id=where, refund_id=f"f{number}", **order)
            elif random.random() < 0.2:
                add("order_cancelled", later, user, room_id=where, **order)
        add("room_status", start + 60, room_id=room, status="end")
    made += [(second * 1000, tick(second * 1000)) for second in range(0, MINUTES * 60, 4)]
    return [line for _, line in sorted(made, key=lambda one: one[0])]


def merge(screen: Screen, patches: Sequence[Patch]) -> None:
    """Put patches on a screen; what is null is taken away."""
    for patch in patches:
        of = screen.setdefault(patch.channel, {})
        for name, raw in patch.fields.items():
            value = orjson.loads(raw) if isinstance(raw, bytes) else raw
            of.pop(name, None)
            if value is not None and name not in _UNSAID:
                of[name] = value


def played(lines: list[bytes], seed: int) -> tuple[Counter[str], list[Screen], Shard, int]:
    """Rows, screens at some moments, the shard, and how many sessions were packed at most."""
    random = Random(seed)
    shard, rows, screen, screens, most = quiet_shard(), Counter[str](), Screen(), [], 0
    size = 40
    for turn, start in enumerate(range(0, len(lines), size)):
        body = b"".join(lines[start : start + size])
        for output in shard.step([Record(version_of(turn + 1), 0, body)]):
            rows.update(map(repr, output.rows))
            merge(screen, output.patches)
        most = max(most, len(shard.state.packing))
        what = random.random()
        if what < 0.4:
            merge(screen, shard.flush(0).patches)
        elif what < 0.6:
            merge(screen, shard.flush(0, most=5).patches)
            while shard.patches.left_over:
                merge(screen, shard.flush(0, most=5).patches)
        elif what < 0.65:
            screen = Screen()
            shard.forget_sent()
        elif what < 0.7:
            data = freeze(shard)
            shard = quiet_shard()
            thaw(shard, data)
        if what < 0.4:
            screens.append({channel: dict(of) for channel, of in screen.items() if of})
    return rows, screens, shard, most


@pytest.mark.parametrize("seed", range(3))
def test_packing_changes_no_row_and_no_screen(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = log(seed)
    rows, screens, shard, most = played(lines, seed)
    monkeypatch.setattr(Packing, "run", lambda *_: [])
    wanted, on_screens, whole, none = played(lines, seed)
    assert none == 0
    assert most > 8
    assert rows == wanted
    assert screens == on_screens
    cube, as_before = shard.state.cube, whole.state.cube
    assert cube.cells.count < 0.9 * as_before.cells.count
    assert cube.slot_count < 0.9 * as_before.slot_count
    assert shard.state.viewers.count <= whole.state.viewers.count
