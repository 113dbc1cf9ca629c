"""The Runs page of a segmentation run."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from brainseg.app.frame import UNEXPECTED
from brainseg.app.runs.view import head_words
from brainseg.app.segmentation.run_panels import FEW_PATIENTS
from brainseg.results.exports import bundle_zip, predictions_file
from brainseg.results.run_plots import plots_zip
from brainseg.results.run_wording import model_words, run_label
from brainseg.runs import Run, RunStore
from tests.app.page_text import plain
from tests.app.run_pages import charts, open_panel, texts

PANEL = "tab"
CHARTS = {"Scores": 1, "Training": 1, "Dice": 3, "Worst slices": 1, "Pixels": 1, "Calibration": 1}
PANELS = [*CHARTS, "Slices", "Subsets", "Settings", "Data and split", "Log"]
DRAWN_FROM = {
    "slices.parquet": ["Dice", "Worst slices", "Slices"],
    "masks.npz": ["Worst slices"],
    "truth.npz": ["Worst slices"],
    "evaluation.json": ["Scores", "Pixels"],
    "pixel_calibration.json": ["Calibration"],
    "baselines.json": ["Scores"],
    "epochs.csv": ["Training"],
}


@pytest.fixture
def marks(segment_home: Path) -> Run:
    return RunStore().get("marks")


@pytest.mark.parametrize("panel", PANELS)
def test_every_panel_draws(marks: Run, open_page, panel: str) -> None:
    app = open_panel(open_page("runs", run=marks.id), panel, PANEL)
    assert not app.exception
    assert not app.error
    assert charts(app) == CHARTS.get(panel, 0)


def test_scores_stand_with_interval_and_count(marks: Run, open_page) -> None:
    app = open_page("runs", run=marks.id)
    report = json.loads(RunStore().path(marks.id, "evaluation.json").read_text())
    low, high = report["intervals"]["dice"]
    assert f"{low:.3f} to {high:.3f}, n = {report['slices']} " in texts(app)
    shown = {each.label: each.value for each in app.metric}
    assert shown["Dice, all pixels"] == f"{report['dice']:.3f}"
    assert shown["Dice, mean of patients"] == f"{report['patient_dice']:.3f}"
    found = report["detection"]
    assert f"{found['tp']} of {found['tp'] + found['fn']} " in texts(app)
    assert FEW_PATIENTS.format(3) in plain(app.warning)
    assert head_words(marks).replace("\\", "") in texts(app)
    assert model_words(marks) in head_words(marks).replace("\\", "")
    assert app.selectbox(key="run-choice").options[0] == run_label(marks)
    assert f"{report['dice']:.3f}" in run_label(marks)


def test_the_table_has_every_judged_slice_worst_first(marks: Run, open_page) -> None:
    app = open_panel(open_page("runs", run=marks.id), "Slices", PANEL)
    table = pd.read_parquet(RunStore().path(marks.id, "slices.parquet"))
    shown = app.dataframe[0].value
    assert sorted(shown["Slice"]) == sorted(table["path"])
    assert shown["Dice"].iloc[0] == table["dice"].min()


def test_what_can_be_taken_along(marks: Run) -> None:
    store = RunStore()
    names = zipfile.ZipFile(io.BytesIO(plots_zip(store, marks))).namelist()
    drawn = {"mask_scores", "dice_per_patient", "worst_slices", "training_curves"}
    assert {f"figures/{name}.html" for name in drawn} <= set(names)
    assert "bundle/model.safetensors" in zipfile.ZipFile(io.BytesIO(bundle_zip(store, marks))).namelist()
    lines = predictions_file(store, marks).decode("utf-8-sig").splitlines()
    table = pd.read_parquet(store.path(marks.id, "slices.parquet"))
    assert all(any(path in line for line in lines) for path in table["path"])


@pytest.mark.parametrize("file", DRAWN_FROM)
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_file_is_one_sentence(marks: Run, open_page, file: str, damage: str) -> None:
    stored = RunStore().path(marks.id, file)
    stored.write_bytes(stored.read_bytes()[:20]) if damage == "cut" else stored.unlink()
    app = open_page("runs", run=marks.id)
    for panel in PANELS:
        open_panel(app, panel, PANEL)
        assert not app.exception
        shown = plain([*app.error, *app.info])
        assert not any(text.startswith(UNEXPECTED.partition("{")[0]) for text in shown)
        if panel in DRAWN_FROM[file] and (damage == "cut" or file != "baselines.json"):
            word = "damaged" if damage == "cut" else "missing"
            assert any(file in text and word in text for text in shown), panel
