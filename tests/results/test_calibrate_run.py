"""`brainseg calibrate`: it fits on stored predictions, rewrites the bundle safely, and refuses what it cannot do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from brainseg.cli.app import app
from brainseg.diagnosis.predictor import Predictor
from brainseg.errors import BundleError, RunError
from brainseg.models.bundle import DESCRIPTION, WEIGHTS
from brainseg.models.calibration import Calibration
from brainseg.models.description import read_description
from brainseg.plots.reliability_diagram import reliability_figure
from brainseg.results import stored_results
from brainseg.results.classification.calibration import calibrate_run, calibration_lines
from brainseg.runs import Run, RunStore
from brainseg.scans import read_scan
from tests.models.conftest import one_sentence
from tests.results.conftest import file_of


def test_a_run_of_an_earlier_version_gets_calibrated(run: Run, many: Path) -> None:
    opened = RunStore()
    before = Predictor.open(opened.bundle(run))
    done = CliRunner().invoke(app, ["calibrate", "old", "--json"])
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    state = answer["state"]
    assert state["count"] == 120
    assert answer["before"]["count"] == answer["after"]["count"] == 120
    after = Predictor.open(opened.bundle(opened.get(run.id)))
    assert after.description.calibration == Calibration.model_validate(state)
    assert after.bundle.version != before.bundle.version
    scan = read_scan(next(many.glob("yes/*.png")))
    assert "(calibrated on 120 images)" in after.diagnose(scan).sentence
    assert "(not calibrated)" in before.diagnose(scan).sentence
    report = stored_results.calibration(opened, opened.get(run.id))
    assert report is not None
    assert calibration_lines(report)[0].endswith(f"(temperature {state['temperature']:.2f}).")
    assert "calibrated on 120" in CliRunner().invoke(app, ["show", "old"]).stdout


def test_a_crash_at_any_moment_leaves_a_usable_model(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = RunStore()
    recorded, add_file = opened.record_bundle, opened.files.add_file
    for broken in ("first record", "file", "last record"):
        calls: list[str] = []

        def record(run_id: str, digest: str, broken: str = broken, calls: list[str] = calls) -> None:
            calls.append(digest)
            if broken == ("first record", "last record")[len(calls) - 1]:
                raise KeyboardInterrupt
            recorded(run_id, digest)

        def add(run_id: str, file: Path, into: str = "", broken: str = broken) -> None:
            if broken == "file" and into:
                raise KeyboardInterrupt
            add_file(run_id, file, into)

        with monkeypatch.context() as patch:
            patch.setattr(opened, "record_bundle", record)
            patch.setattr(opened.files, "add_file", add)
            with pytest.raises(KeyboardInterrupt):
                calibrate_run(opened, run)
        Predictor.open(opened.bundle(opened.get(run.id)))
    calibrate_run(opened, opened.get(run.id))
    assert re.fullmatch("[0-9a-f]{64}", opened.get(run.id).bundle_digest)


def test_a_bundle_that_somebody_else_changed_stays_refused(run: Run) -> None:
    calibrate_run(RunStore(), run)
    with file_of(run, "bundle").joinpath(WEIGHTS).open("ab") as stream:
        stream.write(b" ")
    with pytest.raises(BundleError):
        Predictor.open(RunStore().bundle(RunStore().get(run.id)))
    description = file_of(run, "bundle") / DESCRIPTION
    description.write_text(description.read_text("utf-8").replace('"a run"', '"b run"'))
    with pytest.raises(BundleError):
        calibrate_run(RunStore(), RunStore().get(run.id))


def test_copies_of_training_images_do_not_count(run: Run) -> None:
    split = file_of(run, "split.csv")
    table = pd.read_csv(split, dtype=str, keep_default_na=False)
    learnt = table[table["split"] == "train"]["sha256"].iloc[0]
    table.loc[table.index[:3], "sha256"] = learnt
    table["twin"] = ""
    near = table.index[(table["split"] == "train")][1]
    table.loc[[3, near], "twin"] = "near 1"
    table.to_csv(split, index=False)
    report = calibrate_run(RunStore(), run)
    assert report["copies"] == 4
    assert report["state"].count == 116


def test_copies_that_the_run_does_not_name_are_refused(run: Run) -> None:
    evaluation = file_of(run, "evaluation.json")
    evaluation.write_text(json.dumps({**json.loads(evaluation.read_text()), "copies_in_training": 7}))
    with pytest.raises(RunError, match="7 validation images with a copy") as caught:
        calibrate_run(RunStore(), run)
    one_sentence(caught.value)


@pytest.mark.parametrize("name", ["predictions.parquet", "split.csv", "evaluation.json"])
def test_a_run_without_its_files_is_refused_in_one_sentence(run: Run, name: str) -> None:
    file_of(run, name).unlink()
    done = CliRunner().invoke(app, ["calibrate", "old"])
    assert isinstance(done.exception, RunError)
    one_sentence(done.exception)
    assert read_description(file_of(run, "bundle")).calibration is None


def test_a_run_evaluated_on_its_test_set_is_not_calibrated_on_it(run: Run) -> None:
    evaluation = file_of(run, "evaluation.json")
    evaluation.write_text(json.dumps({**json.loads(evaluation.read_text()), "evaluated_on": "test"}))
    with pytest.raises(RunError, match="validation set"):
        calibrate_run(RunStore(), run)
    file_of(run, "predictions.parquet").rename(file_of(run, "predictions.parquet").with_name("validation.parquet"))
    assert calibrate_run(RunStore(), run)["state"].count == 120


def test_a_damaged_calibration_is_named(run: Run) -> None:
    calibrate_run(RunStore(), run)
    file_of(run, "calibration.json").write_text('{"schema": 1}')
    with pytest.raises(RunError, match=r"calibration\.json"):
        stored_results.calibration(RunStore(), run)


@pytest.mark.parametrize("dark", [False, True])
def test_the_diagram_shows_every_bin_with_its_images(run: Run, dark: bool) -> None:
    report = calibrate_run(RunStore(), run)
    figure = reliability_figure(report, dark=dark)
    curves = [trace for trace in figure.data if trace.type == "scatter" and trace.mode == "markers"]
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert [sum(bar.y) for bar in bars] == [120] * len(curves)
    for curve, bar in zip(curves, bars, strict=True):
        assert min(*curve.error_y.array, *curve.error_y.arrayminus) >= -1e-12
        assert [count for count, _, _ in curve.customdata] == [count for count in bar.y if count]


def test_the_diagram_of_no_images_says_so() -> None:
    figure = reliability_figure({"schema": 1, "state": None, "copies": 0, "before": None, "after": None})
    assert any("No image" in note.text for note in figure.layout.annotations)
