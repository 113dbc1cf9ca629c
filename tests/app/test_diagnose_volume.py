"""Volumes on the Diagnose page: listed, marked beside the page, corrected, measured and offered as files."""

from __future__ import annotations

import csv
import html
import io
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from brainseg import DISCLAIMER
from brainseg.app import model_cache, state
from brainseg.app.diagnose.members import Member
from brainseg.app.diagnose.volume.answers import CANCELLED, Marked, VolumeAnswers
from brainseg.app.diagnose.volume.downloads import FILES
from brainseg.app.diagnose.volume.page import NO_MODEL
from brainseg.app.diagnose.volume.work import Cancelled, Work
from brainseg.app.volume_viewer.packing import pack_mask
from brainseg.diagnosis.mask_images import CAPTION
from brainseg.diagnosis.study import volumes_for
from brainseg.diagnosis.volume_mask import CORRECTED, mark_volume
from brainseg.jobs.removal import delete
from brainseg.monitoring import AnswerLog
from brainseg.phantom import MODALITIES, sample
from brainseg.phantom.sample import SYNTHETIC
from brainseg.runs import Run, RunStore
from tests.app.diagnose_pages import put_in, texts
from tests.app.page_text import plain
from tests.app.volume_pages import AFFINE, ball_mask, dicom_zip, head_values, nifti
from tests.bundles import edit_of_run
from tests.scans.volumes.dicom_maker import NAME


@pytest.fixture
def marks(segment_home: Path) -> Run:
    """The segmentation run of `segment_home`."""
    return RunStore().get("marks")


@pytest.fixture
def page(marks: Run, open_page) -> AppTest:
    """The page for volumes with both models in memory."""
    model_cache.predictor(RunStore().get("tuned").id)
    model_cache.segmenter(marks.id)
    return open_page("diagnose", view="Volume")


def put_volumes(app: AppTest, *files: Path) -> AppTest:
    """Upload files, as dropping them does."""
    key = state.volume_uploads(0)
    app.file_uploader(key=key).set_value([(file.name, file.read_bytes(), "") for file in files]).run()
    assert not app.exception
    return app


def finish(app: AppTest) -> AppTest:
    """Wait for the work in the background, and draw the page again, as its timer does."""
    if state.VOLUME_WORK in app.session_state:
        with suppress(Exception):  # which the page is to show
            app.session_state[state.VOLUME_WORK][1].result()
    app.run()
    assert not app.exception
    return app


def kept(app: AppTest) -> list[object]:
    answers: VolumeAnswers = app.session_state[state.VOLUME_ANSWERS]
    return list(answers.kept.values())


def viewer_data(app: AppTest) -> dict:
    """Return what the page sends to the viewer."""
    import json

    (viewer,) = [each for each in app.get("bidi_component") if each.proto.component_name == "brainseg_viewer"]
    return json.loads(viewer.proto.json)


# ------------------------------------------------------------------------------------------------------ the list


def test_series_are_listed_and_shown_without_any_model(home: Path, open_page, tmp_path: Path) -> None:
    app = open_page("diagnose", view="Volume")
    assert "Drop a scan on the left" in texts(app)
    app = put_volumes(app, dicom_zip(tmp_path), nifti(tmp_path / "brain_flair.nii.gz", head_values(1)))

    said = texts(app)
    assert NO_MODEL in said
    assert "2 series" in said
    assert "64 x 56 x 24 voxels, stored LPS · 1 x 1 x 2 mm (right, front, up) · DICOM" in said
    sequences = [box.value for box in app.selectbox if box.key.startswith("volumes:sequence")]
    assert sequences == ["T1", "FLAIR"]
    data = viewer_data(app)
    assert data["shape"] == [64, 56, 24]
    assert data["masks"] is None
    assert NAME not in said
    assert not app.error


def test_a_synthetic_study_can_be_tried_and_cleared(home: Path, open_page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "sample_study", partial(sample.sample_study, size=64))
    app = open_page("diagnose", view="Volume")
    app.button(key="synthetic-study").click().run()
    assert {box.value for box in app.selectbox if (box.key or "").startswith("volumes:sequence")} == set(MODALITIES)
    assert sum(SYNTHETIC in caption for caption in plain(app.caption)) == 4
    app.button(key="clear-volumes").click().run()
    assert app.button(key="synthetic-study")
    assert not any(box.key.startswith("volumes:sequence") for box in app.selectbox if box.key)


