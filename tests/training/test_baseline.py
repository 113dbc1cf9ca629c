from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from brainseg.config import RunConfig
from brainseg.diagnosis.predictor import Predictor
from brainseg.models.bundle import load_bundle
from brainseg.scans import read_scan
from brainseg.tasks import task_of
from brainseg.training.baseline import fit_linear
from brainseg.training.log import TrainingCancelled
from brainseg.training.trainer import train
from tests.conftest import tiny_config, write_set


def features(classes: int, count: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    return random.normal(labels[:, None] * 0.8, [1, 5, 0.1, 2], (count, 4)), labels


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_linear_map_is_scikit_learns_pipeline(classes: int) -> None:
    values, labels = features(classes)
    config = RunConfig.from_preset("quick", {"model.head": "logistic", "model.regularisation": 0.1})
    fitted = fit_linear(values, labels, np.arange(len(labels)), config)
    reference = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)).fit(values, labels)
    logits = values @ fitted.weight.T + fitted.bias
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, reference.predict_proba(values), atol=1e-6)


@pytest.mark.parametrize("classes", [2, 4])
def test_an_svm_ranks_and_calibrates(classes: int) -> None:
    values, labels = features(classes, 200)
    config = RunConfig.from_preset("quick", {"model.head": "svm"})
    fitted = fit_linear(values, labels, np.arange(len(labels)), config)
    assert fitted.weight.shape == (classes, 4)
    assert (fitted.predict(values) == labels).mean() > 0.5


@pytest.mark.parametrize("head", ["logistic", "svm"])
def test_a_baseline_is_a_run_like_any_other(home, tmp_path: Path, tiny_set: Path, recorder, head: str) -> None:
    log = recorder()
    trained = train(task_of(tiny_config(tiny_set, **{"model.head": head})), log, tmp_path / "run", head)
    assert trained.report.accuracy >= 0.8
    assert 0.5 < trained.extra["cv_accuracy"] <= 1
    bundle = load_bundle(trained.bundle)
    assert bundle.description.head == head
    diagnosis = Predictor(bundle).diagnose(read_scan(tiny_set / "yes" / "000.png"))
    assert diagnosis.cam.shape == (40, 40)
    assert sum(diagnosis.probabilities.values()) == pytest.approx(1)


def test_more_than_two_classes(home, tmp_path: Path, recorder) -> None:
    data = write_set(tmp_path / "three", ("a", "b", "c"), 12)
    trained = train(task_of(tiny_config(data, **{"model.head": "logistic"})), recorder(), tmp_path / "run", "three")
    assert trained.report.matrix.shape == (3, 3)


def test_cancelling_stops_between_batches(home, tmp_path: Path, tiny_set: Path, recorder) -> None:
    log = recorder(lambda log: True)
    with pytest.raises(TrainingCancelled):
        train(task_of(tiny_config(tiny_set, **{"model.head": "logistic"})), log, tmp_path / "run", "x")


def test_partial_weights_use_what_they_hold_on_real_images(home, tmp_path: Path, shared: Path, recorder) -> None:
    settings = {
        "data.path": str(shared / "data" / "kaggle253"),
        "model.arch": "resnet18",
        "model.weights": str(shared / "weights" / "resnet18-imagenet-partial.safetensors"),
        "model.head": "logistic",
        "preparation.size": 112,
    }
    log = recorder()
    trained = train(task_of(RunConfig.from_preset("default", settings)), log, tmp_path / "run", "real")
    assert load_bundle(trained.bundle).description.stages == (2, 3)
    assert trained.extra["cv_accuracy"] > 0.8
    assert any("every stage works as trained" in sentence for sentence in log.sentences)
