"""`ensemble`, and the commands that take one: it is evaluated, stored, promoted and compared like a run."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix, log_loss, roc_auc_score
from typer.testing import CliRunner

from brainseg.cli.app import app
from brainseg.errors import BrainsegError, BundleError, DataError, RunError
from brainseg.evaluation.operating import Goals
from brainseg.jobs.actions import delete, resubmit, retry
from brainseg.models.calibration import NotCalibrated
from brainseg.models.ensemble import FILE
from brainseg.models.operating_point import ThresholdGoal
from brainseg.results import stored_results
from brainseg.results.classification.operating_point import set_operating_point
from brainseg.results.classification.plots import PLOTS
from brainseg.results.ensembles.making import make_ensemble
from brainseg.results.exports import bundle_zip
from brainseg.results.leaks import leak_report
from brainseg.results.run_table import runs_table
from brainseg.runs import Run, RunStore
from brainseg.runs.ensembles import open_ensemble
from brainseg.runs.run import default_run
from tests.models.conftest import one_sentence


def command(*arguments: object) -> str:
    done = CliRunner().invoke(app, [*map(str, arguments)])
    if isinstance(done.exception, BrainsegError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def opened(finished_home: Path) -> RunStore:
    return RunStore()


@pytest.fixture
def made(opened: RunStore) -> Run:
    return make_ensemble(opened, [opened.get("baseline"), opened.get("tuned")], "both")


def stored_table(store: RunStore, run: Run) -> pd.DataFrame:
    return pd.read_parquet(store.path(run.id, "predictions.parquet")).sort_values("path", ignore_index=True)


def test_its_metrics_are_those_of_the_mean_of_its_members_stored_predictions(opened: RunStore, tiny_set: Path) -> None:
    answer = json.loads(command("ensemble", "baseline", "tuned", "--name", "both", "--json"))
    run = opened.get("both")
    assert (answer["run_id"], answer["kind"], answer["status"]) == (run.id, "ensemble", "FINISHED")
    parts = [stored_table(opened, opened.get(name)) for name in ("baseline", "tuned")]
    assert answer["members"] == [opened.get(name).id for name in ("baseline", "tuned")]
    assert parts[0]["path"].equals(parts[1]["path"])
    mean = np.mean([part[["p_no", "p_yes"]].to_numpy() for part in parts], axis=0)
    truth = (parts[0]["label"] == "yes").to_numpy()
    found = answer["evaluation"]
    assert found["count"] == len(truth) == 12
    assert found["matrix"] == confusion_matrix(truth, mean[:, 1] > 0.5).tolist()
    assert found["accuracy"] == pytest.approx(((mean[:, 1] > 0.5) == truth).mean())
    assert found["roc_auc"] == pytest.approx(roc_auc_score(truth, mean[:, 1]))
    assert found["mean_loss"] == pytest.approx(log_loss(truth, mean))
    assert set(found["intervals"]) >= {"accuracy", "sensitivity", "specificity"}
    assert (found["evaluated_on"], found["copies_in_training"], found["synthetic"]) == ("valid", 0, 0)
    assert found["selected_on_these_images"] is True  # the best epoch of `tuned` was chosen on these images
    assert run.metrics["final_accuracy"] == found["accuracy"]
    assert run.metrics["final_parameters"] == sum(
        opened.get(name).metrics["final_parameters"] for name in ("baseline", "tuned")
    )
    np.testing.assert_array_equal(stored_table(opened, run)[["p_no", "p_yes"]], mean)
    state = stored_results.calibration(opened, run)
    assert state is not None
    assert isinstance(state["state"], NotCalibrated)
    sides = stored_results.split(opened, run)
    own = stored_results.split(opened, opened.get("tuned"))
    assert sides.set_index("path")["split"].to_dict() == own.set_index("path")["split"].to_dict()
    # And `predict` answers what was evaluated, and names the ensemble.
    table = stored_table(opened, run).head(2)
    files = [tiny_set / path for path in table["path"]]
    answers = json.loads(command("predict", *files, "--run", "both", "--json"))
    for answer, row in zip(answers, table.itertuples(), strict=True):
        assert answer["probabilities"]["yes"] == pytest.approx(row.p_yes, abs=2e-3)
        assert answer["label"] == row.prediction
        assert answer["model"].startswith(f"both ({run.bundle_digest[:12]}), ensemble of 2: baseline (")
        assert (answer["bundle_digest"], answer["calibrated"]) == (run.bundle_digest, False)
        assert [member["model"].split(" (")[0] for member in answer["members"]] == ["baseline", "tuned"]
    # Models that are only named together still decide by the mean of their thresholds.
    assert json.loads(command("predict", files[0], "--run", "baseline", "--run", "tuned", "--json"))[0]["n"] is None
    with pytest.raises(BrainsegError, match=r"name it alone, or its members \(baseline, tuned\)") as mixed:
        command("predict", files[0], "--run", "both", "--run", "tuned")
    one_sentence(mixed.value)


def test_it_is_listed_shown_compared_promoted_renamed_and_exported(opened: RunStore, made: Run, tmp_path: Path) -> None:
    table = runs_table([made], lambda run: "tiny")
    assert table.iloc[0][["Task", "Model"]].tolist() == [
        "classification, ensemble",
        "ensemble of 2: resnet18 + logistic, resnet18",
    ]
    assert "both" in command("runs")
    shown = command("show", "both")
    assert "Member baseline" in shown
    assert "on 12 validation images" in shown
    assert "not calibrated: calibration needs 100 held-out images" in shown
    compared = json.loads(command("compare", "both", "baseline", "tuned", "--json"))
    assert compared["comparable"]
    assert len(compared["sets"][0]["pairs"]) == 3
    assert default_run(opened.list()).name == "tuned"
    command("promote", "both")
    assert default_run(opened.list()).name == "both"
    command("rename", "both", "pair")
    command("note", "pair", "Means of two.")
    command("export", "pair", "--bundle", tmp_path / "pair.zip", "--predictions", tmp_path / "pair.csv")
    assert len(pd.read_csv(tmp_path / "pair.csv")) == 12
    with zipfile.ZipFile(io.BytesIO(bundle_zip(opened, opened.get("pair")))) as archive:
        names = archive.namelist()
        for member in made.members:
            assert f"members/{member.run}/bundle/model.safetensors" in names
            assert member.name in archive.read("README.txt").decode()
        assert json.loads(archive.read(f"bundle/{FILE}"))["name"] == "both"
    drawn = {name for name, read in PLOTS.items() if read(opened, opened.get("pair"))}
    assert drawn == {
        "confusion_matrix", "metrics", "roc", "precision_recall", "reliability", "thresholds", "coverage",
    }  # fmt: skip
    assert leak_report(opened, opened.get("pair"))["images"] == []
    assert json.loads(command("subsets", "pair", "--json"))["all_images"]["count"] == 12


def test_a_changed_or_edited_or_deleted_member_is_noticed(opened: RunStore, made: Run, tiny_set: Path) -> None:
    with pytest.raises(RunError, match="member of the ensemble 'both'") as needed:
        delete(opened, opened.get("baseline").id)
    one_sentence(needed.value)
    set_operating_point(opened, opened.get("tuned"), Goals(ThresholdGoal(of="threshold", value=0.3)))
    file = next(tiny_set.glob("yes/*.png"))
    with pytest.raises(BundleError, match="Member 'tuned' of the ensemble 'both' was changed") as changed:
        command("predict", file, "--run", "both")
    assert "make the ensemble again" in one_sentence(changed.value)
    assert "was changed since the ensemble was evaluated" in command("show", "both")
    for action in (lambda: opened.promote(made.id), lambda: bundle_zip(opened, made)):
        with pytest.raises(BundleError, match="was changed"):
            action()
    again = make_ensemble(opened, [opened.get("baseline"), opened.get("tuned")])
    assert again.name == "ensemble"
    assert stored_table(opened, again).equals(stored_table(opened, made))
    assert again.bundle_digest != made.bundle_digest
    opened.delete(opened.get("tuned").id)  # as an earlier version would, which knows no ensembles
    with pytest.raises(BundleError, match="was deleted or cannot be read") as deleted:
        open_ensemble(opened, again)
    one_sentence(deleted.value)
    delete(opened, again.id)
    delete(opened, made.id)
    delete(opened, opened.get("baseline").id)
    assert opened.list() == []


def test_what_cannot_be_joined_is_refused_and_leaves_nothing(opened: RunStore, made: Run) -> None:
    before = {entry.id for entry in opened.entries()}
    for arguments, words in (
        (["tuned"], "An ensemble has 2 to 5 members, not 1"),
        (["tuned", "tuned"], "A run is named twice"),
        (["both", "tuned"], "is an ensemble itself: name its members (baseline, tuned)"),
        (["baseline", "tuned", "--name", "both"], "already a run called 'both'"),
        (["baseline", "none"], "There is no run 'none'"),
    ):
        with pytest.raises(RunError) as refused:
            command("ensemble", *arguments)
        assert words in one_sentence(refused.value)
    split = opened.path(opened.get("tuned").id, "split.csv")
    table = pd.read_csv(split, dtype=str, keep_default_na=False)
    swapped = table["split"].map({"train": "valid", "valid": "train"})
    table.assign(split=swapped).to_csv(split, index=False)
    with pytest.raises(DataError, match="0 images were held out by all of baseline, tuned") as few:
        command("ensemble", "baseline", "tuned")
    one_sentence(few.value)
    for action in (resubmit, retry):
        with pytest.raises(RunError, match="is an ensemble: make it again") as trained:
            action(opened, made.id)
        one_sentence(trained.value)
    for name in ("heatmaps", "robustness", "uncertainty"):
        with pytest.raises(RunError, match=r"name one of them \(baseline, tuned\)") as without:
            command(name, "both")
        one_sentence(without.value)
    assert {entry.id for entry in opened.entries()} == before


@pytest.mark.parametrize("finished_home", ["segment_template"], indirect=True)
def test_masks_are_not_averaged(opened: RunStore) -> None:
    with pytest.raises(RunError, match="masks are not averaged") as refused:
        command("ensemble", "tuned", "marks")
    one_sentence(refused.value)
