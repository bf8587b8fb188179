"""Schema v1 as JSON Schema and as docs/events.md: both made from `stream.events`. Pure."""

from typing import Final

from stream.events import (
    EVENT_TYPES,
    FIELDS,
    IDENTITIES,
    MAX_EVENT_TIME_MS,
    MAX_ID_CHARS,
    MAX_INT,
    MAX_TEXT_CHARS,
    MIN_EVENT_TIME_MS,
    SCHEMA_VERSION,
    EventType,
    Field,
    Kind,
    Level,
)

ALWAYS_REQUIRED: Final = ("event_id", "source", "type", "event_time_ms")
"""The four fields of every event; they are never null."""

_KINDS: Final[dict[Kind, dict[str, object]]] = {
    Kind.ID: {"type": "string", "minLength": 1, "maxLength": MAX_ID_CHARS},
    Kind.USER: {"type": "string", "pattern": "^[0-9a-f]{16}$"},
    Kind.TEXT: {"type": "string", "maxLength": MAX_TEXT_CHARS},
    Kind.INT: {"type": "integer", "minimum": -MAX_INT, "maximum": MAX_INT},
    Kind.TIME: {
        "type": "integer",
        "minimum": MIN_EVENT_TIME_MS,
        "exclusiveMaximum": MAX_EVENT_TIME_MS,
    },
    Kind.CURRENCY: {"type": "string", "pattern": "^[A-Z]{3}$"},
    Kind.IDENTITY: {"type": "string", "enum": list(IDENTITIES)},
}

_KIND_WORDS: Final[dict[Kind, str]] = {
    Kind.ID: f"text, 1 to {MAX_ID_CHARS} characters",
    Kind.USER: "text, 16 lowercase hex digits",
    Kind.TEXT: f"text, at most {MAX_TEXT_CHARS:,} characters",
    Kind.INT: "integer, magnitude at most 2⁵³",
    Kind.TIME: "integer, ms since 1970 (UTC), years 2000 to 2099",
    Kind.CURRENCY: "three capital letters, ISO 4217",
    Kind.IDENTITY: " or ".join(f"`{name}`" for name in IDENTITIES),
}


def required_fields(entry: EventType) -> tuple[str, ...]:
    """Fields that an event of this type must carry, none of them null."""
    tenant = () if entry.level is Level.SHARD else ("tenant",)
    room = ("room_id",) if entry.level is Level.ROOM else ()
    return (*ALWAYS_REQUIRED, *tenant, *room, *entry.required)


def json_schema() -> dict[str, object]:
    """JSON Schema (draft 2020-12) of one event. Unknown properties are allowed and ignored."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:liveroom:event:v{SCHEMA_VERSION}",
        "title": f"liveroom event, schema v{SCHEMA_VERSION}",
        "type": "object",
        "required": list(ALWAYS_REQUIRED),
        "properties": {field.name: _property(field) for field in FIELDS},
        "allOf": [_conditional(entry) for entry in EVENT_TYPES],
    }


def _property(field: Field) -> dict[str, object]:
    if field.name == "type":
        return {"description": field.help, "enum": [entry.name for entry in EVENT_TYPES]}
    kind = _KINDS[field.kind]
    if field.name in ALWAYS_REQUIRED:
        return {"description": field.help, **kind}
    return {"description": field.help, "anyOf": [kind, {"type": "null"}]}


def _conditional(entry: EventType) -> dict[str, object]:
    own = [name for name in required_fields(entry) if name not in ALWAYS_REQUIRED]
    return {
        "if": {"properties": {"type": {"const": entry.name}}},
        "then": {
            "description": entry.help,
            "required": own,
            "properties": {name: {"not": {"type": "null"}} for name in own},
        },
    }


def events_markdown() -> str:
    """The text of docs/events.md."""
    lines = [
        f"# Events, schema v{SCHEMA_VERSION}",
        "",
        "<!-- Made from stream/events.py by `make docs`; do not edit by hand. -->",
        "",
        "One event is one flat JSON object on one NDJSON line (at most 16 KiB). A field that is",
        'missing or null means "not said", never 0. Unknown fields are ignored. Every event has',
        "`event_id`, `source`, `type` and `event_time_ms`; `(source, event_id)` identifies it, a",
        "second one with the same pair is a duplicate. `liveroom schema` prints the JSON Schema.",
        "What does not fit is a dead letter with its reason; it never stops the stream.",
        "",
        "## Types",
        "",
        "`room` types need `tenant` and `room_id`, `group` types need `tenant`.",
        "",
        "| type | level | needs | may carry | meaning |",
        "|---|---|---|---|---|",
        *(_type_row(entry) for entry in EVENT_TYPES),
        "",
        "## Fields",
        "",
        "| field | holds | meaning |",
        "|---|---|---|",
        *(f"| `{field.name}` | {_KIND_WORDS[field.kind]} | {field.help} |" for field in FIELDS),
        "",
    ]
    return "\n".join(lines)


def _type_row(entry: EventType) -> str:
    needs, may = _names(entry.required), _names(entry.optional)
    return f"| `{entry.name}` | {entry.level} | {needs} | {may} | {_cell(entry.help)} |"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "–"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
