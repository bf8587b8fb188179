"""Entry points of other parts, imported only when a command needs them."""

import importlib
from collections.abc import Callable
from typing import Any

from stream.errors import LiveroomError


def entry_point(module: str, name: str) -> Callable[..., Any]:
    """Import `module.name`.

    Raises:
        LiveroomError: this build does not have that part.
    """
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except (ModuleNotFoundError, AttributeError) as error:
        missing = getattr(error, "name", None) or module
        msg = f"this build lacks {module}.{name} ({missing} is missing)"
        raise LiveroomError(msg) from error
    return found