def test_another_series_is_shown_after_a_click(home: Path, open_page, tmp_path: Path) -> None:
    app = put_volumes(
        open_page("diagnose", view="Volume"), nifti(tmp_path / "a.nii.gz"), nifti(tmp_path / "b.nii.gz", head_values(1))
    )
    first = viewer_data(app)["id"]
    other = next(b.key for b in app.button if str(b.key).startswith("show-") and b.key != f"show-{first}")
    app.button(key=other).click().run()
    assert viewer_data(app)["id"] == other.removeprefix("show-") != first


def test_what_cannot_be_read_has_its_sentence_beside_the_others(home: Path, open_page, tmp_path: Path) -> None:
    (tmp_path / "cut.nii.gz").write_bytes(nifti(tmp_path / "whole.nii.gz").read_bytes()[:3000])
    app = put_volumes(open_page("diagnose", view="Volume"), tmp_path / "cut.nii.gz", tmp_path / "whole.nii.gz")
    (error,) = plain(app.error)
    assert error.startswith("cut.nii.gz is damaged")
    assert "1 series" in texts(app)


def test_the_uploader_of_images_sends_scans_to_the_volumes(page: AppTest, open_page, tmp_path: Path) -> None:
    app = put_in(open_page("diagnose"), nifti(tmp_path / "scan.nii.gz"))
    (error,) = plain(app.error)
    assert error == (
        "scan.nii.gz is a NIfTI file, which brainseg does not read as an image: open it under Volume on Diagnose, or "
        "export its slices as PNG."
    )


# ---------------------------------------------------------------------------------------------------- the answer


def test_a_volume_is_marked_measured_and_logged_once(page: AppTest, marks: Run, tmp_path: Path) -> None:
    app = put_volumes(page, dicom_zip(tmp_path))
    app.button(key="mark-volume").click().run()
    assert not app.exception
    app = finish(app)
    (marked,) = kept(app)
    answer = marked.model.answer
    truth = ball_mask()
    overlap = 2 * (truth & (answer.mask > 0)).sum() / (truth.sum() + (answer.mask > 0).sum())
    assert overlap > 0.7, "the model of the tests finds the ball"
    segmenter = model_cache.segmenter(marks.id)
    alone = mark_volume(segmenter, volumes_for(segmenter.description, [answer.volume]))
    assert np.array_equal(answer.mask, alone.mask)
    said = texts(app)
    for words in (answer.finding, answer.origin, CAPTION, *answer.warnings):
        assert words in said
    (table,) = [frame.value for frame in app.dataframe if "Diameter, mm" in frame.value.columns]
    assert table["ml"].tolist() == [round(lesion.ml, 3) for lesion in answer.lesions]
    assert viewer_data(app)["masks"]["model"] == pack_mask(answer.mask)
    assert app.button(key="mark-volume").disabled
    app.run()
    app.run()
    log = AnswerLog().read()
    assert log[["source", "model", "image_sha256"]].to_numpy().tolist() == [["page", answer.model, answer.image_sha256]]


def test_a_click_on_a_slice_shows_it_in_the_viewer(page: AppTest, tmp_path: Path) -> None:
    app = put_volumes(page, dicom_zip(tmp_path))
    app.button(key="mark-volume").click().run()
    app = finish(app)
    (marked,) = kept(app)
    key = next(button.key for button in app.button if str(button.key).startswith("first-area-"))
    app.button(key=key).click().run()
    place = int(key.rpartition("-")[2])
    voxel = viewer_data(app)["jump"]["voxel"]
    assert voxel[2] == place
    assert marked.model.answer.mask[tuple(voxel)]


