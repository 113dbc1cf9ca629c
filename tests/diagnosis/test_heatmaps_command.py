"""The command `heatmaps`: its measurements, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from brainseg.cli.app import app
from brainseg.diagnosis.heatmap_measurement import HEATMAPS, measure_and_store_heatmaps
from brainseg.diagnosis.predictor import Predictor
from brainseg.errors import BrainsegError
from brainseg.files import sha256_file
from brainseg.runs import Run, RunStore
from brainseg.scans import read_scan
from tests.conftest import tiny_config
from tests.models.conftest import make_classifier, one_sentence, store

HELD_OUT = 12
"""Number of evaluated slices, the last ones of the dataset; every second one has a tumour."""


@pytest.fixture
def data(tmp_path: Path, masked_set: Path) -> Path:
    """A dataset with labels of whole images and masks in its manifest."""
    folder = shutil.copytree(masked_set, tmp_path / "set")
    rows = []
    for image in sorted((folder / "images").iterdir()):
        mask = folder / "masks" / image.name
        label = "yes" if np.asarray(Image.open(mask)).any() else "no"
        rows.append({"path": f"images/{image.name}", "label": label, "mask": f"masks/{image.name}"})
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
    return folder


@pytest.fixture
def results(data: Path, tmp_path: Path) -> Path:
    """The results of a training: a model and its split."""
    folder = tmp_path / "results"
    store(folder / "bundle", make_classifier(stages=(2,)), heatmap_method="layer-cam", heatmap_stage=1)
    table = pd.read_csv(data / "manifest.csv")
    table["sha256"] = [sha256_file(data / path) for path in table["path"]]
    table["group"] = ""
    table["split"] = ["valid" if row >= len(table) - HELD_OUT else "train" for row in range(len(table))]
    table[["path", "label", "group", "sha256", "split"]].to_csv(folder / "split.csv", index=False)
    return folder


@pytest.fixture
def run(home: Path, data: Path, results: Path) -> Run:
    """A finished run."""
    opened = RunStore()
    made = opened.create(tiny_config(data), "pointed", "RUNNING")
    opened.log_folder(made.id, results)
    opened.set_status(made.id, "FINISHED")
    return opened.get(made.id)


def refused(*args: str) -> str:
    done = CliRunner().invoke(app, ["heatmaps", *args])
    assert isinstance(done.exception, BrainsegError), done.exception
    return one_sentence(done.exception)


def test_the_first_heatmaps_of_held_out_tumours_are_counted(run, data, results) -> None:
    done = CliRunner().invoke(app, ["heatmaps", "pointed", "--json"])
    assert done.exception is None, done.exception
    measured = json.loads(done.stdout)
    split = pd.read_csv(results / "split.csv")
    evaluated = split[(split["split"] == "valid") & (split["label"] == "yes")]["path"]
    assert measured["slices"] == len(evaluated) == HELD_OUT // 2
    predictor, hits, inside, area = Predictor.open(results / "bundle"), 0, [], []
    for path in evaluated:
        heatmap = predictor.diagnose(read_scan(data / path)).heatmap
        mask = np.asarray(Image.open(data / path.replace("images", "masks"))) > 0
        hits += bool(mask.flat[heatmap.argmax()])
        inside.append(heatmap[mask].sum() / heatmap.sum())
        area.append(mask.mean())
    assert (measured["hits"], measured["method"], measured["layer"]) == (hits, "layer-cam", "layer1")
    assert measured["pointing_game"] == pytest.approx(hits / len(evaluated))
    assert measured["energy_ratio"] == pytest.approx(np.mean(inside) / np.mean(area), rel=1e-5)
    shown = CliRunner().invoke(app, ["heatmaps", "pointed"]).stdout
    assert f"on {hits} of {len(evaluated)} slices that it did not learn from" in shown
    assert measure_and_store_heatmaps(results, data).hits == hits
    kept = json.loads((results / HEATMAPS).read_text("utf-8"))
    assert {name: measured[name] for name in kept} == kept


@pytest.mark.parametrize("fault", ["gone", "no masks", "changed", "no tumour"])
def test_what_stands_against_a_measurement_is_said_in_one_sentence(fault, run, data, results) -> None:
    manifest = pd.read_csv(data / "manifest.csv")
    if fault == "gone":
        data.rename(data.with_name("elsewhere"))
    elif fault == "no masks":
        manifest.drop(columns="mask").to_csv(data / "manifest.csv", index=False)
        shutil.rmtree(data / "masks")
    elif fault == "changed":
        for path in manifest["path"]:
            Image.fromarray(255 - np.asarray(Image.open(data / path))).save(data / path)
    else:
        for path in manifest["mask"]:
            Image.fromarray(np.zeros_like(Image.open(data / path))).save(data / path)
    sentence = refused("pointed")
    words = {"gone": "no longer exists", "no masks": "without masks", "changed": "changed", "no tumour": "none of"}
    assert words[fault] in sentence
    assert measure_and_store_heatmaps(results, data) is None
    assert not (results / HEATMAPS).exists()


def test_runs_without_a_heatmap_are_refused(run, data, masked_set) -> None:
    opened = RunStore()
    opened.create(tiny_config(masked_set, task="segment"), "marks", "FINISHED")
    opened.create(tiny_config(data), "waits")
    assert "marks tumours" in refused("marks")
    assert "choose a finished run" in refused("waits")
