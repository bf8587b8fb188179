"""From settings to what the core is given."""

from dataclasses import replace
from importlib.resources import files

from operators.options import Options
from operators.plan import Plan
from operators.rules.model import RuleSet
from operators.rules.parse import parse_rules
from operators.shard import Shard
from operators.talk.words import Words, parse_words
from stream import parts
from stream.errors import ConfigError
from stream.settings import Settings


def options_of(settings: Settings) -> Options:
    """The settings that decide results.

    Raises:
        ConfigError: the words file cannot be read or has mistakes.
    """
    return Options(
        words=words_of(settings),
        max_out_of_orderness_ms=settings.max_out_of_orderness_ms,
        allowed_lateness_ms=settings.allowed_lateness_ms,
        presence_ttl_ms=settings.presence_ttl_ms,
        session_idle_ms=settings.session_idle_ms,
        stock_low_units=settings.stock_low_units,
        history_minutes=settings.history_s // 60,
        explanation_tail_ms=settings.explanation_tail_ms,
        term_horizon_ms=settings.term_horizon_ms,
        leave_out=parts_left_out(settings),
        ledger_days=settings.ledger_days,
    )


def parts_left_out(settings: Settings) -> frozenset[str]:
    """The parts that are not to be worked out.

    Raises:
        ConfigError: stock is left out, but alerts are not: those of stock would never come.
    """
    left = frozenset(settings.leave_out)
    if parts.STOCK in left and parts.ALERTS not in left:
        raise ConfigError("leave_out", ",".join(sorted(left)), "alerts, too, where stock is")
    return left


def words_of(settings: Settings) -> Words:
    """The word lists of the words file, or those that ship; complaints as the rule file says.

    Raises:
        ConfigError: a file cannot be read or has mistakes.
    """
    negative = rules_of(settings).negative_words
    if settings.words_file is None:
        return Words(negative_words=negative)
    path = str(settings.words_file)
    try:
        words = parse_words(settings.words_file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("words_file", path, f"a readable file ({error})") from error
    if isinstance(words, str):
        raise ConfigError("words_file", path, f"no mistakes; {words}")
    return replace(words, negative_words=negative)


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
