"""The Diagnose page with a segmentation model, beside a classifier and alone."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from brainseg import DISCLAIMER
from brainseg.app import model_cache
from brainseg.app.diagnose.answers import Answered
from brainseg.app.diagnose.cases import Case, Unreadable
from brainseg.app.diagnose.exports import csv_file, zip_file
from brainseg.app.diagnose.ground_truth import training_membership
from brainseg.app.diagnose.members import Member, run_words
from brainseg.app.diagnose.reports import report_downloads
from brainseg.app.diagnose.samples import known
from brainseg.app.diagnose.segmentation_model import evaluation_words, refusal
from brainseg.diagnosis.agreement import agreement, agreement_sentence
from brainseg.diagnosis.mask_images import CAPTION
from brainseg.diagnosis.outcome_words import NO_SPACING
from brainseg.errors import BundleError
from brainseg.jobs.queue import create_claimed
from brainseg.jobs.removal import delete
from brainseg.runs import Run, RunStore
from brainseg.runs.run import default_run
from brainseg.scans import read_scan
from tests.app.diagnose_pages import answered_on_page, pictures, put_in, remarks_on, sample_of, texts
from tests.app.page_text import icons, plain
from tests.bundles import edit_of_run
from tests.conftest import tiny_config
from tests.results.report.reading import Page, Pdf, squeezed


@pytest.fixture
def marks(segment_home: Path) -> Run:
    """The segmentation run of `segment_home`."""
    return RunStore().get("marks")


@pytest.fixture
def slices(masked_set: Path) -> list[Path]:
    """Two held-out-like slices with a tumour and one without."""
    return [masked_set / "images" / f"patient00_{number}.png" for number in (0, 2, 1)]


@pytest.fixture
def page(marks: Run, open_page) -> AppTest:
    """The page with both models in memory."""
    model_cache.predictor(RunStore().get("tuned").id)
    model_cache.segmenter(marks.id)
    return open_page("diagnose")


@pytest.fixture
def lonely(marks: Run, open_page) -> AppTest:
    """The page in a home whose only model marks tumours."""
    delete(RunStore(), RunStore().get("tuned").id)
    model_cache.segmenter(marks.id)
    return open_page("diagnose")


def measurements(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


# --------------------------------------------------------------------------------------------------- both models


def test_heatmap_and_mask_stand_side_by_side_with_how_far_they_agree(page, marks: Run, slices) -> None:
    app = put_in(page, slices[0])
    scan = read_scan(slices[0])
    found = model_cache.segmenter(marks.id).segment(scan)
    answer = model_cache.predictor(RunStore().get("tuned").id).diagnose(scan)
    assert found.regions, "the model of the test marks something"
    for caption in ("Image", "Heatmap", "Overlay", "Mask"):
        assert len(pictures(app, caption)) == 1
    compared = agreement(answer.heatmap, found.mask)
    said = texts(app)
    for words in (answer.sentence, found.sentence, agreement_sentence(compared, marks=True), CAPTION, found.model):
        assert words in said
    shown = measurements(app)
    assert shown["Area"] == f"{found.area:,.0f} pixels"
    assert shown["Largest diameter"] == f"{found.diameter:,.1f} pixels"
    assert shown["Regions"] == str(len(found.regions))
    assert shown["Heat inside the mask"] == f"{100 * compared.energy_inside:.1f} %"
    assert NO_SPACING in said


def test_the_picker_says_how_good_the_segmentation_is(page, marks: Run) -> None:
    assert page.selectbox(key="marker").value == marks.id
    dice = model_cache.description(marks.id)[0].validation["dice"]
    said = texts(page)
    assert f"marks ({model_cache.description(marks.id)[1]})" in said
    assert evaluation_words(Member.of(marks)) in said
    assert f" {dice:.2f} " in evaluation_words(Member.of(marks))
    assert " 3 patients" in evaluation_words(Member.of(marks))
    assert page.selectbox(key="model").value == RunStore().get("tuned").id
    tuned = RunStore().get("tuned")
    assert page.selectbox(key="model").options == [run_words(tuned, tuned)]


def test_without_a_segmentation_model_the_card_is_the_classifiers_own(page, slices) -> None:
    app = put_in(page, slices[0])
    app.selectbox(key="marker").select("").run()
    assert not app.exception
    assert not pictures(app, "Mask")
    assert not app.metric
    assert answered_on_page(app)


def test_the_masks_opacity_changes_the_mask_alone_and_asks_no_model(page, slices, monkeypatch) -> None:
    app = put_in(page, slices[0])
    before = {caption: pictures(app, caption) for caption in ("Image", "Overlay", "Mask")}
    monkeypatch.setattr(model_cache, "segmenter", None)
    app.slider(key="fill").set_value(100).run()
    assert not app.error
    assert pictures(app, "Mask") != before["Mask"]
    assert pictures(app, "Overlay") == before["Overlay"]


def test_several_images_have_their_figures_in_one_table(page, slices) -> None:
    app = put_in(page, *slices)
    (table,) = (table.value for table in app.dataframe)
    assert {"Decision", "Area, pixels", "Diameter, pixels", "Regions", "Heat inside"} <= set(table.columns)
    assert table["Area, pixels"].iloc[0] == measurements(app)["Area"].removesuffix(" pixels")


def test_an_image_that_the_segmentation_learnt_from_proves_nothing(page, marks: Run, masked_set: Path) -> None:
    from brainseg.results.stored_results import split

    table = split(RunStore(), marks)
    for side in ("train", "valid"):
        row = table[(table["split"] == side) & (table["label"] == "tumour")].iloc[0]
        app = put_in(page, masked_set / row["path"])
        scan = read_scan(masked_set / row["path"])
        assert model_cache.segmenter(marks.id).segment(scan).regions, "so the mask fits the label"
        label, membership = remarks_on(app, scan, marks)
        assert label in plain(app.info)
        assert " tumour." in label
        assert membership == training_membership([(Member.of(marks), known(marks, scan.sha256))])[0].sentence
        assert membership in plain(app.warning if side == "train" else app.info)


# ------------------------------------------------------------------------------------------- one of them alone


def test_a_segmentation_model_alone_answers(lonely, marks: Run, slices) -> None:
    assert [box.key for box in lonely.selectbox] == ["marker"]
    assert lonely.selectbox(key="marker").options == [run_words(marks, marks)]
    assert CAPTION in texts(lonely)
    app = put_in(lonely, *slices)
    found = model_cache.segmenter(marks.id).segment(read_scan(slices[0]))
    assert app.header[0].value.replace("\\", "").startswith(f"{found.area:,.0f} pixels ")
    assert len(pictures(app, "Image")) == len(pictures(app, "Mask")) == 1
    assert not pictures(app, "Heatmap")
    assert set(measurements(app)) == {"Area", "Largest diameter", "Regions"}
    assert not app.error
    files = {"diagnosis.csv", "diagnosis.png", "report.pdf", "report.html", "diagnosis.zip"}
    assert {button.key for button in app.download_button} == files
    app.button(key="sample-1").click().run()
    assert sample_of(app)[1].held_out
    assert training_membership([sample_of(app)])[0].sentence in plain(app.info)


def test_the_address_chooses_the_segmentation_model(marks: Run, open_page) -> None:
    app = open_page("diagnose", run=marks.id)
    assert app.selectbox(key="marker").value == marks.id
    assert app.selectbox(key="model").value == RunStore().get("tuned").id
    assert ":material/info:" not in icons(app.info), "the named run has a model"
    app.selectbox(key="marker").select("").run()
    address = {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}
    assert open_page("diagnose", **address).selectbox(key="marker").value == "", "a link keeps that nothing marks"


def test_a_model_of_several_modalities_cannot_take_one_image(marks: Run, open_page, masked_set: Path) -> None:
    edit_of_run(marks.id, lambda values: values.update(modalities=["FLAIR", "T1"]))
    model_cache.predictor(RunStore().get("tuned").id)
    app = put_in(open_page("diagnose"), masked_set / "images" / "patient00_0.png")
    assert refusal(Member.of(marks)) in plain(app.warning)
    assert "FLAIR, T1" in refusal(Member.of(marks))
    assert not pictures(app, "Mask")
    assert answered_on_page(app)
    delete(RunStore(), RunStore().get("tuned").id)
    app = open_page("diagnose")
    assert app.file_uploader(key="uploads").proto.disabled
    assert not app.error


def test_a_classifier_is_offered_before_a_segmentation_and_neither_is_taken_for_the_other(marks: Run) -> None:
    store = RunStore()
    tuned = store.get("tuned")
    store.promote(marks.id)
    assert default_run(store.list()).id == default_run(store.list(), "classify").id == tuned.id
    assert default_run(store.list(), "segment").id == marks.id
    with pytest.raises(BundleError, match="marks tumours"):
        model_cache.predictor(marks.id)
    with pytest.raises(BundleError, match="classifies images"):
        model_cache.segmenter(tuned.id)
    delete(store, tuned.id)
    assert default_run(store.list()).id == marks.id
    assert default_run(store.list(), "classify") is None


def test_a_promoted_segmentation_is_the_first_choice(marks: Run, masked_set: Path, open_page) -> None:
    store = RunStore()
    newer = create_claimed(store, tiny_config(masked_set, task="segment"), "newer")
    store.log_folder(newer.id, store.bundle(marks), "bundle")
    store.set_status(newer.id, "FINISHED")
    assert open_page("diagnose").selectbox(key="marker").value == newer.id
    store.promote(marks.id)
    assert open_page("diagnose").selectbox(key="marker").value == marks.id


# ------------------------------------------------------------------------------------------------------ downloads


def test_the_reports_say_what_the_page_says_and_name_no_file(marks: Run, slices) -> None:
    tuned = RunStore().get("tuned")
    scan = replace(read_scan(slices[0]), name="Planted_Person.png")
    answered = Answered(
        Case(scan.name, scan),
        model_cache.predictor(tuned.id).diagnose(scan),
        model_cache.segmenter(marks.id).segment(scan),
    )
    made = report_downloads(answered, [Member.of(tuned), Member.of(marks)], (0.5, 0.3))
    assert [(label, name) for label, name, *_ in made] == [
        ("Report (PDF)", "report.pdf"),
        ("Report (HTML)", "report.html"),
    ]
    pdf, page = (make() for *_, make in made)
    read, words = (
        Pdf(pdf),
        [
            *(answer.sentence for answer in answered.answers),
            *answered.warnings,
            answered.origin,
            training_membership([(Member.of(marks), known(marks, scan.sha256))])[0].sentence,
            agreement_sentence(answered.agreement, True),
        ],
    )
    for text in ("".join(read.pages), "".join(Page(page.decode()).words)):
        assert [part for part in words if squeezed(part) not in squeezed(text)] == []
    assert b"Planted" not in pdf + read.streams() + page


def test_without_reportlab_only_the_report_as_html_is_offered(marks: Run, slices, monkeypatch) -> None:
    scan = read_scan(slices[0])
    answered = Answered(Case(scan.name, scan), None, model_cache.segmenter(marks.id).segment(scan))
    monkeypatch.setattr("brainseg.app.diagnose.reports.installed", lambda library: library != "reportlab")
    assert [label for label, *_ in report_downloads(answered, [Member.of(marks)], (0.5, 0.3))] == ["Report (HTML)"]


@pytest.mark.parametrize("together", [True, False])
def test_the_downloads_carry_the_masks_figures(marks: Run, slices, together: bool) -> None:
    segmenter, predictor = model_cache.segmenter(marks.id), model_cache.predictor(RunStore().get("tuned").id)
    scans = [read_scan(file) for file in slices[:2]]
    answered = [
        Answered(Case(scan.name, scan), predictor.diagnose(scan) if together else None, segmenter.segment(scan))
        for scan in scans
    ]
    answered.append(Unreadable("b.png", "b.png is empty."))
    classes = predictor.description.classes if together else ()
    rows = list(csv.DictReader(io.StringIO(csv_file(answered, classes).decode("utf-8-sig"))))
    for row, each in zip(rows[:2], answered, strict=False):
        assert float(row["area"]) == each.marked.area
        assert float(row["diameter"]) == each.marked.diameter
        assert int(row["regions"]) == len(each.marked.regions)
        assert (row["area_unit"], row["length_unit"], row["marked_by"]) == ("pixels", "pixels", segmenter.name)
        assert ("label" in row) is together
        assert row["disclaimer"] == DISCLAIMER
        if together:
            assert float(row["heat_inside"]) == pytest.approx(each.agreement.energy_inside)
            assert row["heat_peak_inside"] == str(each.agreement.hit)
    assert (rows[2]["error"], rows[2]["area"]) == ("b.png is empty.", "")
    with zipfile.ZipFile(io.BytesIO(zip_file(answered, classes, 0.5, 0.3))) as archive:
        _, sheet, mask, *others = archive.namelist()
        assert len(others) == 2
        with Image.open(io.BytesIO(archive.read(mask))) as picture:
            assert (np.array(picture) == answered[0].marked.mask * 255).all()
        with Image.open(io.BytesIO(archive.read(sheet))) as picture:
            assert CAPTION[1:] in picture.text["Caption"]
            assert picture.width > 420 * (3 if together else 2)
