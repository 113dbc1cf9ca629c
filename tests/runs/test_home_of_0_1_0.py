"""A home of brainseg 0.1.0 that was moved: opened, listed, diagnosed, compared, exported, resumed."""

from __future__ import annotations

import json
import tarfile
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brainseg.cli.app import app
from brainseg.datasets.library import known_datasets
from brainseg.errors import BrainsegError
from brainseg.jobs.queue import reclaim
from brainseg.jobs.supervisor import supervise
from brainseg.jobs.workspace import Workspace
from brainseg.results import stored_results
from brainseg.results.stored_dataset import stored_report
from brainseg.runs import EndKind, RunStore
from tests.jobs.helpers import end_processes

PACKED = Path(__file__).parents[1] / "data" / "home-0.1.0" / "home.tar.xz"


@pytest.fixture(scope="module", autouse=True)
def moved(tmp_path_factory: pytest.TempPathFactory):
    """The home in another folder than it was written in, open for all tests of this module."""
    folder = tmp_path_factory.mktemp("moved")
    with tarfile.open(PACKED) as archive:
        archive.extractall(folder, filter="data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAINSEG_HOME", str(folder / "home"))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield folder / "home"
        end_processes(folder / "home")


def answer(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(done.exception, BrainsegError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def scan(moved: Path, dataset: str, pattern: str) -> Path:
    return sorted(moved.glob(f"datasets/{dataset}-*/{pattern}"))[0]


def test_every_run_is_listed_and_complete(moved: Path) -> None:
    store = RunStore()
    assert not store.unreadable()
    runs = {run.name: run for run in store.list()}
    assert {name: (run.status, run.end.kind, run.schema) for name, run in runs.items()} == {
        "baseline": ("FINISHED", EndKind.UNKNOWN, 1),
        "tuned": ("FINISHED", EndKind.COLLAPSED, 1),
        "marks": ("FINISHED", EndKind.UNKNOWN, 1),
        "failed": ("FAILED", EndKind.UNKNOWN, 1),
        "stopped": ("KILLED", EndKind.UNSUPERVISED, 1),
    }
    assert runs["stopped"].reason == "The process that supervised the training was stopped."
    assert runs["failed"].reason.startswith("evaluation.heatmap_layer: this network ends before 'layer4'")
    tuned = runs["tuned"]
    assert (tuned.tags, tuned.note) == ({"first": "", "kept": ""}, "The run that everybody knows.")
    assert tuned.promoted > 0
    assert all(run.home_folder == str(moved) for run in runs.values())
    assert all(Path(run.config.data.path).is_relative_to(moved) for run in runs.values())
    assert {known.name for known in known_datasets()} == {"spots", "masked"}
    assert all(Path(known.path).is_dir() for known in known_datasets())
    listed = json.loads(answer("runs", "--json"))
    assert {run["name"] for run in listed} == set(runs)


@pytest.mark.parametrize("name", ["baseline", "tuned", "marks"])
def test_what_a_finished_run_left_is_read(name: str) -> None:
    store = RunStore()
    run = store.get(name)
    report = stored_results.evaluation(store, run)
    assert report
    dataset = stored_report(store, run)
    assert (dataset["images"], sum(dataset["classes"].values()), dataset["near_copies"]["pairs"]) == (24, 24, 0)
    assert stored_results.split(store, run)["split"].isin(["train", "valid"]).all()
    if name != "baseline":
        assert list(stored_results.epochs(store, run)["epoch"]) == [1, 2]
    if name == "marks":
        assert len(stored_results.masks(store, run, "masks.npz")) == report["slices"]
    else:
        assert len(stored_results.predictions(store, run, report["classes"])) == report["count"]
    assert json.loads(answer("show", name, "--json"))["evaluation"] == json.loads(json.dumps(report))


def test_its_models_diagnose(moved: Path) -> None:
    for name in ("baseline", "tuned"):
        (found,) = json.loads(answer("predict", "--run", name, scan(moved, "spots", "yes/*"), "--json"))
        assert set(found["probabilities"]) == {"no", "yes"}
    (found,) = json.loads(answer("predict", "--run", "marks", scan(moved, "masked", "images/*"), "--json"))
    assert "error" not in found


def test_its_runs_are_compared() -> None:
    compared = json.loads(answer("compare", "baseline", "tuned", "--json"))
    assert [run["run"] for run in compared["runs"]] == ["baseline", "tuned"]
    assert compared["comparable"]


def test_a_run_is_exported(tmp_path: Path) -> None:
    answer("export", "tuned", "--bundle", tmp_path / "b.zip", "--figures", tmp_path / "f.zip", "--predictions",
           tmp_path / "p.csv")  # fmt: skip
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert {"bundle/model.safetensors", "bundle/bundle.json"} <= set(archive.namelist())
    with zipfile.ZipFile(tmp_path / "f.zip") as archive:
        assert "figures/confusion_matrix.html" in archive.namelist()
    assert (tmp_path / "p.csv").read_text().startswith("path,")


def test_a_stopped_run_is_resumed_from_its_checkpoint() -> None:
    store = RunStore()
    run = store.get("stopped")
    # It was stopped after the checkpoint of its fourth epoch, before the epoch was added to the table.
    before = len(json.loads((Workspace(run.id).results / "checkpoint" / "state.json").read_text("utf-8"))["epochs"])
    assert len(stored_results.epochs(store, run)) == before - 1

    def stop_after_two_more(workspace: Workspace) -> None:
        file = workspace.results / "epochs.csv"
        if file.exists() and len(file.read_text("utf-8").splitlines()) - 1 >= before + 2:
            workspace.request_cancel()

    ended = supervise(store, reclaim(store, run.id), stop_after_two_more)
    assert (ended.status, ended.end.kind, ended.reason) == ("KILLED", EndKind.CANCELLED, "The run was cancelled.")
    assert f"Resuming after epoch {before}" in Workspace(run.id).log.read_text("utf-8")
    assert list(stored_results.epochs(store, ended)["epoch"])[: before + 2] == list(range(1, before + 3))


def test_a_run_is_deleted_with_its_files(moved: Path) -> None:
    run = RunStore().get("failed")
    answer("delete", "failed", "--yes")
    assert not (moved / "runs" / run.id).exists()
    assert not (moved / "work" / run.id).exists()
    assert "failed" not in {left.name for left in RunStore().list()}


@pytest.mark.parametrize("name", ["baseline", "marks"])
def test_the_robustness_of_an_old_model_is_measured(name: str) -> None:
    found = json.loads(answer("robustness", name, "--images", 3, "--heatmaps", 1, "--corruption", "jpeg", "--json"))
    assert (found["images"], len(found["curves"][0]["points"])) == (3, 5)
