"""What axe-core finds on the pages, light and dark: nothing but what is Streamlit's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from brainseg.app.navigation import PAGES
from tests.browser.visitor import LIMIT, open_page, settled

STREAMLITS = {
    # The dropzone's section has role=presentation and an aria-label, which together mean nothing; its button works.
    ("presentation-role-conflict", "stFileUploaderDropzone"),
}
"""Rule and a part of the element that are Streamlit's: no page can change them."""
ACTIVE = {"exclude": [["label[disabled]"]]}
"""What is checked: all but the labels of inactive fields, which WCAG exempts (1.4.3)."""
THEMES: dict[str, list[str] | None] = {"light": None, "dark": ["color-contrast", "link-in-text-block"]}
"""Theme -> the rules that are checked, None for all: for the second one those whose result depends on colours."""


def turn_dark(tab: Page) -> None:
    """Show an open page in the dark theme: what the browser draws changes at once, the rest when the script runs."""
    tab.emulate_media(color_scheme="dark")
    expect(tab.get_by_test_id("stApp")).to_have_css("color-scheme", "dark", timeout=LIMIT)
    settled(tab)
    tab.evaluate("document.activeElement.blur()")
    tab.keyboard.press("r")  # Streamlit's key to run the script again
    expect(tab.locator("html")).to_have_css("color-scheme", "dark", timeout=LIMIT)


def violations(tab: Page, rules: list[str] | None = None) -> list[str]:
    """Return what axe finds on a settled page, without what is Streamlit's own: a redraw fades the old elements.

    All rules are checked unless some are named.
    """
    settled(tab)
    options = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
    axe = Axe("" if tab.evaluate("'axe' in window") else AXE_SCRIPT)
    found = axe.run(tab, context=ACTIVE, options=options).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]}"
        for rule in found
        for node in rule["nodes"]
        if not any(rule["id"] == name and part in node["html"] for name, part in STREAMLITS)
    ]


def open_expanders(tab: Page) -> None:
    """Open what can be unfolded; what an opened one holds may itself be folded."""
    closed = tab.locator("[data-testid=stExpander] details:not([open]) > summary:visible")
    while closed.count():
        closed.evaluate_all("all => all.forEach(each => each.click())")  # a click by mouse waits for the others to move
        settled(tab)


def popovers(tab: Page) -> Iterator[str]:
    """Open one popover after the other, and yield its name while it is open."""
    buttons = tab.locator("[data-testid=stPopover] button:visible:enabled")
    for number in range(buttons.count()):
        name = buttons.nth(number).inner_text()
        buttons.nth(number).click()
        expect(tab.get_by_test_id("stPopoverBody")).to_be_visible(timeout=LIMIT)
        yield name
        tab.keyboard.press("Escape")
        expect(tab.get_by_test_id("stPopoverBody")).to_have_count(0, timeout=LIMIT)


ADDRESSES = {**{name: name for name in PAGES}, "home": "", "run": "runs?run=tuned"}
"""What is looked at -> its address: each page, and Runs with a run."""


@pytest.fixture(scope="module", params=ADDRESSES)
def unfolded(site: str, visits, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page with all that can be unfolded, which is checked first in the light theme, then in the dark one."""
    name = request.param
    with visits() as page:
        open_page(page, f"{site}/{ADDRESSES[name]}", {"home": "brainseg", "run": "Runs"}.get(name) or PAGES[name])
        settled(page)
        open_expanders(page)
        yield page


@pytest.mark.parametrize("theme", THEMES)
def test_no_page_has_a_violation_that_is_ours(unfolded: Page, theme: str) -> None:
    if theme == "dark":
        turn_dark(unfolded)
    found = {"page": violations(unfolded, THEMES[theme])}
    for name in popovers(unfolded):
        found[name] = violations(unfolded, THEMES[theme])
    assert not any(found.values()), found


def test_a_phone_shows_the_named_menu_and_scrolls_no_page_sideways(site: str, tab: Page) -> None:
    tab.set_viewport_size({"width": 390, "height": 844})
    for name, title in (("data", "Data"), ("runs", "Runs"), ("runs?run=tuned", "Runs"), ("compare", "Compare")):
        open_page(tab, f"{site}/{name}", title)
        settled(tab)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        if name not in ("data", "runs"):  # pages without a plot
            plot = tab.locator(".js-plotly-plot .main-svg").first
            expect(plot).to_be_visible(timeout=LIMIT)
            box = plot.bounding_box()
            assert box
            assert box["width"] > 300, "it fits or is scrolled, instead of collapsed"
    menu = "getComputedStyle(document.querySelector('[data-testid=stExpandSidebarButton]'), '::after').content"
    assert tab.evaluate(menu) == '"Menu"'


def test_too_many_files_are_refused_before_one_is_sent(site: str, tab: Page) -> None:
    sent: list[str] = []
    tab.on("request", lambda request: sent.append(request.url) if "upload_file" in request.url else None)
    open_page(tab, f"{site}/diagnose", "Diagnose")
    many = [{"name": f"{number}.png", "mimeType": "image/png", "buffer": b"x"} for number in range(1200)]
    tab.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(many)
    expect(tab.get_by_role("alert").filter(has_text="1,200 files are more than the 24")).to_be_visible(timeout=LIMIT)
    assert sent == []
