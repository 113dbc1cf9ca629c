"""What a visitor does with tumour masks, in a real browser on a real server."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from brainseg.runs import RunStore
from tests.browser.visitor import LIMIT, choose, fill, launch_and_watch, no_trouble, open_page, use_one_thread


def test_a_slice_that_is_dropped_is_marked_beside_its_heatmap(mask_site: str, tab: Page, masked_set: Path) -> None:
    open_page(tab, f"{mask_site}/diagnose", "Diagnose")
    slice_file = masked_set / "images" / "patient00_0.png"
    tab.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(slice_file)
    for caption in ("Image", "Heatmap", "Overlay", "Mask"):
        expect(tab.get_by_test_id("stImage").filter(has_text=re.compile(f"^{caption}$"))).to_be_visible(timeout=LIMIT)
    for figure in ("Area", "Largest diameter", "Regions"):
        expect(tab.get_by_test_id("stMetric").filter(has_text=figure)).to_be_visible()
    no_trouble(tab)


def test_two_segmentations_are_compared_and_their_outlines_shown(mask_site: str, tab: Page) -> None:
    store = RunStore()
    chosen = ",".join(store.get(name).id for name in ("marks", "again"))
    open_page(tab, f"{mask_site}/compare?runs={chosen}", "Compare")
    expect(tab.get_by_role("heading", name="Is the difference significant?")).to_be_visible(timeout=LIMIT)
    expect(tab.get_by_text("slices the Dice of these runs differs")).to_be_visible(timeout=LIMIT)
    expect(tab.locator("tspan").filter(has_text="nothing marked: missed").first).to_be_visible(timeout=LIMIT)
    expect(tab.get_by_role("heading", name="Dice vs. cost")).to_be_visible(timeout=LIMIT)
    no_trouble(tab)
    open_page(tab, f"{mask_site}/compare?runs={chosen},{store.get('tuned').id}", "Compare")
    expect(tab.get_by_test_id("stAlert").filter(has_text="different tasks")).to_be_visible(timeout=LIMIT)


def test_a_u_net_is_launched_watched_reloaded_and_ends(mask_site: str, tab: Page, masked_set: Path) -> None:
    open_page(tab, f"{mask_site}/train?data={masked_set}", "Train")
    tab.get_by_text("All settings", exact=True).click()
    choose(tab, "Preset", "segment")
    expect(tab.get_by_role("spinbutton", name="Image size")).to_have_value("128")  # as the preset has it
    choose(tab, "Weights to start from", "None (random)")
    fill(tab, "spinbutton", "Epochs", "4")
    tab.get_by_text("Advanced: model", exact=True).click()
    fill(tab, "textbox", "Stages", "2")
    use_one_thread(tab)
    fill(tab, "spinbutton", "Image size", "32")
    fill(tab, "textbox", "Name (optional)", "browser")
    launch_and_watch(tab, "browser", "Scores")
    tab.get_by_role("tab", name="Worst slices").click()
    expect(tab.get_by_text("True outline").first).to_be_visible(timeout=LIMIT)
    no_trouble(tab)