def test_a_correction_is_kept_beside_the_models_mask(page: AppTest, tmp_path: Path) -> None:
    app = put_volumes(page, dicom_zip(tmp_path))
    app.button(key="mark-volume").click().run()
    app = finish(app)
    answers: VolumeAnswers = app.session_state[state.VOLUME_ANSWERS]
    ((key, marked),) = answers.kept.items()
    mask = np.zeros_like(marked.model.answer.mask)
    mask[10:14, 10:14, 5:8] = 1
    correct(app, key, {"key": marked.key, "mask": pack_mask(mask)})

    corrected = answers.kept[key]
    assert np.array_equal(corrected.person.answer.mask, mask)
    assert corrected.model is marked.model
    said = texts(app)
    assert CORRECTED in said
    assert "1 lesion, 0.10 ml in total" in said  # 48 voxels of 2 mm3
    data = viewer_data(app)["masks"]
    assert (data["model"], data["person"]) == (pack_mask(marked.model.answer.mask), pack_mask(mask))
    names = {button.key for button in app.download_button}
    assert {"download-mask.nii.gz", "download-mask-corrected.nii.gz"} <= names
    assert {"download-measurements.csv", "download-measurements-corrected.csv"} <= names
    assert len(AnswerLog().read()) == 1

    app.button(key="drop-correction").click().run()
    assert answers.kept[key].person is None
    assert CORRECTED not in texts(app)


def correct(app: AppTest, key: tuple[object, ...], sent: object) -> None:
    """Keep a correction as the viewer's callback does, which a page under test cannot run, and draw the page again."""
    from brainseg.app.diagnose.volume import answers as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "session_answers", lambda: app.session_state[state.VOLUME_ANSWERS])
        module.keep_correction(key, sent)
    app.run()
    assert not app.exception


def test_what_is_about_another_answer_is_dropped(page: AppTest, tmp_path: Path) -> None:
    app = put_volumes(page, dicom_zip(tmp_path))
    app.button(key="mark-volume").click().run()
    app = finish(app)
    answers: VolumeAnswers = app.session_state[state.VOLUME_ANSWERS]
    ((key, marked),) = answers.kept.items()
    for sent in (None, "text", {"key": "other", "mask": marked.model.packed}):
        correct(app, key, sent)
        assert answers.kept[key].person is None


def test_the_files_are_those_of_the_command_line(page: AppTest, tmp_path: Path) -> None:
    app = put_volumes(page, dicom_zip(tmp_path))
    app.button(key="mark-volume").click().run()
    app = finish(app)
    (marked,) = kept(app)
    member = Member.of(RunStore().get(marked.model.answer.model.split(" (")[0]))
    made = {file.name: file.make(marked.model.answer, member) for file in FILES}
    objects = ["mask.dcm", "measurements.dcm"]
    assert set(made) == {"mask.nii.gz", *objects, "measurements.csv", "report.pdf", "report.html"}
    assert [made[name][128:132] for name in objects] == [b"DICM"] * 2
    assert made["report.pdf"].startswith(b"%PDF")
    assert marked.model.answer.finding in html.unescape(made["report.html"].decode())
    (tmp_path / "mask.nii.gz").write_bytes(made["mask.nii.gz"])
    image = nib.load(tmp_path / "mask.nii.gz")
    assert int(np.asanyarray(image.dataobj).sum()) == int((marked.model.answer.mask > 0).sum())
    rows = list(csv.DictReader(io.StringIO(made["measurements.csv"].decode("utf-8-sig"))))
    assert rows[0]["mask_by"] == "model"
    assert float(rows[0]["ml"]) == marked.model.answer.total_ml
    for content in made.values():
        assert b"Planted" not in content
    assert rows[0]["disclaimer"] == DISCLAIMER
    assert DISCLAIMER in str(image.header["descrip"])


def test_every_slice_is_classified(page: AppTest, tmp_path: Path) -> None:
    app = put_volumes(page, nifti(tmp_path / "head.nii.gz"))
    app.button(key="classify-volume").click().run()
    app = finish(app)
    (answer,) = kept(app)
    assert not isinstance(answer, Marked)
    assert answer.finding in texts(app)
    assert state.CLASS_CURVE in [each.key for each in app.get("plotly_chart")]
    assert AnswerLog().read().empty


# --------------------------------------------------------------------------------------- sequences, cancel, errors


