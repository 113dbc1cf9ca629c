"""Robustness checks: in the foreground, and as jobs of a real worker."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from brainseg.cli.app import app
from brainseg.diagnosis.predictor import Predictor
from brainseg.diagnosis.segmenter import Segmenter
from brainseg.errors import BrainsegError, ConfigError, DataError, RunError
from brainseg.evaluation.intervals import wilson
from brainseg.evaluation.segmentation import load_masks
from brainseg.files import write_json
from brainseg.jobs import launcher, queue, robustness
from brainseg.jobs.actions import delete, resubmit, retry
from brainseg.jobs.trainer_process import main as work_on
from brainseg.jobs.workspace import Workspace
from brainseg.results.best_models import best_models, under_way
from brainseg.results.comparison import check_comparable
from brainseg.results.robustness import stored_robustness
from brainseg.results.run_card import card_of
from brainseg.results.run_table import runs_table
from brainseg.results.run_wording import outcome_words
from brainseg.robustness.corruptions import Condition, image_seed
from brainseg.robustness.plan import CheckPlan
from brainseg.robustness.result import FILE, RobustnessReport
from brainseg.runs import EndKind, Run, RunStore
from brainseg.scans import read_scan
from tests.jobs.helpers import end_processes, wait_for

FEW = CheckPlan(images=5, heatmaps=1, corruptions=("rotation",))


@pytest.fixture
def opened(finished_home: Path) -> Iterator[RunStore]:
    yield RunStore()
    end_processes(finished_home)


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave what is queued in the queue."""
    monkeypatch.setattr(launcher, "ensure_worker", lambda device: False)


