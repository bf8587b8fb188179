"""Makes the pictures of docs/screenshots: `python -m tests.web.shots`.

The pages are the real ones on a real gateway; the session is scripted, so that the same
command gives the same picture of an evening's broadcast.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.web.conftest import ASSETS, CHROMIUM_ARGS, ROOT, find_chromium
from tests.web.script import Script
from tests.web.stage import Stage

FOLDER = ROOT / "docs" / "screenshots"
SETTLE_MS = 2_600
"""Charts are drawn at most every two seconds: wait for the newest drawing."""


@dataclass(frozen=True)
class Shot:
    """One picture: file name, page, size."""

    name: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    size: tuple[int, int] = (1920, 1080)
    click: str | None = None


SHOTS = (
    Shot("screen-room", "/screen", {"rooms": "t1/r1", "lang": "zh"}),
    Shot("screen-room-en", "/screen", {"rooms": "t1/r1", "lang": "en"}),
    Shot("screen-cockpit", "/screen", {"lang": "zh"}),
    Shot("console", "/console", {"rooms": "t1/r1", "lang": "zh"}),
    Shot("console-en", "/console", {"rooms": "t1/r1", "lang": "en"}),
    Shot("host", "/console", {"rooms": "t1/r1", "role": "host", "lang": "zh"}, (1366, 768)),
    Shot("boss", "/console", {"role": "boss", "lang": "en"}, (1366, 768)),
    Shot(
        "meaning", "/screen", {"rooms": "t1/r1", "lang": "en"},
        click='[aria-labelledby] .tile-title:text-is("View-to-pay conversion")',
    ),
)  # fmt: skip


def shoot(stage: Stage, folder: Path, names: list[str]) -> list[Path]:
    """Take the pictures; the files made."""
    made = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=list(CHROMIUM_ARGS)
        )
        for shot in SHOTS:
            if names and shot.name not in names:
                continue
            width, height = shot.size
            page = browser.new_page(
                viewport={"width": width, "height": height}, timezone_id="Asia/Shanghai"
            )
            page.goto(stage.url(shot.path, **shot.query))
            page.wait_for_function("() => document.body.dataset.ready === 'true'")
            page.wait_for_timeout(SETTLE_MS)
            if shot.click is not None:
                page.click(shot.click)
            made.append(folder / f"{shot.name}.png")
            page.screenshot(path=made[-1])
            page.close()
        browser.close()
    return made


def main() -> None:
    """Write the pictures and name them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        Stage(Path(scratch), Script(6, minutes=93), ASSETS) as stage,
    ):
        stage.play()
        for path in shoot(stage, options.folder, options.names):
            sys.stdout.write(f"{path.relative_to(options.folder.parent)}\n")


if __name__ == "__main__":
    main()
