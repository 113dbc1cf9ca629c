"""What a visitor does, in a real browser on a real server."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from brainseg.app.widgets.run_panels import evaluated
from brainseg.cli.server import Server
from brainseg.results.prediction_choice import first_cell
from brainseg.runs import RunStore
from tests.browser.visitor import (
    LIMIT,
    choose,
    click_plot,
    fill,
    launch_and_watch,
    no_trouble,
    open_page,
    settled,
    use_one_thread,
)

LATE_WRITE = """() => {
    const turn = history.pushState.bind(history)
    history.pushState = (state, title, address) => {
        turn(state, title, address)
        history.pushState = turn
        history.replaceState({}, '', location.pathname + '?weights=none')
        window.written = true
    }
}"""
"""What a page sends after a click on a link is put into the address of the page that the browser has turned to."""


def test_an_image_that_is_dropped_is_answered_with_its_heatmap(site: str, tab: Page, tiny_set: Path) -> None:
    open_page(tab, f"{site}/diagnose", "Diagnose")
    tab.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(tiny_set / "yes" / "003.png")
    for caption in ("Image", "Heatmap", "Overlay"):
        expect(tab.get_by_test_id("stImage").filter(has_text=re.compile(f"^{caption}$"))).to_be_visible(timeout=LIMIT)
    expect(tab.get_by_text("where the model looked, not where the tumour is").first).to_be_visible()
    expect(tab.get_by_test_id("stPlotlyChart").first).to_be_visible()
    expect(tab.get_by_role("heading", name=re.compile(r"(yes|no) · .*%"))).to_be_visible()
    no_trouble(tab)


def test_a_bad_file_gets_its_sentence_beside_the_good_one(site: str, tab: Page, tiny_set: Path, tmp_path: Path) -> None:
    bad = tmp_path / "notes.png"
    bad.write_text("no image")
    open_page(tab, f"{site}/diagnose", "Diagnose")
    tab.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files([bad, tiny_set / "no" / "001.png"])
    expect(tab.get_by_test_id("stAlert").filter(has_text="notes.png")).to_be_visible(timeout=LIMIT)
    expect(tab.get_by_test_id("stImage").filter(has_text=re.compile("^Overlay$"))).to_be_visible(timeout=LIMIT)


def test_a_click_on_a_cell_of_the_matrix_shows_its_images(site: str, site_home: Path, tab: Page) -> None:
    run = RunStore().get("tuned")
    open_page(tab, f"{site}/runs?run={run.id}", "Runs")
    tab.get_by_role("tab", name="Confusion matrix").click()
    expect(tab).to_have_url(re.compile("tab=Confusion"))
    chart = tab.get_by_test_id("stPlotlyChart").first
    expect(chart).to_be_visible(timeout=LIMIT)
    plot = chart.locator(".nsewdrag").first
    report, _ = evaluated(run)  # which cell comes first depends on what the processor made of so small a training
    actual, predicted = first_cell(report["matrix"], report["classes"])
    expect(
        tab.get_by_text(f"images are {actual} and were predicted as {predicted}")
    ).to_be_visible()  # before any click
    for place, name in ((0.25, "no"), (0.75, "yes")):
        click_plot(tab, plot, place)
        expect(tab.get_by_text(f"images are {name} and were predicted as {name}")).to_be_visible(timeout=LIMIT)
    expect(tab.get_by_test_id("stImage").first).to_be_visible(timeout=LIMIT)
    no_trouble(tab)


def copied_link(tab: Page) -> str:
    """Return the address that the page gives to be passed on."""
    tab.get_by_role("button", name="Copy link").first.click()
    address = tab.get_by_test_id("stCode").filter(has_text="http").first
    expect(address).to_be_visible(timeout=LIMIT)
    return address.inner_text().strip()


def test_the_link_of_a_cell_shows_that_cell_to_a_new_visitor(site: str, tab: Page, browser: Browser) -> None:
    run = RunStore().get("tuned")
    report, _ = evaluated(run)
    other = next(name for name in report["classes"] if name != first_cell(report["matrix"], report["classes"])[0])
    open_page(tab, f"{site}/runs?run={run.id}", "Runs")
    tab.get_by_role("tab", name="Confusion matrix").click()
    plot = tab.get_by_test_id("stPlotlyChart").first.locator(".nsewdrag").first
    expect(plot).to_be_visible(timeout=LIMIT)
    told = f"images are {other} and were predicted as {other}"
    click_plot(tab, plot, 0.25 + 0.5 * report["classes"].index(other))
    expect(tab.get_by_text(told)).to_be_visible(timeout=LIMIT)
    address = copied_link(tab)
    context = browser.new_context()
    fresh = context.new_page()
    open_page(fresh, address, "Runs")
    expect(fresh.get_by_text(told)).to_be_visible(timeout=LIMIT)
    no_trouble(fresh)
    context.close()


def test_two_runs_are_compared(site: str, tab: Page) -> None:
    open_page(tab, f"{site}/compare", "Compare")
    expect(tab.get_by_role("heading", name="Is the difference significant?")).to_be_visible(timeout=LIMIT)
    expect(tab.get_by_role("heading", name="Accuracy vs. cost")).to_be_visible(timeout=LIMIT)
    expect(tab.get_by_test_id("stPlotlyChart").first).to_be_visible(timeout=LIMIT)
    no_trouble(tab)


def test_a_training_is_launched_watched_reloaded_and_ends(
    site: str, site_home: Path, tab: Page, tiny_set: Path
) -> None:
    open_page(tab, f"{site}/train?data={tiny_set}", "Train")
    tab.get_by_text("All settings", exact=True).click()
    choose(tab, "Preset", "quick")
    expect(tab.get_by_role("spinbutton", name="Image size")).to_have_value("96")  # as the preset has it
    choose(tab, "Weights to start from", "None (random)")
    fill(tab, "spinbutton", "Epochs", "8")
    tab.get_by_text("Advanced: model", exact=True).click()
    fill(tab, "textbox", "Stages", "2")
    use_one_thread(tab)
    fill(tab, "spinbutton", "Image size", "32")
    fill(tab, "textbox", "Name (optional)", "browser")
    launch_and_watch(tab, "browser", "Metrics")
    no_trouble(tab)


def test_a_page_turned_to_takes_its_address_back_from_the_page_before(site: str, tab: Page) -> None:
    open_page(tab, f"{site}/compare", "Compare")
    link = tab.get_by_role("link", name="Runs", exact=True).first
    expect(link).to_be_visible(timeout=LIMIT)
    tab.evaluate(LATE_WRITE)
    link.click()
    expect(tab.get_by_role("heading", level=1, name="Runs")).to_be_visible(timeout=LIMIT)
    assert tab.evaluate("window.written")
    expect(tab).not_to_have_url(re.compile("weights=none"), timeout=LIMIT)
    no_trouble(tab)


def test_a_demo_session_offers_four_pages(site_home: Path, tab: Page) -> None:
    with Server(port=8730, demo_session=True) as server:
        open_page(tab, server.url, "brainseg")
        for name in ("Home", "Diagnose", "Compare", "Read"):
            expect(tab.get_by_role("link", name=name, exact=True).first).to_be_visible(timeout=LIMIT)
        for name in ("Train", "Runs", "Data"):
            expect(tab.get_by_role("link", name=name, exact=True)).to_have_count(0)
        expect(tab.get_by_text("1. Choose or drop an image")).to_be_visible()
        open_page(tab, f"{server.url}/train", "Train")  # whose console shows no error either
        expect(tab.get_by_text("This demo session has no page Train")).to_be_visible(timeout=LIMIT)
        expect(tab.get_by_role("button", name="Train", exact=True)).to_have_count(0)
        no_trouble(tab)
        tab.goto("about:blank")  # before its server ends


def test_two_visitors_do_not_see_each_others_images(site: str, tab: Page, tiny_set: Path) -> None:
    open_page(tab, f"{site}/diagnose", "Diagnose")
    other = tab.context.browser.new_context().new_page()
    open_page(other, f"{site}/diagnose", "Diagnose")
    tab.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(tiny_set / "yes" / "004.png")
    expect(tab.get_by_text("004.png").first).to_be_visible(timeout=LIMIT)
    other.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(tiny_set / "no" / "005.png")
    expect(other.get_by_text("005.png").first).to_be_visible(timeout=LIMIT)
    expect(tab.get_by_text("005.png")).to_have_count(0)
    expect(other.get_by_text("004.png")).to_have_count(0)
    other.context.close()


def test_the_first_visit_of_a_server_may_be_to_any_page(site_home: Path, tab: Page) -> None:
    with Server(port=8740, demo_session=True) as server:
        open_page(tab, f"{server.url}/compare", "Compare")
        expect(tab.get_by_role("link", name="Diagnose", exact=True).first).to_be_visible(timeout=LIMIT)
        expect(tab.get_by_role("link", name=re.compile("train", re.IGNORECASE))).to_have_count(0)
        no_trouble(tab)
        tab.goto("about:blank")  # before its server ends


def test_nothing_is_asked_of_another_machine(site: str, tab: Page) -> None:
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    for path, title in (("", "brainseg"), ("data", "Data"), ("about", "About"), ("runs", "Runs")):
        open_page(tab, f"{site}/{path}", title)
        settled(tab)
        tab.wait_for_load_state("networkidle")
    assert asked
    assert [url for url in asked if not url.startswith((site, "data:", "blob:", site.replace("http", "ws")))] == []
