"""The pages themselves: what they load, and that nothing in them needs a weaker policy."""

import re
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parents[2] / "sinks" / "web"
PAGES = {"screen.html": "screen.js", "console.html": "console.js"}


def imports(module: str, seen: set[str]) -> set[str]:
    """Every module that `module` needs, itself included."""
    if module not in seen:
        seen.add(module)
        for name in re.findall(r'from "\./([\w-]+\.js)"', (WEB / module).read_text()):
            imports(name, seen)
    return seen


@pytest.mark.parametrize("page", PAGES)
def test_every_module_is_preloaded_so_that_none_waits_for_another(page: str) -> None:
    text = (WEB / page).read_text()
    preloaded = re.findall(r'rel="modulepreload" href="/assets/([\w-]+\.js)"', text)
    assert sorted(preloaded) == sorted(imports(PAGES[page], set()) - {PAGES[page]})


@pytest.mark.parametrize("page", PAGES)
def test_no_page_has_inline_script_or_style(page: str) -> None:
    text = (WEB / page).read_text()
    assert re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|https?://", text) == []


def test_no_module_makes_markup_from_text() -> None:
    risky = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    )
    found = [file.name for file in WEB.glob("*.js") if risky.search(file.read_text())]
    assert found == []


def test_every_file_is_short_enough_to_read() -> None:
    lengths = {file.name: len(file.read_text().splitlines()) for file in WEB.iterdir()}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_every_word_has_both_languages_and_no_key_is_dead() -> None:
    words = dict(re.findall(r"^  (\w+): \[(.+)\],$", (WEB / "i18n.js").read_text(), re.MULTILINE))
    assert len(words) > 100
    for key, pair in words.items():
        chinese, english = re.findall(r'"((?:[^"\\]|\\.)*)"', pair)
        assert chinese.count("%s") == english.count("%s"), key
    code = "".join(file.read_text() for file in WEB.glob("*.js") if file.name != "i18n.js")
    made = re.findall(r"`(\w+_)\$\{", code)
    dead = [
        key
        for key in words
        if not re.search(rf'["\s]{key}[",:]', code) and not any(key.startswith(one) for one in made)
    ]
    assert dead == []
