"""Alerts: right values agree, wrong ones are found, the undefinable are told of."""

from dataclasses import replace

import pytest

from operators.results import Row
from stream.options import rules_of
from stream.oracle.alerts import check_alerts
from stream.oracle.compare import Report
from stream.oracle.load import load
from stream.oracle.terms import terms_of
from stream.replay import run_replay
from stream.settings import Settings
from tests.oracle.support import Log

RULE = """
[[rule]]
name = "{name}"
kind = "threshold"
metric = "{metric}"
window = "{window}"
scope = "{scope}"
above = {above}
title_en = "{{subject}}"
title_zh = "{{subject}}"
action_en = "-"
action_zh = "-"
"""
RULES = (
    ("many_comments", "comment_count", "r1", "room", 3),
    ("asked", "question_share", "r5", "room", 0.2),
    ("clicked", "product_click_uv", "r5", "product", 2),
    ("this_minute", "comment_count", "m1", "room", 3),
    ("complained", "negative_share", "r3", "room", 0.1),
    ("repeated", "repeat_share", "r1", "room", 0.5),
    ("online", "online_now", "session", "room", 2),
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    path = tmp_path_factory.mktemp("rules") / "rules.toml"
    text = "".join(
        RULE.format(name=name, metric=metric, window=window, scope=scope, above=above)
        for name, metric, window, scope, above in RULES
    )
    path.write_text(text, encoding="utf-8")
    return Settings(rules_file=path)


@pytest.fixture(scope="module")
def lines() -> bytes:
    log = Log().tick(0)
    for second in range(1, 200):
        log.tick(second * 1000)
        if second < 120 and second % 7 == 0:
            text = ("多少钱？", "假货", "假货")[second % 3]
            log.add("comment", second * 1000 - 400, second % 5, text=text)
            log.add("product_click", second * 1000, second % 6, product_id="p1")
        if second == 90:
            log.add("comment", 70_000, 3, text="late 多少钱")
    return b"\n".join(log.lines) + b"\n"


@pytest.fixture(scope="module")
def rows(lines: bytes, settings: Settings) -> list[Row]:
    return [row for row in run_replay([lines], settings=settings) if row.kind == "alert"]


def checked(lines: bytes, rows: list[Row], settings: Settings) -> Report:
    connection = load([lines], terms_of(settings))
    report = Report()
    rules = {rule.name: rule for rule in rules_of(settings).rules}
    try:
        check_alerts(connection, rows, rules, report, settings.max_out_of_orderness_ms)
    finally:
        connection.close()
    return report


def test_the_values_of_alerts_are_those_of_their_windows(
    lines: bytes, rows: list[Row], settings: Settings
) -> None:
    report = checked(lines, rows, settings)
    assert report.mismatches == []
    wanted = {name for name, *_ in RULES if name != "online"}
    assert set(report.alerts) == {*wanted, "not checked"}


def test_a_wrong_value_is_found_and_a_rule_nobody_knows_is_not_checked(
    lines: bytes, rows: list[Row], settings: Settings
) -> None:
    at = next(n for n, row in enumerate(rows) if row.dimension == "asked")
    for body in ({"value": 0.99}, {"num": 99}, {"value": None}):
        wrong = replace(rows[at], body={**rows[at].body, **body})
        assert checked(lines, [wrong], settings).mismatch_count == 1
    unknown = replace(rows[at], dimension="gone")
    assert checked(lines, [unknown], settings).alerts == {"not checked": 1}
