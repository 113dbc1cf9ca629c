"""What a visitor does with the keyboard and the mouse."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, TimeoutError, expect

LIMIT = 90_000
"""Milliseconds."""

CLICKS = 6
"""How often one clicks at most. Streamlit's state shows neither a rerun that the browser has only just asked for, which
closes an open list, nor when plotly has laid out a plot."""


def settled(tab: Page) -> None:
    """Wait until Streamlit has run the page's script: a later redraw would close lists and move plots."""
    app = tab.locator('[data-testid="stApp"][data-test-connection-state="CONNECTED"]')
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=LIMIT)


def open_page(tab: Page, address: str, title: str) -> None:
    tab.goto(address)
    expect(tab.get_by_role("heading", level=1, name=title)).to_be_visible(timeout=LIMIT)


def choose(tab: Page, label: str, option: str) -> None:
    """Choose an option of a select box."""
    for _ in range(CLICKS):
        settled(tab)
        tab.get_by_role("combobox", name=label).first.click()
        try:
            return tab.get_by_role("option", name=option, exact=True).first.click(timeout=LIMIT / CLICKS)
        except TimeoutError:
            tab.keyboard.press("Escape")
    raise AssertionError(f"{label} does not offer {option}")


def click_until(tab: Page, plot: Locator, place: float, text: str) -> None:
    """Click at the same fraction of a plot's width and height until a text shows."""
    for _ in range(CLICKS):
        settled(tab)
        box = plot.bounding_box()
        assert box
        plot.click(position={"x": place * box["width"], "y": place * box["height"]})
        try:
            return tab.get_by_text(text).wait_for(timeout=LIMIT / CLICKS)
        except TimeoutError:
            continue
    raise AssertionError(f"No click shows: {text}")


def no_trouble(tab: Page) -> None:
    """Neither an error of ours nor one of Streamlit's is to be seen."""
    expect(tab.get_by_test_id("stException")).to_have_count(0)
    expect(tab.get_by_text("Something unexpected happened")).to_have_count(0)


def fill(tab: Page, role: str, label: str, value: str) -> None:
    """Write into a field and leave it."""
    field = tab.get_by_role(role, name=label, exact=True)
    field.fill(value)
    field.press("Enter")


def launch_and_watch(tab: Page, panel: str) -> None:
    """Start a training from the filled form, see its curve begin and outlive a reload, and wait until it has ended.

    Args:
        tab: On the Train page.
        panel: Name of a panel that only a finished run has.
    """
    tab.get_by_role("button", name="Train", exact=True).click()
    link = tab.get_by_role("link", name="Open").first
    expect(link).to_be_visible(timeout=LIMIT)
    link.click()
    expect(tab.get_by_role("heading", level=1, name="Runs")).to_be_visible(timeout=LIMIT)
    expect(tab.get_by_test_id("stPlotlyChart").first).to_be_visible(timeout=LIMIT)  # the curve has begun
    tab.reload()
    expect(tab.get_by_test_id("stPlotlyChart").first).to_be_visible(timeout=LIMIT)
    expect(tab.get_by_text("FINISHED").or_(tab.get_by_text("finished")).first).to_be_visible(timeout=2 * LIMIT)
    expect(tab.get_by_role("tab", name=panel)).to_be_visible(timeout=LIMIT)  # without a reload by hand
