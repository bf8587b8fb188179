"""docs/asyncapi.yaml, made from the frame and command types."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from sinks.gateway.frames import COMMANDS, SERVER_FRAMES
from sinks.gateway.protocol import CLOSES, SUBPROTOCOL

HEADER: Final = (
    "# Made from sinks/gateway/frames.py and protocol.py by `python -m sinks.gateway.asyncapi`."
)


def document() -> dict[str, Any]:
    """The AsyncAPI 3.0 document as plain data."""
    types = (*COMMANDS, *SERVER_FRAMES)
    schemas, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    names = [kind.__name__ for kind in types]
    messages = {
        name: {
            "name": _tag(components[name]),
            "summary": components[name].get("description", ""),
            "payload": {"$ref": f"#/components/schemas/{name}"},
        }
        for name in names
    }
    refs = {name: {"$ref": f"#/components/messages/{name}"} for name in names}
    codes = "; ".join(f"{entry.code} {entry.name}" for entry in CLOSES)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "liveroom gateway",
            "version": SUBPROTOCOL,
            "description": f"Subprotocol {SUBPROTOCOL}. Close codes: {codes}.",
        },
        "channels": {"gateway": {"address": "/ws", "messages": refs}},
        "operations": {
            "receiveCommand": _operation("receive", [k.__name__ for k in COMMANDS]),
            "sendFrame": _operation("send", [k.__name__ for k in SERVER_FRAMES]),
        },
        "components": {"messages": messages, "schemas": components},
    }


def _tag(schema: Mapping[str, Any]) -> str:
    return str(schema["properties"]["type"]["enum"][0])


def _operation(action: str, names: Sequence[str]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/gateway"},
        "messages": [{"$ref": f"#/channels/gateway/messages/{name}"} for name in names],
    }


def as_yaml() -> str:
    """The document as YAML; scalars are written as JSON, which YAML contains."""
    return "\n".join((HEADER, *_lines(document(), ""))) + "\n"


def _lines(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            name = key if key.isidentifier() else json.dumps(key)
            yield from _entry(f"{indent}{name}:", item, indent + "  ")
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _entry(f"{indent}-", item, indent + "  ")


def _entry(head: str, item: Any, indent: str) -> Iterator[str]:
    if isinstance(item, Mapping | list | tuple) and item:
        yield head
        yield from _lines(item, indent)
    else:
        yield f"{head} {json.dumps(item, ensure_ascii=False)}"


if __name__ == "__main__":
    import sys

    sys.stdout.write(as_yaml())
