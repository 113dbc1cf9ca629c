"""Results of real cross-validations: read from their folds, pooled, stored, compared, and refused if incomplete."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import accuracy_score

from brainseg.errors import RunError
from brainseg.evaluation.calibration import fit
from brainseg.jobs import actions
from brainseg.models.calibration import Calibration, NotCalibrated, Obstacle
from brainseg.models.description import read_description
from brainseg.results.by_task import results_of
from brainseg.results.classification.calibration import calibrate_run
from brainseg.results.comparison import check_comparable, compare
from brainseg.results.comparison_table import OTHER_FOLDS, group_lines, runs_table
from brainseg.results.crossval.reading import complete_result, crossval_result, settled
from brainseg.results.crossval.wording import basis_sentences
from brainseg.results.evaluated_runs import read_evaluated_run
from brainseg.results.run_plots import write_run_plots
from brainseg.results.stored_results import out_of_fold, predictions
from brainseg.runs import RunStore
from tests.models.conftest import one_sentence

pytestmark = pytest.mark.parametrize("finished_home", ["crossval_template"], indirect=True)


@pytest.fixture
def store(finished_home: Path) -> RunStore:
    return RunStore()


def test_pooled_metrics_are_those_of_all_out_of_fold_predictions(store: RunStore) -> None:
    parent = store.get("first")
    result = crossval_result(store, parent)
    assert (result.complete, result.problem, len(result.folds)) == (True, "", 4)
    tables = {place: predictions(store, run, ["no", "yes"]) for place, run in store.children(parent).items()}
    for repeat in (0, 1):
        paths = pd.concat([tables[repeat, 0], tables[repeat, 1]])["path"]
        assert sorted(paths) == sorted(set(paths))
        assert len(paths) == 16
    accuracies = [
        accuracy_score(joined["label"], joined["prediction"])
        for joined in (pd.concat([tables[repeat, 0], tables[repeat, 1]]) for repeat in (0, 1))
    ]
    assert result.pooled["metrics"]["accuracy"] == pytest.approx(sum(accuracies) / 2)
    assert result.pooled["count"] == 16
    folds = [accuracy_score(table["label"], table["prediction"]) for table in tables.values()]
    assert result.summaries["accuracy"].mean == pytest.approx(sum(folds) / 4)
    assert result.summaries["accuracy"].sd == pytest.approx(pd.Series(folds).std())


def test_the_result_is_stored_once_and_read_by_everything_that_reads_runs(store: RunStore, tmp_path: Path) -> None:
    assert store.get("first").metrics == {}
    parent = settled(store, store.get("first"))
    result = complete_result(store, parent)
    assert parent.metrics["final_accuracy"] == pytest.approx(result.pooled["metrics"]["accuracy"])
    assert parent.metrics["final_count"] == 16
    table = out_of_fold(store, parent)
    assert len(table) == 32
    assert set(table["run_id"]) == {run.id for run in store.children(parent).values()}
    drawn = {file.stem for file in write_run_plots(store, parent, tmp_path / "plots")}
    assert {"confusion_matrix", "roc", "metrics", "precision_recall", "hardest"} <= drawn
    assert settled(store, parent) is parent
    sentences = " ".join(basis_sentences(result))
    assert "Each of the 16 images was evaluated 2 times" in sentences
    assert "Nadeau and Bengio" in sentences


def test_masks_are_pooled_with_their_pixels(store: RunStore, tmp_path: Path) -> None:
    parent = settled(store, store.get("marks"))
    result = complete_result(store, parent)
    assert (result.pooled["count"], result.pooled["units"], result.pooled["unit"]) == (40, 10, "patients")
    assert parent.metrics["final_dice"] == pytest.approx(result.pooled["metrics"]["dice"])
    write_run_plots(store, parent, tmp_path / "plots")
    assert (tmp_path / "plots" / "worst_slices.html").exists()
    assert read_evaluated_run(store, parent).report["slices"] == 40


def test_a_missing_fold_is_never_averaged_over(store: RunStore) -> None:
    first = settled(store, store.get("first"))
    child = store.children(first)[1, 1]
    actions.delete(store, child.id)
    parent = store.get("first")
    result = crossval_result(store, parent)
    assert (parent.status, parent.metrics) == ("FAILED", {})
    assert result.problem == "The result is incomplete: 3 of 4 folds finished, 1 has no run."
    values = result.values()
    assert (values["complete"], values["mean"], values["sd"], values["interval"], values["pooled"]) == (
        False,
        None,
        None,
        None,
        None,
    )
    assert [fold["status"] for fold in values["folds"]] == ["FINISHED"] * 3 + ["MISSING"]
    assert values["folds"][0]["metrics"]["accuracy"] is not None
    with pytest.raises(RunError, match="has no result: The result is incomplete"):
        complete_result(store, parent)
    with pytest.raises(RunError, match="it is FAILED"):
        check_comparable([parent])


def test_folds_of_changed_images_or_settings_are_not_pooled(store: RunStore) -> None:
    parent = store.get("first")
    child = store.children(parent)[0, 1]
    split = store.path(child.id, "split.csv")
    kept = split.read_text()
    split.write_text(kept.replace("no/003.png", "no/new.png"))
    assert "The dataset changed between fold 0 of repeat 0 and fold 1" in crossval_result(store, parent).problem
    split.write_text(kept)
    other = child.config.model_copy(update={"model": child.config.model.model_copy(update={"regularisation": 0.5})})
    store.set_tags(child.id, {"brainseg.config": other.model_dump_json()})
    result = crossval_result(store, parent)
    assert "another model.regularisation than its cross-validation (0.5 instead of 0.01)" in result.problem
    assert not result.complete
    assert store.get("first").metrics == {}


def test_a_lost_evaluation_is_named(store: RunStore) -> None:
    parent = store.get("first")
    child = store.children(parent)[0, 0]
    store.path(child.id, "evaluation.json").unlink()
    assert f"evaluation.json of run {child.name!r} is missing" in crossval_result(store, parent).problem


def test_a_damaged_stored_result_is_computed_again(store: RunStore) -> None:
    parent = settled(store, store.get("first"))
    expected = crossval_result(store, parent).pooled
    file = store.path(parent.id, "crossval.json")
    file.write_text("{")
    assert crossval_result(store, store.get("first")).pooled == expected
    assert json.loads(file.read_text())["pooled"]["count"] == 16


def test_cross_validations_on_the_same_folds_are_compared_image_by_image(store: RunStore) -> None:
    runs = [store.get(name) for name in ("first", "second")]
    check_comparable(runs)
    comparison = compare([read_evaluated_run(store, run) for run in runs])
    assert list(comparison.groups) == ["A"]
    [pair] = results_of("classify").tests(comparison, "A")
    assert pair.count == 16
    assert runs_table(comparison)["evaluated_on"].tolist() == ["16 out-of-fold images of few"] * 2


def test_other_folds_and_single_runs_are_not_compared(store: RunStore, finished_home: Path) -> None:
    first, second = store.get("first"), settled(store, store.get("second"))
    child = store.children(first)[0, 0]
    with pytest.raises(RunError, match="'first' is a cross-validation and 'first-repeat0-fold0' is a single run"):
        check_comparable([first, child])
    file = store.path(second.id, "out_of_fold.parquet")
    table = pd.read_parquet(file)
    table.assign(fold=1 - table["fold"]).to_parquet(file, index=False)
    comparison = compare([read_evaluated_run(store, run) for run in (first, second)])
    assert list(comparison.groups) == ["A", "B"]
    assert OTHER_FOLDS in group_lines(comparison)[0]


def test_lost_files_of_a_fold_do_not_hide_the_others(store: RunStore, finished_home: Path) -> None:
    parent = store.get("marks")
    child = store.children(parent)[0, 1]
    shutil.rmtree(finished_home / "runs" / child.id)
    result = crossval_result(store, parent)
    assert not result.complete
    assert child.name in result.problem
    assert [fold.run.name for fold in result.folds if fold.run] == ["marks-fold0", "marks-fold1"]


def test_a_model_is_calibrated_on_the_predictions_of_all_folds(
    store: RunStore, tiny_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = settled(store, store.get("first"))
    child = store.children(parent)[0, 0]
    found = calibrate_run(store, child, parent)
    assert found["state"] == NotCalibrated(obstacle=Obstacle.IMAGES, found=16, needed=100, count=16)
    table = out_of_fold(store, parent)
    first = table[table["repeat"] == 0]
    for name, least in {"LEAST_IMAGES": 10, "LEAST_GROUPS": 5, "LEAST_EACH": 0}.items():
        monkeypatch.setattr(fit, name, least)
    state = calibrate_run(store, child, parent)["state"]
    assert isinstance(state, Calibration)
    assert (state.count, state.source) == (16, "out-of-fold")
    assert state.wrong == (first["label"] != first["prediction"]).sum()
    assert read_description(store.bundle(store.get(child.id))).calibration == state


def test_a_model_is_not_calibrated_on_folds_of_another_recipe(store: RunStore) -> None:
    parent = settled(store, store.get("first"))
    child = store.children(parent)[0, 0]
    training = parent.config.training.model_copy(update={"mixup": 0.3})
    other = replace(parent, config=parent.config.model_copy(update={"training": training}))
    with pytest.raises(RunError, match=r"training\.mixup") as caught:
        calibrate_run(store, child, other)
    one_sentence(caught.value)
    split = store.path(child.id, "split.csv")
    split.write_text(split.read_text().replace(out_of_fold(store, parent)["sha256"].iloc[0], "0" * 64))
    with pytest.raises(RunError, match="other images"):
        calibrate_run(store, child, parent)
