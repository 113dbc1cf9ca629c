"""Debian's Chromium, driven by Playwright: one for a whole test process, in which Playwright can start only once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
PATIENCE = 90_000
"""Milliseconds until something that should appear counts as missing; two busy cores can be slow."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; without one its tests are skipped, unless BRAINSEG_REQUIRE_BROWSER says that they must run."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if not program:
        reason = "no Chromium: install it, for example with `apt install chromium`"
        pytest.fail(reason) if os.environ.get("BRAINSEG_REQUIRE_BROWSER") else pytest.skip(reason)
    from playwright.sync_api import expect, sync_playwright  # only where a browser is wanted

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield opened
        opened.close()
