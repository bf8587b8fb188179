"""Recordings through the engine's own shard, only the alerts kept."""

from collections.abc import Iterable
from pathlib import Path

from operators.results import Row
from operators.rules.model import RuleSet
from operators.rules.parse import parse_rules
from operators.shard import Shard
from stream.backtest.plan import plan_of
from stream.backtest.score import Fired
from stream.errors import ConfigError
from stream.formats import read_events
from stream.options import options_of
from stream.replay import outputs
from stream.settings import Settings


def read_rules(path: Path) -> RuleSet:
    """The rules of a file.

    Raises:
        ConfigError: it cannot be read, or has mistakes (the first three are told).
    """
    try:
        parsed = parse_rules(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("rules", str(path), f"a readable text file ({error})") from error
    if isinstance(parsed, RuleSet):
        return parsed
    told = "; ".join(f"line {one.line}: {one.message}" for one in parsed[:3])
    raise ConfigError("rules", str(path), f"no mistakes ({told})")


def alert_rows(chunks: Iterable[bytes], rules: RuleSet, settings: Settings) -> list[Row]:
    """Every change of every alert that a recording raises under `rules`, in log order."""
    shard = Shard(0, plan_of(rules), rules, options_of(settings), fixed_rules=True)
    return [
        row for output in outputs(chunks, [shard]) for row in output.rows if row.kind == "alert"
    ]


def fired_alerts(rows: Iterable[Row], settings: Settings) -> list[Fired]:
    """The changes to `firing` among alert rows."""
    lag_ms = settings.max_out_of_orderness_ms
    return [
        Fired(
            row.dimension,
            row.tenant,
            row.room_id,
            row.key or "",
            row.end_ms,
            row.end_ms + lag_ms,
        )
        for row in rows
        if row.body.get("state") == "firing"
    ]


def play(path: Path, rules: RuleSet, settings: Settings) -> list[Fired]:
    """Alerts that fire in a recording file under `rules`."""
    key = (settings.user_key or "liveroom").encode()
    return fired_alerts(alert_rows(read_events(path, "auto", key), rules, settings), settings)
