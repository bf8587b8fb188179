"""docs/alerts.md names every word of the rule language and every figure of a pool."""

from pathlib import Path

from operators.rules.kinds import KINDS, POOL_FIGURES, SETTINGS, TIMES
from operators.rules.observed import FIGURES
from operators.stock import StockLedger
from stream.events import Event

PAGE = (Path(__file__).parents[2] / "docs/alerts.md").read_text(encoding="utf-8")


def missing(names: object) -> list[str]:
    assert isinstance(names, list)
    return [name for name in names if f"`{name}`" not in PAGE]


def test_every_kind_with_all_its_keys_is_documented() -> None:
    for kind in KINDS.values():
        start = PAGE.index(f"### `{kind.name}`")
        section = PAGE[start : PAGE.index("\n## ", start)].split("\n### ")[0]
        keys = [one.name for one in kind.parameters] + [one.name for one in kind.words]
        assert [key for key in keys if f"| `{key}` |" not in section] == []


def test_every_setting_time_and_observed_figure_is_documented() -> None:
    assert missing([*SETTINGS, *TIMES, *FIGURES, *POOL_FIGURES, "negative_words"]) == []


def test_every_figure_of_a_pool_is_documented() -> None:
    ledger = StockLedger("t1", "t1")
    for number, room in enumerate((None, "r1")):
        ledger.apply(
            Event(
                event_id=str(number), type="stock_set", event_time_ms=1_700_000_000_000,
                source="/test", tenant="t1", pool_id="p1", qty=1, room_id=room,
            )
        )  # fmt: skip
    figures = ledger.live("p1", 1_700_000_060_000)
    assert missing([name for name in figures if name != "products"]) == []
