"""The settings table, its layers, its errors and what it shows."""

import dataclasses
from pathlib import Path

import pytest

from stream.errors import ConfigError
from stream.settings import (
    SETTING_BY_NAME,
    SETTINGS,
    Settings,
    environ_of,
    load_settings,
    printable,
)
from stream.settings.load import near_misses
from stream.settings.parse import parse_value
from stream.settings.spec import AREA_TITLES

UNITS = ("_ms", "_s", "_days", "_bytes", "_units", "_minor", "_ratio", "_count")
SECRET = "s" * 40


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_defaults_pass_their_own_checks() -> None:
    for entry in SETTINGS:
        if entry.default is not None and entry.type is not tuple:
            assert parse_value(entry, str(entry.default), "default") == entry.default, entry.name


def test_the_table_is_the_dataclass() -> None:
    assert [entry.name for entry in SETTINGS] == [f.name for f in dataclasses.fields(Settings)]
    assert {entry.area for entry in SETTINGS} == set(AREA_TITLES)


def test_an_optional_setting_is_one_whose_default_is_none() -> None:
    assert [entry.name for entry in SETTINGS if entry.optional != (entry.default is None)] == []


def test_secrets_are_optional_texts_without_a_flag() -> None:
    secrets = [entry for entry in SETTINGS if entry.secret]
    assert {entry.name for entry in secrets} == {
        "token_secret", "token_secret_previous", "user_key", "webhook_secret",
    }  # fmt: skip
    assert all(entry.type is str and entry.flag is None for entry in secrets)
    named = {n for n in SETTING_BY_NAME if any(word in n for word in ("secret", "password", "key"))}
    assert named == {entry.name for entry in secrets}


def test_help_is_a_phrase_without_a_full_stop() -> None:
    assert [entry.name for entry in SETTINGS if not entry.help or entry.help.endswith(".")] == []


def test_nothing_given_means_the_defaults() -> None:
    loaded = load_settings()
    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"default"}
    assert printable(loaded) == []


def test_later_layers_win(tmp_path: Path) -> None:
    path = toml(tmp_path, "port = 1\nshards = 2\nepoch_ms = 500\n")
    loaded = load_settings(
        path, {"LIVEROOM_PORT": "2", "LIVEROOM_SHARDS": "4"}, {"port": "3", "host": None}
    )
    assert (loaded.settings.port, loaded.settings.shards, loaded.settings.epoch_ms) == (3, 4, 500)
    assert loaded.origins["port"] == "--port"
    assert loaded.origins["shards"] == "LIVEROOM_SHARDS"
    assert loaded.origins["epoch_ms"] == str(path)
    assert loaded.origins["host"] == "default"


def test_the_file_may_be_named_by_the_environment_or_lie_in_the_folder(tmp_path: Path) -> None:
    path = toml(tmp_path, "port = 7")
    assert load_settings(environ={"LIVEROOM_CONFIG": str(path)}).settings.port == 7
    path.rename(tmp_path / "liveroom.toml")
    assert load_settings().settings.port == 7


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load_settings(environ={"LIVEROOM_PORT": ""}).settings == Settings()


def test_lists_come_as_commas_or_as_toml_lists(tmp_path: Path) -> None:
    path = toml(tmp_path, 'allowed_origins = ["https://a", "https://b"]')
    assert load_settings(path).settings.allowed_origins == ("https://a", "https://b")
    loaded = load_settings(flags={"allowed_origins": "https://a, https://b,"})
    assert loaded.settings.allowed_origins == ("https://a", "https://b")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("port", "x"), ("port", "70000"), ("port", "-1"), ("shards", "0"), ("shards", "1.5"),
        ("redis_url", "http://h"), ("redis_url", "h:6379"), ("redis_url", "redis://h:port"),
        ("webhook_url", "ftp://h"), ("log_level", "loud"), ("token_secret", "short"),
        ("host", " "), ("epoch_ms", "nan"),
    ],
)  # fmt: skip
def test_a_bad_value_names_the_setting_and_its_origin(name: str, text: str) -> None:
    variable = SETTING_BY_NAME[name].env
    with pytest.raises(ConfigError) as caught:
        load_settings(environ={variable: text})
    assert caught.value.setting == name
    assert variable in str(caught.value)


@pytest.mark.parametrize(
    "line", ["port = true", 'port = "x"', "port = 1.5", "allowed_origins = [1]", "host = 3"]
)
def test_a_bad_type_in_the_file_names_the_file(tmp_path: Path, line: str) -> None:
    path = toml(tmp_path, line)
    with pytest.raises(ConfigError, match=r"own\.toml"):
        load_settings(path)


def test_an_unknown_key_is_an_error_with_a_suggestion(tmp_path: Path) -> None:
    path = toml(tmp_path, "prot = 1")
    with pytest.raises(ConfigError, match="did you mean port"):
        load_settings(path)


@pytest.mark.parametrize("text", ["port = ", "\ufeff= 1"])
def test_an_unreadable_file_is_an_error(tmp_path: Path, text: str) -> None:
    path = toml(tmp_path, text)
    with pytest.raises(ConfigError, match="readable TOML"):
        load_settings(path)
    with pytest.raises(ConfigError, match="exists"):
        load_settings(tmp_path / "none.toml")


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    loaded = load_settings(environ={"LIVEROOM_TOKEN_SECRET": SECRET})
    assert printable(loaded) == ["token_secret = (hidden)  (LIVEROOM_TOKEN_SECRET)"]
    with pytest.raises(ConfigError) as caught:
        load_settings(environ={"LIVEROOM_TOKEN_SECRET": "hunter2"})
    assert "hunter2" not in str(caught.value)
    with pytest.raises(ConfigError) as caught:
        load_settings(toml(tmp_path, f'token_secert = "{SECRET}"'))
    assert SECRET not in str(caught.value)


def test_the_password_in_a_url_is_not_shown() -> None:
    loaded = load_settings(flags={"redis_url": "redis://me:hunter2@h:1/0"})
    assert printable(loaded) == ["redis_url = redis://me:(hidden)@h:1/0  (--redis-url)"]


def test_a_child_given_the_environment_loads_the_same_settings() -> None:
    settings = Settings(
        redis_url="redis://h", allowed_origins=("https://a", "https://b"), token_secret=SECRET
    )
    assert load_settings(environ=environ_of(settings)).settings == settings


def test_a_mistyped_variable_is_noticed_and_a_foreign_one_is_not() -> None:
    environ = {"LIVEROOM_PROT": "1", "LIVEROOM_SIMULATE_OUT": "x", "LIVEROOM_PORT": "1", "A": "b"}
    assert near_misses(environ) == [("LIVEROOM_PROT", "LIVEROOM_PORT")]


def test_durations_and_sizes_carry_their_unit_in_the_name() -> None:
    unitless = {
        "shards", "out_maxlen", "dead_maxlen", "processes", "process_id", "gateway_processes",
        "workers", "port", "max_connections", "max_per_address", "max_per_user", "metrics_port",
    }  # fmt: skip
    numbers = {entry.name for entry in SETTINGS if entry.type in {int, float}}
    assert {name for name in numbers - unitless if not name.endswith(UNITS)} == set()