def command(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["robustness", *map(str, arguments)])
    if isinstance(done.exception, BrainsegError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def drawn(store: RunStore, run: Run, most: int) -> pd.DataFrame:
    """The held-out images that a check of `most` images measures, by the rule that it states."""
    split = pd.read_csv(store.path(run.id, "split.csv"), dtype=str, keep_default_na=False)
    held_out = split[split["split"] == "valid"].sort_values("path", ignore_index=True)
    return held_out.iloc[np.sort(np.random.default_rng(0).permutation(len(held_out))[:most])]


def corrupted(root: Path, row: pd.Series, condition: Condition):
    scan = read_scan(root / row["path"])
    return replace(scan, pixels=condition.change(scan.pixels, image_seed(0, row["sha256"])))


def test_a_classifier_is_measured_as_diagnose_would_answer(opened: RunStore) -> None:
    run = opened.get("tuned")
    found: RobustnessReport = json.loads(
        command("tuned", "--images", 7, "--heatmaps", 2, "--corruption", "noise", "--json")
    )
    rows, root = drawn(opened, run, 7), Path(run.config.data.path)
    assert (found["images"], found["held_out"], found["metric"], found["heatmaps"]) == (7, 12, "accuracy", 2)
    predictor = Predictor.open(opened.bundle(run))
    untouched = pd.read_parquet(opened.path(run.id, "predictions.parquet")).set_index("path").loc[rows["path"]]
    right = int((untouched["label"] == untouched["prediction"]).sum())
    assert found["reference"]["metric"]["value"] == right / 7
    assert found["reference"]["nll"]["value"] == pytest.approx(untouched["loss"].mean(), rel=1e-3)
    point = found["curves"][0]["points"][4]
    answers = [predictor.diagnose(corrupted(root, row, Condition("noise", 20))) for _, row in rows.iterrows()]
    labels = [answer.label for answer in answers]
    right = int((rows["label"] == labels).sum())
    assert (point["strength"], point["metric"]["value"]) == (20, right / 7)
    assert point["metric"]["interval"] == pytest.approx(wilson(right, 7))
    assert point["changed"]["value"] == (untouched["prediction"].to_numpy() != labels).mean()
    losses = [-np.log(answer.probabilities[label]) for answer, label in zip(answers, rows["label"], strict=True)]
    assert point["nll"]["value"] == pytest.approx(np.mean(losses), rel=1e-3)
    stored = stored_robustness(opened, run)
    assert json.loads(json.dumps(stored)) == {key: found[key] for key in stored}
    shown = json.loads(CliRunner().invoke(app, ["show", "tuned", "--json"]).stdout)
    assert shown["robustness"] == json.loads(json.dumps(stored))
    assert "* Noise (" in card_of(opened, run)


@pytest.mark.parametrize("finished_home", ["segment_template"], indirect=True)
def test_masks_turn_with_their_images(opened: RunStore) -> None:
    run = opened.get("marks")
    command("marks", "--images", 4, "--corruption", "rotation")
    found = stored_robustness(opened, run)
    assert (found["metric"], found["heatmaps"], found["reference"]["ece"]) == ("dice", 0, None)
    rows, root, condition = drawn(opened, run, 4), Path(run.config.data.path), Condition("rotation", 12)
    slices = pd.read_parquet(opened.path(run.id, "slices.parquet"))
    truths, segmenter = load_masks(opened.path(run.id, "truth.npz")), Segmenter.open(opened.bundle(run))
    both = marked = changed = 0
    overlaps = []
    for _, row in rows.iterrows():
        truth = truths[slices.index[slices["path"] == row["path"]][0]]
        seed = image_seed(0, row["sha256"])
        mask = segmenter.segment(corrupted(root, row, condition)).mask
        before = segmenter.segment(read_scan(root / row["path"])).mask
        truth, moved = (condition.move(each, seed, nearest=True) for each in (truth, before))
        both += 2 * int((truth & mask).sum())
        marked += int(truth.sum() + mask.sum())
        changed += bool(before.any()) != bool(mask.any())
        if moved.any() or mask.any():
            overlaps.append(2 * (moved & mask).sum() / (moved.sum() + mask.sum()))
    point = found["curves"][0]["points"][2]
    assert point["metric"]["value"] == pytest.approx(both / marked)
    assert point["changed"]["value"] == changed / 4
    assert point["stability"]["value"] == pytest.approx(np.mean(overlaps))
    assert point["stability"]["count"] == len(overlaps)


def test_a_worker_measures_a_queued_check_which_is_never_taken_for_a_training(opened: RunStore) -> None:
    run = opened.get("tuned")
    check = json.loads(command("tuned", "--images", 4, "--heatmaps", 0, "--corruption", "jpeg", "--queue", "--json"))
    assert (check["name"], check["kind"], check["measures"]) == ("tuned-robustness", "robustness", run.id)
    with pytest.raises(RunError, match="already has a robustness check in the queue"):
        robustness.submit_check(opened, run, FEW)
    with pytest.raises(RunError, match=r"'tuned-robustness' .* measures the robustness of run 'tuned': stop it first"):
        delete(opened, run.id)
    wait_for(lambda: opened.get(check["run_id"]).ended, "the check to end")
    wait_for(lambda: not Workspace(check["run_id"]).folder.exists(), "its log to be stored")
    ended = opened.get(check["run_id"])
    assert (ended.status, ended.reason, ended.metrics) == ("FINISHED", "", {})
    assert [curve["corruption"] for curve in stored_robustness(opened, run)["curves"]] == ["jpeg"]
    assert "Measuring the robustness of run tuned" in opened.path(ended.id, "log.txt").read_text("utf-8")
    assert (ended.has_model, ended.has_metrics, ended.offers_model) == (False, False, False)
    with pytest.raises(RunError, match="no model: it checks the robustness of another run"):
        opened.promote(ended.id)
    with pytest.raises(RunError, match="it checks the robustness of another run"):
        check_comparable([run, ended])
    assert runs_table([ended], lambda _: "")["Task"].tolist() == ["robustness check"]
    runs = opened.list()
    best = best_models(runs, lambda each: json.loads(opened.path(each.id, "evaluation.json").read_text("utf-8")))
    assert [each.run.id for each in best] != [ended.id]
    assert sum(len(each.rivals) + each.beaten for each in best) == 1  # the instant baseline alone
    assert outcome_words(ended) == f"measured run {run.id[:8]}"
    assert ended.id[:8] in CliRunner().invoke(app, ["runs"]).stdout
    delete(opened, ended.id)
    assert stored_robustness(opened, run)


def test_a_check_without_a_living_process_ends_with_a_plain_state_and_starts_again(opened, no_worker) -> None:
    check = robustness.submit_check(opened, opened.get("tuned"), FEW)
    assert [run.id for run in under_way(opened.list())[1]] == [check.id]
    assert queue.claim_next(opened, "cpu").id == check.id
    Workspace(check.id).record_owners([])  # as after a power cut
    assert [run.id for run in queue.reconcile(opened)] == [check.id]
    lost = opened.get(check.id)
    assert (lost.status, lost.end.kind) == ("FAILED", EndKind.LOST)
    assert lost.reason == "The robustness check and its supervisor ended without recording why."
    assert resubmit(opened, check.id).status == "SCHEDULED"
    assert opened.get(check.id).check == check.check
    queue.claim_next(opened, "cpu")
    Workspace(check.id).request_cancel()
    assert work_on(check.id) == 3
    assert (opened.get(check.id).status, opened.get(check.id).reason) == ("KILLED", "The run was cancelled.")
    again = retry(opened, check.id)
    assert (again.name, again.kind, again.check) == ("tuned-robustness-2", "robustness", check.check)


def test_what_stands_against_a_check_is_said_in_one_sentence(opened: RunStore, no_worker, tmp_path: Path) -> None:
    run = opened.get("tuned")
    data = shutil.copytree(run.config.data.path, tmp_path / "data")
    config = run.config.with_settings({"data.path": str(data)})
    opened.set_tags(run.id, {"brainseg.config": config.model_dump_json()})
    run = opened.get("tuned")
    check = robustness.submit_check(opened, run, FEW)
    for path in drawn(opened, run, 2)["path"]:
        with (data / path).open("ab") as stream:
            stream.write(b"changed")
    with pytest.raises(DataError, match="2 of the 5 images that were drawn were changed or removed"):
        robustness.measure_and_store(opened, run, FEW, tmp_path, lambda done, total: None)
    queue.claim_next(opened, "cpu")
    assert work_on(check.id) == 2
    ended = opened.get(check.id)
    assert (ended.status, ended.end.kind) == ("FAILED", EndKind.REFUSED)
    assert ended.reason.endswith("put them back to measure its robustness.")
    data.rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="no longer exists: put it back"):
        robustness.submit_check(opened, run, FEW)
    with pytest.raises(ConfigError, match="0 images are not allowed"):
        robustness.submit_check(opened, run, CheckPlan(images=0))
    with pytest.raises(ConfigError, match="no corruption 'rain'"):
        command("tuned", "--corruption", "rain")
    with pytest.raises(RunError, match="has no model: it checks"):
        command(check.id)


def test_a_result_of_a_newer_version_is_not_guessed(opened: RunStore, tmp_path: Path) -> None:
    run = opened.get("tuned")
    write_json(tmp_path / FILE, {"schema": 99})
    opened.log_file(run.id, tmp_path / FILE)
    with pytest.raises(RunError, match=r"schema 99, and this brainseg reads up to 1"):
        stored_robustness(opened, run)
    opened.set_tags(run.id, {"brainseg.kind": "robustness"})
    assert "tag brainseg.robustness is damaged" in opened.find(run.id).sentence
