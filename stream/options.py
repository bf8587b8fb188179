"""From settings to what the core is given."""

from importlib.resources import files

from operators.options import Options
from operators.plan import Plan
from operators.rules.model import RuleSet
from operators.rules.parse import parse_rules
from operators.shard import Shard
from stream.errors import ConfigError
from stream.settings import Settings


def options_of(settings: Settings) -> Options:
    """The settings that decide results."""
    return Options(
        max_out_of_orderness_ms=settings.max_out_of_orderness_ms,
        allowed_lateness_ms=settings.allowed_lateness_ms,
        presence_ttl_ms=settings.presence_ttl_ms,
        session_idle_ms=settings.session_idle_ms,
    )


def rules_of(settings: Settings) -> RuleSet:
    """The rule file, or the rules that ship.

    Raises:
        ConfigError: the file cannot be read or has mistakes; `liveroom check` lists them all.
    """
    if settings.rules_file is None:
        text = files("operators.rules").joinpath("default.toml").read_text(encoding="utf-8")
    else:
        try:
            text = settings.rules_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                "rules_file", str(settings.rules_file), f"a readable file ({error})"
            ) from error
    rules = parse_rules(text)
    if isinstance(rules, RuleSet):
        return rules
    first = rules[0]
    raise ConfigError(
        "rules_file",
        str(settings.rules_file),
        f"no mistakes; line {first.line}: {first.message} (liveroom check lists all)",
    )


def make_shard(number: int, settings: Settings) -> Shard:
    """An empty shard as the settings say."""
    return Shard(number, Plan(), rules_of(settings), options_of(settings))
