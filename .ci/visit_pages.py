"""Open every page of a running dashboard in Chromium and fail if one shows a fault: `visit_pages.py ADDRESS`."""

from __future__ import annotations

import shutil
import sys

from playwright.sync_api import expect, sync_playwright

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
PAGES = ("", "diagnose", "train", "runs", "compare", "data", "read", "monitoring", "about")
PATIENCE = 90_000
"""Milliseconds."""

program = shutil.which("chromium") or sys.exit("No Chromium: install it, for example with `apt install chromium`.")
with sync_playwright() as playwright:
    tab = playwright.chromium.launch(executable_path=program, args=FLAGS).new_page()
    for page in PAGES:
        tab.goto(f"{sys.argv[1]}/{page}")
        heading = tab.get_by_role("heading", level=1)
        expect(heading).to_be_visible(timeout=PATIENCE)
        expect(tab.locator('[data-testid="stStatusWidget"], [data-testid="stSkeleton"]')).to_have_count(
            0, timeout=PATIENCE
        )
        expect(tab.get_by_test_id("stException")).to_have_count(0)
        expect(tab.get_by_text("Something unexpected happened")).to_have_count(0)
        print(f"{heading.inner_text()}: shown")
