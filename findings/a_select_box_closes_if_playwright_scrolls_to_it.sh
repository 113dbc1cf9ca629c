#!/usr/bin/env bash
# A Streamlit select box that Playwright must scroll to closes its list at once, so the test waits for its options in vain.
#
# Seen with streamlit 1.67.0, playwright 1.65.2 and Debian's Chromium: `click` scrolls the box into view and presses it in
# the same frame. The browser reports the scroll only afterwards, and the list closes when the page scrolls. Nobody sees it
# by hand, since fingers scroll first. After `scroll_into_view_if_needed` and a moment's wait the same click opens the list.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet streamlit==1.67.0 playwright==1.65.2
cat >"$folder/page.py" <<'PAGE'
import streamlit as st

for number in range(60):
    st.write(f"Line {number}")
st.selectbox("Model", ["first", "second"])
for number in range(60):
    st.write(f"Line {number}")
PAGE
"$folder/venv/bin/streamlit" run "$folder/page.py" --server.port 8531 --server.headless true \
    --browser.gatherUsageStats false >"$folder/log" 2>&1 &
server=$!
"$folder/venv/bin/python" - "$(command -v chromium)" <<'PYTHON'
import sys
import time

from playwright.sync_api import Error, expect, sync_playwright

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def options_after_click(browser, scroll_first):
    page = browser.new_page(viewport={"width": 1000, "height": 600})
    for _ in range(60):
        try:
            page.goto("http://localhost:8531")
            break
        except Error:  # the server has not started yet
            time.sleep(0.5)
    box = page.get_by_role("combobox", name="Model")
    expect(page.get_by_text("Line 59").last).to_be_attached(timeout=30_000)
    page.wait_for_timeout(1000)
    if scroll_first:
        box.scroll_into_view_if_needed()
        page.wait_for_timeout(1000)
    box.click()
    page.wait_for_timeout(1000)
    count = page.get_by_role("option").count()
    page.close()
    return count


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=sys.argv[1], args=FLAGS)
    at_once, scrolled = options_after_click(browser, False), options_after_click(browser, True)
    browser.close()
print(f"options shown: {at_once} after a click that scrolls, {scrolled} after scrolling first")
assert (at_once, scrolled) == (0, 2), "the list stays open now"
PYTHON
