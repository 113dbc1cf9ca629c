"""Take a screenshot of every page, light and dark: `python docs/screenshots.py HOME OUT`.

HOME is a home folder with finished runs (as in `BRAINSEG_HOME`), OUT the folder for the screenshots. Needs the packages
of `requirements-dev.txt` and an installed Chromium.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from brainseg.app.navigation import PAGES
from brainseg.cli.server import Server

SIZE = {"width": 1440, "height": 900}
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
SETTLED = """() => !document.querySelector('[data-testid="stStatusWidget"], [data-testid="stSkeleton"]')"""


def main(home: Path, out: Path) -> None:
    """Write `PAGE-light.png` and `PAGE-dark.png` for every page."""
    os.environ["BRAINSEG_HOME"] = str(home)
    out.mkdir(parents=True, exist_ok=True)
    program = shutil.which("chromium") or sys.exit("No Chromium: install it, for example with `apt install chromium`.")
    with Server(port=8720) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        for scheme in ("light", "dark"):
            for name in PAGES:
                take(browser, f"{server.url}/{'' if name == 'home' else name}", scheme, out / f"{name}-{scheme}.png")
        browser.close()


def take(browser: Browser, address: str, scheme: str, file: Path) -> None:
    """Take one screenshot."""
    context = browser.new_context(viewport=SIZE, color_scheme=scheme)
    page = context.new_page()
    page.goto(address)
    page.get_by_role("heading", level=1).wait_for(timeout=60_000)
    if "diagnose" in address:
        diagnose_a_sample(page)
    page.wait_for_timeout(3000)  # plots appear after the page has loaded
    page.wait_for_function(SETTLED, timeout=60_000)
    page.screenshot(path=file)
    context.close()


def diagnose_a_sample(page: Page) -> None:
    """Click a sample image, so that the page shows a diagnosis."""
    page.get_by_role("button", name="Try 1").click(timeout=60_000)
    page.get_by_test_id("stImage").filter(has_text="Overlay").wait_for(timeout=120_000)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]))