def test_a_model_of_several_sequences_takes_the_corrected_ones(page: AppTest, marks: Run, open_page, tmp_path) -> None:
    edit_of_run(marks.id, lambda values: values.update(modalities=["FLAIR", "T1"], channels=["FLAIR", "T1", "T1"]))
    shifted = AFFINE.copy()
    shifted[2, 3] = 1.0
    files = nifti(tmp_path / "jane_doe.nii.gz"), nifti(tmp_path / "jane_doe_t1.nii.gz", head_values(1), shifted)
    app = put_volumes(open_page("diagnose", view="Volume"), *files)
    app.button(key="mark-volume").click().run()
    app = finish(app)
    (warning,) = [text for text in plain(app.warning) if "needs one FLAIR volume" in text]
    assert "the study holds none: add one, or choose FLAIR as its sequence in the list of series." in warning

    unknown = next(box for box in app.selectbox if box.key.startswith("volumes:sequence") and box.value == "other")
    unknown.select("FLAIR").run()
    assert not app.button(key="mark-volume").disabled
    app.button(key="mark-volume").click().run()
    app = finish(app)
    (marked,) = kept(app)
    answer = marked.model.answer
    assert answer.image_sha256.count("+") == 1
    assert "The T1 volume was resampled to the grid of the FLAIR volume." in answer.warnings
    files = [file for file in FILES if file.only(answer)]
    assert "mask.dcm" not in [file.name for file in files]  # the series are no DICOM
    written = b"".join(file.make(answer, Member.of(marks)) for file in files) + answer.volume.name.encode()
    assert b"jane_doe" not in written.lower(), "a file's name may be a patient's"


def test_a_volume_without_a_place_is_refused_in_one_sentence(page: AppTest, tmp_path: Path) -> None:
    image = nib.Nifti1Image(head_values(), None)
    nib.save(image, tmp_path / "nowhere.nii.gz")
    app = put_volumes(page, tmp_path / "nowhere.nii.gz")
    app.button(key="mark-volume").click().run()
    app = finish(app)
    assert "nowhere.nii.gz does not say how large its voxels are" in " ".join(plain(app.warning))
    assert viewer_data(app)["affine"] is None


def test_cancelled_work_ends_and_says_so(page: AppTest, tmp_path: Path) -> None:
    long = np.repeat(head_values()[..., 10:12], 500, axis=2)
    app = put_volumes(page, nifti(tmp_path / "long.nii.gz", long))
    app.button(key="mark-volume").click().run()
    app.session_state[state.VOLUME_WORK][1].cancel()
    app = finish(app)
    assert CANCELLED in plain(app.warning)
    assert state.VOLUME_ANSWERS not in app.session_state or kept(app) == []
    assert not app.button(key="mark-volume").disabled


def test_work_stops_at_its_next_step_and_other_work_goes_on() -> None:
    gate, steps = threading.Event(), []

    def count(report) -> str:
        for number in range(3):
            gate.wait(30)
            report(number + 1, 3)
            steps.append(number)
        return "done"

    one, other = Work(count), Work(lambda report: count(lambda *_: None))
    one.cancel()
    assert not one.finished
    gate.set()
    with pytest.raises(Cancelled):
        one.result()
    assert other.result() == "done"
    assert steps == [0, 1, 2]
    assert (one.done, one.total) == (1, 3)
    with pytest.raises(ZeroDivisionError):
        Work(lambda _: 1 / 0).result()


def test_all_volumes_are_cleared_at_once(page: AppTest, tmp_path: Path) -> None:
    app = put_volumes(page, dicom_zip(tmp_path))
    app.button(key="mark-volume").click().run()
    app = finish(app)
    app.button(key="clear-volumes").click().run()
    assert "Drop a scan on the left" in texts(app)
    for key in (state.VOLUME_ANSWERS, state.VOLUMES_DERIVED, state.VIEWER_JUMP):
        assert key not in app.session_state
    assert app.session_state[state.VOLUMES_READ] == {}


def test_a_home_whose_only_model_marks_offers_it(marks: Run, open_page, tmp_path: Path) -> None:
    delete(RunStore(), RunStore().get("tuned").id)
    model_cache.segmenter(marks.id)
    app = put_volumes(open_page("diagnose", view="Volume"), nifti(tmp_path / "head.nii.gz"))
    assert "classify-volume" not in [button.key for button in app.button]
    assert not app.button(key="mark-volume").disabled
    assert Member.of(marks).name in texts(app)
