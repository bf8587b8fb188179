"""The JSON Schema against the event table it is made from."""

import json
from typing import Any

import pytest

from stream.events import EVENT_TYPES, FIELDS, Event, EventType, Level
from stream.schema import json_schema, required_fields


def rule_of(entry: EventType) -> dict[str, Any]:
    schema: dict[str, Any] = json_schema()
    rules = [r for r in schema["allOf"] if r["if"]["properties"]["type"]["const"] == entry.name]
    assert len(rules) == 1
    then: dict[str, Any] = rules[0]["then"]
    return then


def test_the_schema_is_plain_json_of_the_2020_12_draft() -> None:
    schema = json_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_properties_are_the_fields_of_the_struct() -> None:
    schema: dict[str, Any] = json_schema()
    assert tuple(schema["properties"]) == Event.__struct_fields__
    assert tuple(schema["properties"]) == tuple(field.name for field in FIELDS)
    assert schema["properties"]["type"]["enum"] == [entry.name for entry in EVENT_TYPES]


def test_only_the_four_fields_of_every_event_refuse_null() -> None:
    schema: dict[str, Any] = json_schema()
    nullable = {
        n for n, rule in schema["properties"].items() if {"type": "null"} in rule.get("anyOf", ())
    }
    assert set(schema["properties"]) - nullable == set(schema["required"])


@pytest.mark.parametrize("entry", EVENT_TYPES, ids=lambda entry: entry.name)
def test_a_type_requires_what_the_table_says(entry: EventType) -> None:
    required = set(rule_of(entry)["required"])
    assert set(entry.required) <= required
    assert ("tenant" in required) == (entry.level is not Level.SHARD)
    assert ("room_id" in required) == (entry.level is Level.ROOM)
    assert set(rule_of(entry)["properties"]) == required
    assert set(required_fields(entry)) - required == {"event_id", "source", "type", "event_time_ms"}
