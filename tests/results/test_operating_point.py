"""`brainseg threshold`: it stores how a model decides, every answer follows it, and it refuses what it cannot do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brainseg.cli.app import app
from brainseg.diagnosis.doubts import UNCERTAIN
from brainseg.diagnosis.images import diagnosis_lines
from brainseg.diagnosis.joint import diagnose_jointly
from brainseg.diagnosis.predictor import Predictor
from brainseg.errors import BrainsegError
from brainseg.evaluation.operating import Goals
from brainseg.models.description import FORMAT, read_description
from brainseg.models.operating_point import MarginGoal, OperatingPoint, ThresholdGoal
from brainseg.plots.class_probabilities import probability_figure
from brainseg.plots.operating_curves import coverage_figure, threshold_figure
from brainseg.results.classification.calibration import calibrate_run
from brainseg.results.classification.operating_point import decided, set_operating_point
from brainseg.results.classification.plots import PLOTS
from brainseg.runs import Run, RunStore
from brainseg.scans import read_scan
from tests.models.conftest import one_sentence
from tests.results.conftest import file_of


def threshold(*options: str) -> dict:
    done = CliRunner().invoke(app, ["threshold", "old", "--json", *options])
    assert done.exit_code == 0, done.exception or done.output
    return json.loads(done.stdout)


def predictor() -> Predictor:
    store = RunStore()
    return Predictor.open(store.bundle(store.get("old")))


def test_every_answer_follows_the_threshold(run: Run, many: Path) -> None:
    scan = read_scan(next(many.glob("yes/*.png")))
    before = predictor().diagnose(scan)
    value = before.probabilities["yes"]
    for at, label in ((value * 0.5, "yes"), (value + (1 - value) / 2, "no")):
        found = threshold("--at", f"{at}", "--margin", "0")
        assert found["threshold"] == pytest.approx(at)
        answer = predictor().diagnose(scan)
        assert (answer.label, answer.outcome, answer.probabilities) == (label, label, before.probabilities)
        assert answer.explained == label
        assert f"; yes from {100 * at:.1f} % on)" in answer.sentence
        assert diagnosis_lines(answer)[0].startswith(f"Prediction:  {label} ")
        file = next(many.glob("yes/*.png"))
        done = CliRunner().invoke(app, ["predict", str(file), "--run", "old", "--json"])
        value_of = json.loads(done.stdout)[0]
        assert (value_of["label"], value_of["threshold"]) == (label, pytest.approx(at))
        assert "threshold" in CliRunner().invoke(app, ["predict", str(file), "--run", "old"]).stdout
    assert read_description(file_of(run, "bundle")).format == FORMAT
    assert threshold("--default")["threshold"] is None
    assert predictor().diagnose(scan).label == before.label


def test_an_answer_near_the_threshold_is_not_certain(run: Run, many: Path) -> None:
    scan = read_scan(next(many.glob("yes/*.png")))
    value = predictor().diagnose(scan).probabilities["yes"]
    threshold("--at", f"{value * 0.99}", "--margin", "0.2")
    answer = predictor().diagnose(scan)
    assert answer.outcome == UNCERTAIN
    assert any("close to the threshold of" in sentence for sentence in answer.warnings)


def test_the_command_states_what_it_measured_and_keeps_the_other_goal(run: Run) -> None:
    first = threshold("--sensitivity", "0.9")
    assert first["threshold_goal"] == {"of": "sensitivity", "value": 0.9}
    assert (first["count"], first["measured_on"], first["positive"]) == (120, "outside", "yes")
    assert first["sensitivity"]["count"] + first["specificity"]["count"] == first["answered"]["count"] == 120
    both = threshold("--accuracy", "0.7")
    assert (both["threshold"], both["margin_goal"]["of"]) == (first["threshold"], "accuracy")
    assert threshold() == both
    printed = CliRunner().invoke(app, ["threshold", "old"]).stdout
    assert "chosen for a sensitivity of at least 90 %" in printed
    assert "Measured on 120 validation images" in printed


def test_a_calibration_chooses_the_threshold_again(run: Run) -> None:
    store = RunStore()
    before = set_operating_point(store, run, Goals(ThresholdGoal(of="sensitivity", value=0.9)))
    temperature = calibrate_run(store, run)["state"].temperature
    after = read_description(store.bundle(store.get(run.id))).operating_point
    assert temperature != 1
    assert (after.threshold_goal, after.threshold != before.threshold) == (before.threshold_goal, True)
    assert after.sensitivity == before.sensitivity  # the order of the images is the same


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--sensitivity", "1.5"], "at most 1"),
        (["--sensitivity", "nan"], "at most 1"),
        (["--cost", "inf"], "above 0"),
        (["--at", "0"], "between 0 and 1"),
        (["--margin", "-1"], "between 0 and 1"),
        (["--sensitivity", "0.9", "--at", "0.2"], "--sensitivity and --at contradict"),
        (["--accuracy", "0.9", "--coverage", "0.2"], "contradict"),
        (["--default", "--at", "0.2"], "stands alone"),
        (["--from", "old"], "needs a goal"),
        (["--from", "old", "--at", "0.2"], "no cross-validation"),
        (["--specificity", "0.999"], "needs 1000"),
        (["--accuracy", "1"], "No margin reaches"),
    ],
)
def test_wrong_requests_end_in_one_sentence(run: Run, options: list[str], text: str) -> None:
    done = CliRunner().invoke(app, ["threshold", "old", *options])
    assert isinstance(done.exception, BrainsegError)
    assert text in str(done.exception)
    one_sentence(done.exception)
    assert read_description(file_of(run, "bundle")).operating_point is None


def test_an_ensemble_decides_by_the_mean_threshold_and_says_so(run: Run, many: Path) -> None:
    scan = read_scan(next(many.glob("yes/*.png")))
    plain = predictor()
    value = plain.diagnose(scan).probabilities["yes"]
    threshold("--at", f"{value * 0.02}", "--margin", "0.1")
    found = diagnose_jointly([plain, predictor()], scan)
    assert found.point.threshold == pytest.approx((0.5 + value * 0.02) / 2)
    assert found.label == ("yes" if value >= found.point.threshold else "no")
    assert f"; yes from {100 * found.point.threshold:.1f} % on)" in found.sentence


@pytest.mark.parametrize("dark", [False, True])
def test_the_plots_show_where_the_model_is(run: Run, dark: bool) -> None:
    store = RunStore()
    set_operating_point(store, run, Goals(ThresholdGoal(of="threshold", value=0.3), MarginGoal(of="margin", value=0.4)))
    found = decided(store, store.get(run.id))
    assert len(found.scores.labels) == 120
    thresholds = PLOTS["thresholds"](store, store.get(run.id))(dark=dark)
    assert [trace.name for trace in thresholds.data if trace.mode == "lines"] == [
        "sensitivity, 95 % interval",
        "specificity, 95 % interval",
    ]
    assert thresholds.layout.shapes[0].x0 == 0.3
    coverage = PLOTS["coverage"](store, store.get(run.id))(dark=dark)
    (here,) = [trace for trace in coverage.data if trace.mode == "markers"]
    assert 0 < here.x[0] < 1
    bars = probability_figure({"no": 0.7, "yes": 0.3}, None, label="yes", threshold=("yes", 0.3), dark=dark)
    assert (bars.layout.shapes[0].x0, bars.layout.shapes[0].y0) == (0.3, -0.45)
    assert "yes" in bars.layout.yaxis.ticktext[0]


def test_a_run_without_its_files_has_no_plots(run: Run) -> None:
    file_of(run, "predictions.parquet").unlink()
    assert PLOTS["thresholds"](RunStore(), run) is None
    assert PLOTS["coverage"](RunStore(), run) is None


def test_plots_of_no_images_say_so() -> None:
    from brainseg.evaluation.operating import coverage_curve, threshold_curve
    from tests.evaluation.test_operating import scores_of

    empty = scores_of(3).part(slice(0, 0))
    thresholds = threshold_figure(threshold_curve(empty).iloc[:0], "yes")
    drawn = [thresholds, coverage_figure(coverage_curve(empty, None), OperatingPoint())]
    assert all(any("No image" in note.text for note in figure.layout.annotations) for figure in drawn)


def test_uncertainty_is_reported_for_answers_and_for_the_run(run: Run, many: Path) -> None:
    file = str(next(many.glob("yes/*.png")))
    answer = json.loads(CliRunner().invoke(app, ["predict", file, "--run", "old", "--uncertainty", "--json"]).stdout)[0]
    one = answer["uncertainty"]
    assert one["view_low"] - 1e-5 <= max(answer["probabilities"].values()) <= one["view_high"] + 1e-5
    assert one["sentence"] in CliRunner().invoke(app, ["predict", file, "--run", "old", "--uncertainty"]).stdout
    found = json.loads(CliRunner().invoke(app, ["uncertainty", "old", "--images", "12", "--json"]).stdout)
    assert (found["count"], found["evaluated"], found["unreadable"]) == (12, 120, 0)
    assert set(found["measures"]) == {
        "doubt",
        "entropy",
        "view_deviation",
        "dropout_deviation",
        "mutual_information",
    }
    assert found["measures"]["doubt"]["auc"] == found["measures"]["entropy"]["auc"]  # two classes: the same order
