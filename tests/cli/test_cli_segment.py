"""Segmentation as a user runs it: train, show and predict, and what they refuse."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from brainseg import DISCLAIMER
from brainseg.evaluation.segmentation import load_masks
from tests.cli.test_cli import TINY, assert_refused, here
from tests.conftest import fresh_home
from tests.results.report.reading import Page, Pdf, squeezed
from tests.scans.volumes.dicom_maker import write_series
from tests.scans.volumes.seg_reader import by_pydicom, furthest, opened, voxels_lps


@pytest.fixture(scope="module")
def segmented(tmp_path_factory: pytest.TempPathFactory, store_template: Path, masked_set: Path) -> tuple[Path, dict]:
    """A home with one finished segmentation run, and what `train --json` said of it."""
    home = fresh_home(tmp_path_factory.mktemp("cli") / "home", store_template)
    task = ["--set", "task=segment", "--set", "model.stages=[2]", "--set", "training.learning_rate=0.01"]
    done = here("train", "--data", masked_set, "--name", "marks", *TINY, *task, "--json", home=home)
    assert done.returncode == 0, done.stderr
    return home, json.loads(done.stdout)


def test_train_json_has_the_masks_scores(segmented) -> None:
    _, answer = segmented
    low, high = answer["metrics"]["intervals"]["dice"]
    assert 0 <= low <= answer["metrics"]["dice"] <= high <= 1
    assert answer["metrics"]["patients"] == 3


def test_show_and_runs_tell_dice_with_its_interval(segmented, tmp_path: Path) -> None:
    home, answer = segmented
    dice = f"{answer['metrics']['dice']:.3f}"
    shown = here("show", "marks", "--figures", tmp_path, home=home)
    assert shown.returncode == 0, shown.stderr
    assert f"Dice, all pixels        {dice} (95 % interval" in shown.stdout
    assert "validation slices" in shown.stdout
    assert "epoch   1 frozen    loss" in shown.stdout
    assert "  Dice 0." in shown.stdout
    drawn = {file.stem for file in tmp_path.iterdir()}
    assert drawn >= {"training_curves", "mask_scores", "dice_per_patient", "pixel_matrix", "worst_slices"}
    assert "not-drawn" not in drawn
    listed = here("runs", home=home)
    assert f"Dice {dice}" in listed.stdout
    (run,) = json.loads(here("runs", "--json", home=home).stdout)
    metrics = run["metrics"]
    assert metrics["final_dice_low"] <= metrics["final_dice"] <= metrics["final_dice_high"]
    assert {"final_patient_dice", "final_parameters", "final_diagnosis_ms", "dice", "valid_loss"} <= set(metrics)


def test_predict_measures_and_writes_the_mask(segmented, masked_set: Path, tmp_path: Path) -> None:
    home, answer = segmented
    results = Path(answer["bundle"]).parent
    table = here("show", "marks", "--json", home=home)
    assert table.returncode == 0
    files = sorted((masked_set / "images").iterdir())[:2]
    bad = tmp_path / "notes.png"
    bad.write_text("no image")
    done = here(
        "predict", "--run", "marks", *files, bad, "--json", "--mask", tmp_path / "mask.png",
        "--overlay", tmp_path / "sheet.png", "--csv", tmp_path / "answers.csv", home=home,
    )  # fmt: skip
    assert done.returncode == 1
    first, second, failed = json.loads(done.stdout)
    assert "notes.png" in failed["error"]
    for found, file in ((first, files[0]), (second, files[1])):
        mask = np.array(Image.open(found["mask"]))
        assert mask.shape == np.array(Image.open(file)).shape
        assert set(np.unique(mask)) <= {0, 255}
        assert found["area"] == (mask == 255).sum() == sum(region["pixels"] for region in found["regions"])
        assert found["area_unit"] == "pixels"
        assert Path(found["overlay"]).is_file()
    rows = list(csv.DictReader((tmp_path / "answers.csv").open(encoding="utf-8")))
    assert [row["file"] for row in rows] == [str(file) for file in (*files, bad)]
    assert float(rows[0]["area"]) == first["area"]
    assert rows[2]["error"]
    assert len(load_masks(results / "masks.npz")) == answer["metrics"]["slices"]


def test_a_study_is_marked_and_measured(segmented, tmp_path: Path) -> None:
    home, _ = segmented
    values = np.random.default_rng(0).normal(100, 30, (5, 40, 36)).clip(0).astype(np.uint16)
    write_series(tmp_path / "study", values)
    done = here("predict", "--run", "marks", tmp_path / "study", "--out", tmp_path / "out", "--json", home=home)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    image = nib.load(answer["mask"])
    mask = np.asanyarray(image.dataobj)
    assert mask.shape == (36, 40, 5)
    assert answer["ml"]["tumour"] == pytest.approx((mask > 0).sum() * 1.5 * 2 * 3 / 1000)
    rows = list(csv.DictReader(Path(answer["measurements"]).read_text("utf-8").splitlines()))
    assert [row["what"] for row in rows] == ["all", *(f"lesion {i + 1}" for i in range(len(answer["lesions"])))]
    assert float(rows[0]["ml"]) == pytest.approx(sum(float(row["ml"]) for row in rows[1:]))
    written = [gzip.decompress(Path(answer["mask"]).read_bytes()), Path(answer["measurements"]).read_bytes()]
    written += [Path(answer[name]).read_bytes() for name in ("measurements_dcm", "mask_dcm")]
    assert b"Planted" not in b"".join(written) + done.stdout.encode()
    place, size = by_pydicom(written[-1])
    assert size == pytest.approx(answer["ml"]["tumour"] * 1000)
    if len(place):
        assert furthest(place, voxels_lps(mask, image.affine)) < 1e-3
    data = opened(written[-1])
    assert data.SegmentSequence[0].SegmentAlgorithmName == answer["model"]
    assert data.StudyInstanceUID == "1.2.3.4"
    assert answer["mask_dcm_note"] is None
    (measured,) = opened(written[-2]).CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    assert measured.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == data.SOPInstanceUID
    again = here("predict", "--run", "marks", tmp_path / "study", "--out", tmp_path / "out", home=home)
    assert_refused(again, "mask.nii.gz exists already", "name another folder")


def test_a_study_in_nifti_has_no_mask_in_dicom_and_the_command_says_so(segmented, tmp_path: Path) -> None:
    home, _ = segmented
    values = np.random.default_rng(0).normal(100, 30, (36, 40, 3)).clip(0).astype(np.int16)
    nib.save(nib.Nifti1Image(values, np.diag([1.5, 2.0, 3.0, 1.0])), tmp_path / "scan.nii.gz")
    why = "scan.nii.gz is NIfTI and not DICOM, so its mask is not written as DICOM."
    done = here("predict", "--run", "marks", tmp_path / "scan.nii.gz", "--out", tmp_path / "a", "--json", home=home)
    answer = json.loads(done.stdout)
    assert (answer["mask_dcm"], answer["measurements_dcm"], answer["mask_dcm_note"]) == (None, None, why)
    done = here("predict", "--run", "marks", tmp_path / "scan.nii.gz", "--out", tmp_path / "b", home=home)
    assert why in done.stderr.splitlines()
    assert "mask.nii.gz, measurements.csv, report.pdf and report.html are in" in done.stdout
    for folder in ("a", "b"):
        assert not list((tmp_path / folder).glob("*.dcm"))


def test_a_study_has_a_report_that_names_nobody(segmented, tmp_path: Path) -> None:
    home, _ = segmented
    values = np.random.default_rng(0).normal(100, 30, (36, 40, 5)).clip(0).astype(np.float32)
    image = nib.Nifti1Image(values, np.diag([1.5, 2, 3, 1]))
    image.header["descrip"] = b"Planted Person"
    nib.save(image, tmp_path / "Planted_Person.nii.gz")
    done = here("predict", "--run", "marks", tmp_path / "Planted_Person.nii.gz", "--out", tmp_path / "out", home=home)
    assert done.returncode == 0, done.stderr
    assert "mask.nii.gz, measurements.csv, report.pdf and report.html are in" in done.stdout
    finding = done.stdout.split("Planted_Person.nii.gz: ")[1].splitlines()[0]
    pdf, page = (
        Pdf((tmp_path / "out" / "report.pdf").read_bytes()),
        (tmp_path / "out" / "report.html").read_text("utf-8"),
    )
    for text in ("".join(pdf.pages), "".join(Page(page).words)):
        assert squeezed(finding) in squeezed(text)
        assert squeezed("36 × 40 × 5 voxels of 1.50 × 2.00 × 3.00 mm") in squeezed(text)
        assert squeezed(DISCLAIMER) in squeezed(text)
    assert b"Planted" not in pdf.content + pdf.streams() + page.encode()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "report.html").touch()
    again = here(
        "predict", "--run", "marks", tmp_path / "Planted_Person.nii.gz", "--out", tmp_path / "other", home=home
    )
    assert_refused(again, "report.html exists already", "name another folder")


def test_images_of_a_segmentation_have_a_report(segmented, masked_set: Path, tmp_path: Path) -> None:
    home, _ = segmented
    planted = tmp_path / "Planted_Person.png"
    planted.write_bytes((masked_set / "images" / "patient00_0.png").read_bytes())
    bad = tmp_path / "notes.png"
    bad.write_text("no image")
    command = ["predict", "--run", "marks", planted, bad, masked_set / "images" / "patient00_1.png"]
    done = here(*command, "--report", tmp_path / "report.pdf", "--json", home=home)
    assert done.returncode == 1, done.stderr
    first, failed, third = json.loads(done.stdout)
    assert first["report"] == third["report"] == str(tmp_path / "report.pdf")
    assert "report" not in failed
    pdf = Pdf((tmp_path / "report.pdf").read_bytes())
    said = squeezed("".join(pdf.pages))
    assert said.index("Image1of3:PNG") < said.index(squeezed(first["sentence"])) < said.index("Image3of3:PNG")
    assert "Image2of3" not in said
    assert b"Planted" not in pdf.content + pdf.streams()
    assert_refused(here(*command, "--report", tmp_path / "a.txt", home=home), "--report must end in .pdf or .html")
    same = tmp_path / "same.pdf"
    both = here(*command, "--report", same, "--csv", same, home=home)
    assert_refused(both, "--csv and --report would both write")
    many = here("predict", "--run", "marks", *[planted] * 51, "--report", tmp_path / "b.pdf", home=home)
    assert_refused(many, "--report is for up to 50 images at a time, not 51")
    study = here("predict", "--run", "marks", planted, "--out", tmp_path, "--report", tmp_path / "b.pdf", home=home)
    assert_refused(study, "--report is for images, and --out for a study")


def test_a_study_and_options_of_images_exclude_each_other(segmented, tmp_path: Path) -> None:
    home, _ = segmented
    out = ["--out", tmp_path / "out"]
    done = here("predict", "--run", "marks", tmp_path, *out, "--mask", tmp_path / "m.png", home=home)
    assert_refused(done, "--mask is for images, and --out for a study")
    assert_refused(here("predict", "--run", "marks", tmp_path, *out, "--plane", "up", home=home), "--plane must be")
    assert_refused(here("predict", "--run", "marks", tmp_path, tmp_path, *out, home=home), "name one file")
    assert_refused(here("predict", "--run", "marks", tmp_path / "none", *out, home=home), "none does not exist")
    assert not (tmp_path / "out").exists()


def test_options_and_runs_of_the_other_task_are_one_sentence(segmented, masked_set: Path, tmp_path: Path) -> None:
    home, _ = segmented
    file = next((masked_set / "images").iterdir())
    done = here("predict", "--run", "marks", file, "--cam", tmp_path / "cam.png", home=home)
    assert_refused(done, "--cam is for a run that classifies images, but the run of --run marks", "leave it out")
    assert_refused(here("predict", "--run", "marks", "--run", "marks", file, home=home), "name one")
    done = here("train", "--data", masked_set, *TINY, "--set", "task=segment", "--set", "model.head=svm", home=home)
    assert_refused(done, "model.head", "not for task segment")
