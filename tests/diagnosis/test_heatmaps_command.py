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
from brainseg.diagnosis.heatmap_checks.sample import drawn_sample, held_out_images
from brainseg.diagnosis.heatmap_checks.words import check_rows, sample_sentence
from brainseg.diagnosis.heatmap_measurement import HEATMAPS, measure_and_store_heatmaps
from brainseg.diagnosis.predictor import Predictor
from brainseg.errors import BrainsegError
from brainseg.files import sha256_file
from brainseg.plots.heatmap_curves import heatmap_curves_figure
from brainseg.results import stored_results
from brainseg.results.run_details import details_json, run_details
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
    done = CliRunner().invoke(app, ["heatmaps", "pointed", "--images", "4", "--json"])
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
    shown = CliRunner().invoke(app, ["heatmaps", "pointed", "--images", "2"]).stdout
    assert f"on {hits} of {len(evaluated)} slices that it did not learn from" in shown
    assert measure_and_store_heatmaps(results, data).hits == hits
    kept = json.loads((results / HEATMAPS).read_text("utf-8"))
    assert (kept["schema"], kept["checks"]) == (2, None)
    assert {name: measured[name] for name in kept["pointing"]} == kept["pointing"]
    check_the_checks(measured["checks"], predictor, data, split)


def check_the_checks(checks: dict, predictor: Predictor, data: Path, split: pd.DataFrame) -> None:
    """Compare what the command measured on four held-out images with the parts of the measurement."""
    evaluated = drawn_sample(held_out_images(split.fillna("").assign(twin="")), 4)
    assert (checks["images"], checks["held_out"], checks["groups"]) == (4, HELD_OUT, 4)
    assert (checks["method"], checks["layer"], checks["version"]) == ("layer-cam", "layer1", predictor.bundle.version)
    scans = [read_scan(data / path) for path in evaluated["path"]]
    answers = [predictor.diagnose(scan) for scan in scans]
    curves = checks["curves"]
    for drawn in curves["deletion"].values():
        assert drawn[0] == pytest.approx(np.mean([each.probabilities[each.label] for each in answers]), abs=1e-5)
    for name in ("heatmap", "random", "centre"):
        areas = [curves[f"{kind}_area"][name]["value"] for kind in ("deletion", "insertion")]
        expected = [np.trapezoid(curves[kind][name], curves["fractions"]) for kind in ("deletion", "insertion")]
        assert areas == pytest.approx(expected)
    gain = curves["deletion_area"]["random"]["value"] - curves["deletion_area"]["heatmap"]["value"]
    assert curves["deletion_gain"]["random"]["value"] == pytest.approx(gain)
    measures = [*curves["deletion_area"].values(), *curves["insertion_gain"].values(), checks["road"]]
    for each in measures:
        assert each["n"] == 4
        assert each["interval"][0] <= each["value"] <= each["interval"][1]
    assert [depth["layers"] for depth in checks["randomisation"]] == ["head", "head to layer2", "the whole network"]
    right = [each.label == label for each, label in zip(answers, evaluated["label"], strict=True)]
    assert sum(each["n"] for each in checks["classes"]["per_class"].values()) <= sum(right)


def test_the_result_is_stored_and_the_model_and_its_later_answers_stay_the_same(run, data) -> None:
    opened = RunStore()
    before = stored_results.heatmaps(opened, run)
    first = CliRunner().invoke(app, ["heatmaps", "pointed", "--images", "3", "--json"])
    second = CliRunner().invoke(app, ["heatmaps", "pointed", "--images", "3", "--json"])
    assert before is None
    assert first.exception is None, first.exception
    assert first.stdout == second.stdout
    stored = stored_results.heatmaps(opened, run)
    assert json.loads(json.dumps(stored["checks"])) == json.loads(first.stdout)["checks"]
    assert stored["checks"]["images"] == 3
    assert "3 of 12 held-out images, drawn at random" in sample_sentence(stored["checks"])
    rows = check_rows(stored)
    assert [row.measure for row in rows][:3] == ["Pointing game", "Energy in the tumour", "Energy ratio"]
    assert all(row.n and row.meaning.endswith(".") for row in rows if row.value != "not defined")
    figure = heatmap_curves_figure(stored["checks"])
    assert len(figure.data) == 6
    assert "n = 3 images" in figure.layout.title.subtitle.text
    details = details_json(run_details(opened, run))
    assert details["heatmaps"]["slices"] == HELD_OUT // 2
    assert details["heatmap_checks"]["images"] == 3


@pytest.mark.parametrize("fault", ["no masks", "no tumour"])
def test_without_masks_everything_else_is_measured(fault, run, data, results) -> None:
    spoil(fault, data)
    done = CliRunner().invoke(app, ["heatmaps", "pointed", "--images", "2", "--json"])
    assert done.exception is None, done.exception
    found = json.loads(done.stdout)
    assert {"no masks": "without masks", "no tumour": "none of"}[fault] in found["problem"]
    assert "slices" not in found
    assert found["checks"]["images"] == 2
    assert measure_and_store_heatmaps(results, data) is None
    assert stored_results.heatmaps(RunStore(), run)["pointing"] is None


@pytest.mark.parametrize("fault", ["gone", "changed"])
def test_what_stands_against_a_measurement_is_said_in_one_sentence(fault, run, data, results) -> None:
    spoil(fault, data)
    sentence = refused("pointed")
    assert {"gone": "no longer exists", "changed": "changed"}[fault] in sentence
    assert measure_and_store_heatmaps(results, data) is None
    assert not (results / HEATMAPS).exists()
    assert stored_results.heatmaps(RunStore(), run) is None


def spoil(fault: str, data: Path) -> None:
    """Take something away that the measurement needs."""
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


def test_runs_without_a_heatmap_are_refused(run, data, masked_set) -> None:
    opened = RunStore()
    opened.create(tiny_config(masked_set, task="segment"), "marks", "FINISHED")
    opened.create(tiny_config(data), "waits")
    assert "marks tumours" in refused("marks")
    assert "choose a finished run" in refused("waits")


def test_the_benchmark_compares_ways_of_drawing(run, data, results, monkeypatch, capsys) -> None:
    from benchmarks import heatmaps as benchmark

    ways = ["grad-cam:2", "layer-cam:1", "layer-cam-stages-flips:1"]
    monkeypatch.setattr("sys.argv", ["heatmaps", "pointed", "--images", "2", "--ways", *ways])
    benchmark.main()
    first, _, _, *rows = capsys.readouterr().out.strip().splitlines()
    assert first.startswith(f"pointed: {HELD_OUT // 2} slices of {HELD_OUT // 2} patients")
    assert [row.split(" | ")[0] for row in rows] == [
        "| Grad-CAM on layer2",
        "| LayerCAM on layer1",
        "| flip-averaged LayerCAM of several stages from layer1 on",
    ]
    pointing = measure_and_store_heatmaps(results, data)  # by LayerCAM on layer1
    assert rows[1].split(" | ")[3].startswith(f"{pointing.pointing_game:.3f} (")
    assert rows[1].split(" | ")[5] == f"{pointing.energy_ratio:.2f}"
    assert ("grad-cam", 2) in benchmark.default_ways((1, 2))
    assert ("layer-cam-stages", 2) not in benchmark.default_ways((1, 2))
