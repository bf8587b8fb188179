"""What does not fit on a page, in every language and size."""

from pathlib import Path

from playwright.sync_api import Page

from tests.web.conftest import LANGUAGES, SIZES

MISFITS = Path(__file__).with_name("misfits.js").read_text()


def misfits(page: Page, *, fits: bool) -> dict[str, object]:
    """What overflows or is cut, by language and size; `fits`: the page must not scroll."""
    found: dict[str, object] = {}
    for language in LANGUAGES:
        if page.evaluate("document.documentElement.lang.slice(0, 2)") != language:
            page.click(".head-side .button")
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate(
                "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
            )
            if wrong := page.evaluate(MISFITS, fits):
                found[f"{language} {width}x{height}"] = wrong
    return found
