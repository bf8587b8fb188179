"""One table of settings, four layers: defaults < TOML file < environment < flags."""

from stream.settings.load import Loaded, load_settings
from stream.settings.render import environ_of, printable, settings_markdown
from stream.settings.spec import Area, Bounds, Setting, setting
from stream.settings.table import SETTING_BY_NAME, SETTINGS, Settings

__all__ = [
    "SETTINGS",
    "SETTING_BY_NAME",
    "Area",
    "Bounds",
    "Loaded",
    "Setting",
    "Settings",
    "environ_of",
    "load_settings",
    "printable",
    "setting",
    "settings_markdown",
]
