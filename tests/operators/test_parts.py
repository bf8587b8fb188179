"""What is left out is gone, and changes nothing else."""

from dataclasses import replace
from typing import Final

import pytest

from operators.options import Options
from operators.plan import Plan
from operators.results import Output, Row
from operators.shard import Record, Shard
from simulators.api import SimulationPlan, simulate_lines
from simulators.plan import NO_DISORDER
from stream.errors import ConfigError
from stream.options import options_of, rules_of
from stream.parts import PARTS
from stream.replay import version_of
from stream.settings import Settings, load_settings
from tests.operators.recordings import pieces

TALK: Final = ("terms", "keywords", "pairs")
SETS: Final = (
    *({"boards"}, {"terms"}, {"alerts"}, {"stock", "alerts"}, {"boards", "terms"}, set(PARTS)),
)


def part_of(row: Row) -> str | None:
    """The part a row comes from; None: the figures."""
    if row.kind == "board":
        return "terms" if row.dimension in TALK else "boards"
    return {"alert": "alerts", "stock": "stock"}.get(row.kind)


def part_of_channel(name: str) -> str | None:
    """The part a channel comes from; None: the figures, names and marks."""
    kind = name.split(":")[0]
    if kind == "board":
        board = name.split("/")[-1].split("@")[0]
        return "terms" if board.removesuffix("_session") in TALK else "boards"
    return {"alerts": "alerts", "answers": "alerts", "stock": "stock"}.get(kind)


def played(leave_out: set[str]) -> tuple[list[Output], dict[tuple[str, str], object]]:
    """Outputs of a shard, and its state channels at the end."""
    options = replace(Options(), leave_out=frozenset(leave_out))
    shard = Shard(0, Plan(), rules_of(Settings()), options)
    plan = SimulationPlan("stock_out", 2, tenants=1, minutes=8, seed=8, disorder=NO_DISORDER)
    data = b"".join(chunk.lines for chunk in simulate_lines(plan))
    outputs: list[Output] = []
    for number, piece in enumerate(pieces(data, 400), 1):
        outputs += shard.step([Record(version_of(number), 0, piece)])
        outputs.append(shard.flush(0))
    outputs += shard.close()
    fields = {
        (patch.channel, name): value
        for output in outputs
        for patch in output.patches
        for name, value in patch.fields.items()
    }
    return outputs, fields


@pytest.fixture(scope="module")
def whole() -> tuple[list[Output], dict[tuple[str, str], object]]:
    return played(set())


@pytest.mark.parametrize("left", SETS, ids=lambda left: "+".join(sorted(left)))
def test_nothing_but_the_part_is_missing(
    left: set[str], whole: tuple[list[Output], dict[tuple[str, str], object]]
) -> None:
    outputs, fields = played(left)
    all_rows = [row for output in whole[0] for row in output.rows]
    want = [row for row in all_rows if part_of(row) not in left]
    assert left <= {part_of(row) for row in all_rows}
    assert [row for output in outputs for row in output.rows] == want
    assert fields == {
        at: value for at, value in whole[1].items() if part_of_channel(at[0]) not in left
    }
    entries = [entry for output in outputs for entry in output.entries]
    assert bool(entries) == ("alerts" not in left)


def test_stock_cannot_go_without_the_alerts_about_it() -> None:
    with pytest.raises(ConfigError, match="leave_out"):
        options_of(Settings(leave_out=("stock",)))
    assert options_of(Settings(leave_out=("stock", "alerts"))).leave_out == {"stock", "alerts"}


def test_an_unknown_part_is_named() -> None:
    with pytest.raises(ConfigError, match="any of boards, terms, stock, alerts"):
        load_settings(environ={"LIVEROOM_LEAVE_OUT": "boards,clouds"})
