"""`predict` with other heatmaps and with ensembles."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from brainseg.cli.app import app
from brainseg.diagnosis.ensemble import consult
from brainseg.diagnosis.predictor import Predictor
from brainseg.errors import BrainsegError
from brainseg.runs import RunStore
from brainseg.scans import read_scan
from tests.conftest import draw_slice, tiny_config
from tests.models.conftest import make_classifier, store


@pytest.fixture
def image(tmp_path: Path) -> Path:
    import numpy as np

    Image.fromarray(draw_slice(np.random.default_rng(0), tumour=True)).save(tmp_path / "slice.png")
    return tmp_path / "slice.png"


@pytest.fixture
def runs(home: Path, tmp_path: Path, tiny_set: Path) -> list[str]:
    """Three finished runs; the last one tells other classes apart."""
    opened, ids = RunStore(), []
    for seed, classes in enumerate((("no", "yes"), ("yes", "no"), ("no", "yes", "maybe"))):
        model = make_classifier(stages=(3,), classes=len(classes), seed=seed)
        store(tmp_path / str(seed) / "bundle", model, classes, name=f"run {seed}")
        run = opened.create(tiny_config(tiny_set), f"run {seed}", "RUNNING")
        opened.log_folder(run.id, tmp_path / str(seed))
        opened.set_status(run.id, "FINISHED")
        ids.append(run.id)
    return ids


def told(*args: object) -> list[dict]:
    done = CliRunner().invoke(app, ["predict", *map(str, args), "--json"])
    assert done.exception is None, done.exception
    return json.loads(done.stdout)


def test_method_layer_and_class_can_be_chosen(runs, image, tmp_path) -> None:
    (plain,) = told("--run", runs[0], image)
    assert (plain["method"], plain["layer"], plain["explained"]) == ("grad-cam", "layer3", plain["label"])
    other = "no" if plain["label"] == "yes" else "yes"
    (answer,) = told("--run", runs[0], image, "--method", "grad-cam++", "--layer", 2, "--explain", other, "--cam",
                     tmp_path / "cam.png")  # fmt: skip
    assert (answer["method"], answer["layer"], answer["explained"]) == ("grad-cam++", "layer2", other)
    assert answer["probabilities"] == pytest.approx(plain["probabilities"], abs=1e-6)
    assert (tmp_path / "cam.png").stat().st_size > 1000


def test_several_runs_answer_together(runs, image, tmp_path) -> None:
    (answer,) = told("--run", runs[0], "--run", runs[1], image, "--csv", tmp_path / "out.csv")
    opened = RunStore()
    predictors = [Predictor.open(opened.bundle(opened.get(run_id))) for run_id in runs[:2]]
    expected = consult(predictors, read_scan(image))
    assert answer["label"] == expected.label
    assert answer["probabilities"] == pytest.approx(expected.probabilities, abs=1e-6)
    assert answer["spread"] == pytest.approx(expected.spread, abs=1e-6)
    assert answer["deviation"] == pytest.approx(expected.deviation, abs=1e-6)
    assert [member["model"] for member in answer["members"]] == [each.name for each in predictors]
    (row,) = csv.DictReader((tmp_path / "out.csv").open(encoding="utf-8"))
    assert float(row["spread"]) == pytest.approx(expected.spread[expected.label], abs=1e-6)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (["--method", "magic"], "--method must be one of grad-cam, grad-cam++, eigen-cam, score-cam, not magic"),
        (["--explain", "perhaps"], "--explain must be one of no, yes, not perhaps"),
        (["--layer", "4"], "--layer must be one of 1, 2, 3, not 4"),
    ],
)
def test_what_cannot_be_had_is_one_sentence(wrong, words, runs, image) -> None:
    done = CliRunner().invoke(app, ["predict", "--run", runs[0], str(image), *wrong])
    assert isinstance(done.exception, BrainsegError)
    assert words in str(done.exception)


def test_runs_of_other_classes_do_not_answer_together(runs, image) -> None:
    done = CliRunner().invoke(app, ["predict", "--run", runs[0], "--run", runs[2], str(image)])
    assert isinstance(done.exception, BrainsegError)
    assert "choose models with the same classes" in str(done.exception)
