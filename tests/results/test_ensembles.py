"""An ensemble's own calibration and threshold, on predictions that are drawn by chance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from brainseg.diagnosis.doubts import UNCERTAIN
from brainseg.diagnosis.joint import diagnose_jointly
from brainseg.diagnosis.predictor import Predictor
from brainseg.errors import BundleError, RunError
from brainseg.evaluation.operating import Goals
from brainseg.models.calibration import Calibration
from brainseg.models.description import bundle_digest, read_description
from brainseg.models.operating_point import ThresholdGoal
from brainseg.results.bundle_changes import description_of
from brainseg.results.classification.calibration import calibrate_run
from brainseg.results.classification.operating_point import current_point, decided, set_operating_point
from brainseg.results.ensembles.making import make_ensemble
from brainseg.results.monitoring import reference_of
from brainseg.runs import Run, RunStore
from brainseg.runs.ensembles import open_ensemble
from brainseg.scans import read_scan
from tests.app.compare_runs import finished_run
from tests.conftest import tiny_config
from tests.models.conftest import make_classifier, one_sentence, store


@pytest.fixture
def opened(home: Path) -> RunStore:
    return RunStore()


@pytest.fixture
def members(opened: RunStore, many: Path, tmp_path: Path) -> list[Run]:
    """Two runs with 120 common validation images, about a fifth wrong, of which the second lists its classes first."""
    return [with_bundle(opened, many, tmp_path, name, seed) for name, seed in (("one", 1), ("two", 2))]


def with_bundle(opened: RunStore, many: Path, folder: Path, name: str, seed: int, **settings: object) -> Run:
    run = finished_run(opened, tiny_config(many, **settings), name, folder / "runs", seed=seed, images=slice(0, 120))
    bundle = store(folder / f"bundle {name}", make_classifier(stages=(1,), seed=seed))
    opened.log_folder(run.id, bundle, "bundle")
    opened.record_bundle(run.id, bundle_digest(bundle, read_description(bundle)))
    return opened.get(run.id)


def test_it_has_a_temperature_and_a_threshold_of_its_own(
    opened: RunStore, members: list[Run], many: Path, tmp_path: Path
) -> None:
    calibrate_run(opened, members[0])  # a member's own calibration does not matter for the mean
    run = make_ensemble(opened, [opened.get(each.id) for each in members], "pair")
    tables = [pd.read_parquet(opened.path(each.id, "predictions.parquet")) for each in members]
    mean = np.mean([table[["p_no", "p_yes"]].to_numpy() for table in tables], axis=0)
    labels = (tables[0]["label"] == "yes").to_numpy(dtype=int)
    logits = np.log(mean)
    fitted = minimize_scalar(
        lambda value: -log_softmax(logits / np.exp(value), axis=1)[np.arange(120), labels].mean(),
        bounds=(-3, 3), method="bounded", options={"xatol": 1e-6},
    )  # fmt: skip
    state = description_of(opened, run).calibration
    assert isinstance(state, Calibration)
    assert (state.count, state.temperature) == (120, pytest.approx(np.exp(fitted.x), rel=1e-4))
    found = open_ensemble(opened, run)
    predictors = [Predictor.open(bundle) for bundle in found.bundles]
    scan = read_scan(next(many.glob("yes/*.png")))
    answer = diagnose_jointly(predictors, scan, ensemble=found.ensemble)
    raw = np.mean([list(each.diagnose(scan).uncalibrated.values()) for each in predictors], axis=0)
    assert list(answer.probabilities.values()) == pytest.approx(softmax(np.log(raw) / state.temperature))
    assert "calibrated on 120 images" in answer.sentence
    assert answer.prediction_set is not None
    with pytest.raises(BundleError, match="is not the model of member 'one'") as swapped:
        diagnose_jointly(predictors[::-1], scan, ensemble=found.ensemble)
    one_sentence(swapped.value)
    # Its threshold is chosen on the same images, decides, and is chosen again with a new calibration.
    point = set_operating_point(opened, run, Goals(ThresholdGoal(of="sensitivity", value=0.9)))
    assert point.sensitivity is not None
    assert (point.count, point.measured_on, point.sensitivity.count) == (120, "outside", 55)
    changed = opened.get(run.id)
    assert (current_point(opened, changed), changed.bundle_digest != run.bundle_digest) == (point, True)
    answer = diagnose_jointly(predictors, scan, ensemble=open_ensemble(opened, changed).ensemble)
    assert (answer.point, answer.digest) == (point, changed.bundle_digest)
    # A member that disagrees is named, but what is certain follows from the point that was measured.
    assert answer.outcome == (answer.label if answer.decision.certain else UNCERTAIN)
    other = replace(answer.members[0], label="no" if answer.label == "yes" else "yes")
    split = replace(answer, members=(other, answer.members[1]))
    assert (split.dissenters[0], split.outcome) == (other, answer.outcome)
    assert any("The models disagree" in sentence for sentence in split.warnings)
    assert replace(split, ensemble=None).outcome == UNCERTAIN
    assert answer.label == ("yes" if answer.probabilities["yes"] >= point.threshold else "no")
    assert calibrate_run(opened, changed)["state"] == state
    assert current_point(opened, opened.get(run.id)).threshold_goal == point.threshold_goal
    assert len(decided(opened, opened.get(run.id)).scores.labels) == 120
    assert reference_of(opened, opened.get(run.id)) is not None
    with pytest.raises(RunError, match="leave out --from") as refused:
        calibrate_run(opened, changed, members[0])
    one_sentence(refused.value)
    # Whatever is wrong with its file is one sentence.
    file = opened.path(run.id, "bundle") / "ensemble.json"
    for text, words in (
        (file.read_text().replace('"format": 1', '"format": 2'), "by a newer brainseg"),
        (file.read_text().replace('"positive": "yes"', '"positive": "no"'), "was changed after it was written"),
        ("{", "is damaged"),
    ):
        file.write_text(text)
        with pytest.raises(BundleError, match=words) as damaged:
            open_ensemble(opened, run)
        one_sentence(damaged.value)
    file.unlink()
    with pytest.raises(BundleError, match="is missing"):
        open_ensemble(opened, run)
    # What the weights of a warm start had seen before does not count.
    source = finished_run(opened, tiny_config(many), "source", tmp_path / "runs", images=slice(30, 260))
    warm = with_bundle(opened, many, tmp_path, "warm", 3, **{"model.weights": f"run:{source.id}"})
    assert make_ensemble(opened, [members[0], warm]).metrics["final_count"] == 90
    opened.delete(source.id)
    with pytest.raises(RunError, match="its weights have seen are not known") as unknown:
        make_ensemble(opened, [members[0], warm])
    one_sentence(unknown.value)
