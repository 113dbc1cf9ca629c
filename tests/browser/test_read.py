"""What a reader does, in a real browser on a real server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from brainseg.app.read.answering import SURE
from brainseg.datasets.library import add_folder
from brainseg.reading.creating import StudyRequest, create_study
from brainseg.reading.ending import study_state
from brainseg.reading.library import all_studies
from brainseg.reading.model import ChosenModel
from brainseg.reading.study import Study
from brainseg.runs import RunStore
from tests.browser.test_accessibility import violations
from tests.browser.visitor import LIMIT, choose, fill, no_trouble, open_page, settled

READER = "owl"


def begin(tab: Page, site: str, study: Study) -> None:
    open_page(tab, f"{site}/read?study={study.id}", "Read")
    fill(tab, "textbox", "Your pseudonym", READER)
    expect(tab.get_by_text("Case 1 of")).to_be_visible(timeout=LIMIT)


def answer(tab: Page, finding: str, sure: int) -> None:
    """Choose a class, type the confidence, and lock with Enter."""
    settled(tab)
    tab.get_by_test_id("stRadio").get_by_text(finding, exact=True).click()
    fill(tab, "spinbutton", SURE, str(sure))


def drag_box(tab: Page, plot: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag from one place of a plot to another, each as fractions of its width and height."""
    box = plot.bounding_box()
    assert box
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    tab.mouse.move(*places[0])
    tab.mouse.down()
    tab.mouse.move(*places[1], steps=8)
    tab.mouse.up()


def test_a_student_reads_the_phantom_by_the_keyboard_and_sees_the_counts(site: str, site_home: Path, tab: Page) -> None:
    open_page(tab, f"{site}/read", "Read")
    settled(tab)
    choose(tab, "Images", "New synthetic slices, for teaching")
    choose(tab, "Model", "None: readers alone")
    fill(tab, "spinbutton", "Cases", "3")
    fill(tab, "textbox", "Name (optional)", "students")
    settled(tab)
    tab.get_by_role("button", name="Create the study").click()
    fill(tab, "textbox", "Your pseudonym", READER)
    study = next(each for each in all_studies() if isinstance(each, Study) and each.name == "students")
    right = 0
    for place in (1, 2, 3):
        expect(tab.get_by_text(f"Case {place} of 3")).to_be_visible(timeout=LIMIT)
        case = study_state(study).reader(READER).current(study)
        right += study.case(case).truth == "tumour"
        answer(tab, "tumour", 80)
        expect(tab.get_by_text(f"Case {place} of 3")).to_have_count(0, timeout=LIMIT)
    expect(tab.get_by_text("You have answered all cases")).to_be_visible(timeout=LIMIT)
    tab.get_by_text("Results", exact=True).click()
    expect(tab.get_by_text(f"owl: 3 cases, {right} of them tumour.")).to_be_visible(timeout=LIMIT)
    expect(tab.get_by_text("All cases are synthetic: the results say nothing about patients.").first).to_be_visible()
    measured = study_state(study).reader(READER)
    assert [record.locked.confidence for record in measured.records.values()] == [80, 80, 80]
    with tab.expect_download() as downloading:
        tab.get_by_role("button", name="Answers (CSV)").click()
    rows = Path(downloading.value.path()).read_text().splitlines()
    assert (len(rows), sum(",tumour,tumour," in row for row in rows)) == (4, right)
    no_trouble(tab)


@pytest.fixture
def study(site_home: Path, tiny_set: Path) -> Study:
    store = RunStore()
    return create_study(StudyRequest(add_folder(tiny_set), cases=3), ChosenModel(store, store.get("tuned")))


def test_a_box_is_dragged_before_the_model_answers(site: str, study: Study, tab: Page) -> None:
    begin(tab, site, study)
    tab.get_by_text("Mark with a box").click()
    plot = tab.locator(".nsewdrag").first
    expect(plot).to_be_visible(timeout=LIMIT)
    settled(tab)
    drag_box(tab, plot, (0.25, 0.5), (0.5, 0.75))
    settled(tab)
    expect(tab.get_by_text(re.compile(r"\d %"))).to_have_count(0)
    assert violations(tab) == []
    answer(tab, "yes", 65)
    expect(tab.get_by_role("heading", name=re.compile("Model: |Not like"))).to_be_visible(timeout=LIMIT)
    expect(tab.get_by_text("where the model looked, not where the tumour is").first).to_be_visible(timeout=LIMIT)
    assert violations(tab) == []
    case = study_state(study).reader(READER).current(study)
    left, top, right, bottom = study_state(study).reader(READER).record(case).locked.box
    assert (left, top, right, bottom) == pytest.approx((18, 36, 36, 54), abs=2), "pixels of the 72 x 72 image"
    settled(tab)
    tab.keyboard.press("Enter")  # the key of the first lock does not skip the model's answer
    settled(tab)
    expect(tab.get_by_text("Case 1 of 3")).to_be_visible()
    tab.keyboard.press("Shift+Enter")
    expect(tab.get_by_text("Case 2 of 3")).to_be_visible(timeout=LIMIT)
    assert study_state(study).reader(READER).record(case).revised.confidence == 65
    no_trouble(tab)
