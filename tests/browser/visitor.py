"""What a visitor does with the keyboard and the mouse."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

LIMIT = 90_000
"""Milliseconds."""
QUIET = """() => {
    const app = document.querySelector('[data-testid=stApp]')
    const box = document.querySelector('.js-plotly-plot')?.getBoundingClientRect()
    const main = document.querySelector('[data-testid=stMain]')
    const seen = JSON.stringify([app?.dataset, box, main?.scrollHeight, main?.scrollTop])
    const ends = each => each.effect.getComputedTiming().endTime < Infinity
    const moves = document.getAnimations().some(each => each.playState === 'running' && ends(each))
    const drawn = app?.dataset.testConnectionState === 'CONNECTED' && app.dataset.testScriptState === 'notRunning'
    const ready = drawn && !moves
    const unfinished = document.querySelector('[data-stale=true], [data-testid=stSkeleton]')
    if (!ready || unfinished || window.seen !== seen) window.since = undefined
    window.seen = seen
    if (window.since === undefined) [window.since, window.frames_seen] = [performance.now(), 0]
    window.frames_seen += 1
    return ready && !unfinished && performance.now() - window.since > 500 && window.frames_seen > 20
}"""
"""Whether, for half a second and in every frame of it, Streamlit ran no script, the page kept its height and a plot its
place, and nothing faded, opened or closed; a spinner, which never ends, does not count. A single look is not enough:
Streamlit's state does not show a rerun that the browser is about to ask for. Time alone is not enough either: a browser
that draws no frame for half a second has not looked at the messages that wait for it. A skeleton stands for an element
whose code the browser still fetches: when it comes, the page moves and closes an open list."""


def settled(tab: Page) -> None:
    """Wait until Streamlit has run the page's script: a later redraw would close lists and move plots."""
    tab.evaluate("window.since = undefined")  # what was seen by an earlier wait says nothing about the time since
    tab.wait_for_function(QUIET, timeout=LIMIT)


def open_page(tab: Page, address: str, title: str) -> None:
    tab.goto(address)
    expect(tab.get_by_role("heading", level=1, name=title)).to_be_visible(timeout=LIMIT)


def choose(tab: Page, label: str, option: str) -> None:
    """Choose an option of a select box, which is scrolled to first: a page that scrolls closes its open list.

    Typing opens the list again if the page moved even so, for example because the queue was redrawn at that moment.
    """
    box = tab.get_by_role("combobox", name=label).first
    box.scroll_into_view_if_needed()
    settled(tab)
    box.click()
    box.fill(option)
    tab.get_by_role("option", name=option, exact=True).first.click()
    expect(box).to_have_value(option)
    settled(tab)


def click_plot(tab: Page, plot: Locator, place: float) -> None:
    """Click at the same fraction of a plot's width and height."""
    settled(tab)
    box = plot.bounding_box()
    assert box
    plot.click(position={"x": place * box["width"], "y": place * box["height"]})


def no_trouble(tab: Page) -> None:
    """Neither an error of ours nor one of Streamlit's is to be seen."""
    expect(tab.get_by_test_id("stException")).to_have_count(0)
    expect(tab.get_by_text("Something unexpected happened")).to_have_count(0)


def fill(tab: Page, role: str, label: str, value: str) -> None:
    """Write into a field and leave it."""
    field = tab.get_by_role(role, name=label, exact=True)
    field.fill(value)
    field.press("Enter")


def use_one_thread(tab: Page) -> None:
    """Train on one thread, as all tests do: two wait for each other if other processes load the cores."""
    tab.get_by_text("Advanced: compute", exact=True).click()
    fill(tab, "spinbutton", "Threads", "1")


def launch_and_watch(tab: Page, name: str, panel: str) -> None:
    """Start a training from the filled form, see its curve begin and outlive a reload, and wait until it has ended.

    Args:
        tab: On the Train page.
        name: Name of the run.
        panel: Name of a panel that only a finished run has.
    """
    tab.get_by_role("button", name="Train", exact=True).click()
    # Earlier runs have links, too, but only one that waits or trains can be cancelled.
    cancel = tab.get_by_role("button", name="Cancel", exact=True)
    expect(cancel).to_have_count(1, timeout=LIMIT)
    tab.get_by_test_id("stHorizontalBlock").filter(has=cancel).last.get_by_role("link", name="Open").click()
    expect(tab.get_by_role("heading", level=1, name="Runs")).to_be_visible(timeout=LIMIT)
    curve_seen(tab, name)
    tab.reload()
    curve_seen(tab, name)
    expect(tab.get_by_text("FINISHED").or_(tab.get_by_text("finished")).first).to_be_visible(timeout=2 * LIMIT)
    expect(tab.get_by_role("tab", name=panel)).to_be_visible(timeout=LIMIT)  # without a reload by hand


def curve_seen(tab: Page, name: str) -> None:
    expect(tab.get_by_role("combobox", name="Run").first).to_have_value(re.compile(f"^{name} "), timeout=LIMIT)
    expect(tab.get_by_test_id("stPlotlyChart").first).to_be_visible(timeout=LIMIT)
