"""What a visitor does with the keyboard and the mouse."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, TimeoutError, expect

LIMIT = 90_000
"""Milliseconds."""

REDRAWS = 6
"""How often one tries again what a redraw of the page has undone."""


def open_page(tab: Page, address: str, title: str) -> None:
    tab.goto(address)
    expect(tab.get_by_role("heading", level=1, name=title)).to_be_visible(timeout=LIMIT)


def choose(tab: Page, label: str, option: str) -> None:
    """Choose an option of a select box, again if the page is drawn again meanwhile, which closes the open list."""
    for _ in range(REDRAWS):
        tab.get_by_role("combobox", name=label).first.click()
        try:
            return tab.get_by_role("option", name=option, exact=True).first.click(timeout=LIMIT / REDRAWS)
        except TimeoutError:
            tab.keyboard.press("Escape")
    raise AssertionError(f"{label} does not offer {option}")


def click_until(tab: Page, plot: Locator, place: float, text: str) -> None:
    """Click at the same fraction of a plot's width and height, again after a redraw, until a text shows."""
    for _ in range(REDRAWS):
        box = plot.bounding_box()
        assert box
        plot.click(position={"x": place * box["width"], "y": place * box["height"]})
        try:
            return tab.get_by_text(text).wait_for(timeout=LIMIT / REDRAWS)
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
