"""A home that was copied or moved: everything in it reads, and nothing in the other one is touched."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from brainseg.datasets.library import add_folder, find, forget
from brainseg.diagnosis.predictor import Predictor
from brainseg.errors import RunError
from brainseg.files import sha256_file
from brainseg.jobs import queue
from brainseg.jobs.removal import delete
from brainseg.jobs.workspace import Workspace
from brainseg.results.exports import bundle_zip, predictions_file
from brainseg.results.run_details import run_details
from brainseg.results.run_images import image_file, read_image
from brainseg.runs import RunStore
from brainseg.runs.artifacts import LocalFiles
from brainseg.scans import read_scan


def digests(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): sha256_file(file) for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.fixture
def original(finished_home: Path, tiny_set: Path) -> Path:
    """A home with its dataset in it, two finished runs, a waiting one and one that trains this very moment."""
    data = finished_home / "datasets" / "tiny-1"
    shutil.copytree(tiny_set, data)
    add_folder(data, "tiny")
    store = RunStore()
    for run in store.list():
        config = run.config.model_copy(update={"data": run.config.data.model_copy(update={"path": str(data)})})
        store.set_tags(run.id, {"brainseg.config": config.model_dump_json()})
    queue.create_claimed(store, store.get("tuned").config, "busy")  # this process trains it, as far as records go
    store.create(store.get("tuned").config, "waiting")
    return finished_home


def one_image(store: RunStore, run_id: str) -> str:
    import pandas as pd

    return str(pd.read_parquet(store.path(run_id, "predictions.parquet"))["path"].iloc[0])


@pytest.mark.parametrize("name", ["copy", "a folder, 50 % of it #1"])
def test_a_copy_reads_and_deletes_its_own_files_alone(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    copy = tmp_path / name
    shutil.copytree(original, copy)
    before = digests(original)
    monkeypatch.setenv("BRAINSEG_HOME", str(copy))
    store = RunStore()
    run = store.get("tuned")
    assert Path(run.config.data.path) == copy / "datasets" / "tiny-1" == Path(find("tiny").path)
    details = run_details(store, run)
    assert (len(details["epochs"]), details["evaluation"]["count"]) == (3, 12)
    path = one_image(store, run.id)
    assert image_file(run, path) == copy / "datasets" / "tiny-1" / path
    assert store.bundle(run) == copy / "runs" / run.id / "artifacts" / "bundle"
    assert Predictor.open(store.bundle(run)).diagnose(read_scan(image_file(run, path))).label in ("no", "yes")
    assert bundle_zip(store, run)
    assert predictions_file(store, run)
    delete(store, run.id)
    assert not (copy / "runs" / run.id).exists()
    store.log_file(store.get("baseline").id, copy / "datasets" / "library.json")
    forget("tiny")
    assert digests(original) == before


def test_a_copy_takes_over_what_waits_and_not_what_trains(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(original, copy)
    assert queue.reconcile(RunStore()) == []
    monkeypatch.setenv("BRAINSEG_HOME", str(copy))
    store = RunStore()
    busy = store.get("busy")
    assert Workspace(busy.id).owners() == []
    assert [lost.id for lost in queue.reconcile(store)] == [busy.id]
    assert "This home was copied or moved during the training" in store.get(busy.id).reason
    assert queue.reclaim(store, busy.id).status == "RUNNING"
    assert queue.claim_next(store, "cpu").name == "waiting"
    assert store.files.home == copy
    made = store.create(busy.config, "new")
    store.log_file(made.id, copy / "mlflow.db")
    assert store.client.get_run(made.id).info.artifact_uri == (copy / "runs" / made.id / "artifacts").as_uri()
    assert not (original / "runs" / made.id).exists()


def test_a_moved_home_reads_without_its_old_folder_and_through_a_link(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = tmp_path / "elsewhere" / "home"
    moved.parent.mkdir()
    original.rename(moved)
    (tmp_path / "link").symlink_to(moved)
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path / "link"))
    store = RunStore()
    run = store.get("tuned")
    path = one_image(store, run.id)
    assert read_image(run, path, sha256_file(moved / "datasets" / "tiny-1" / path)).pixels.dtype == np.uint8
    assert (store.bundle(run) / "model.safetensors").is_file()
    delete(store, "baseline")
    assert not original.exists()


def test_a_dataset_that_moved_is_found_by_its_images(original: Path, tmp_path: Path) -> None:
    run = RunStore().get("tuned")
    (original / "datasets" / "tiny-1").rename(tmp_path / "put elsewhere")
    path = one_image(RunStore(), run.id)
    assert not image_file(run, path).exists()
    add_folder(tmp_path / "put elsewhere")
    assert image_file(run, path) == tmp_path / "put elsewhere" / path


def test_files_behind_a_link_that_leads_out_are_not_deleted(original: Path, tmp_path: Path) -> None:
    store = RunStore()
    run = store.get("baseline")
    (original / "runs" / run.id).rename(tmp_path / "kept")
    (original / "runs" / run.id).symlink_to(tmp_path / "kept")
    (original / "work").rename(tmp_path / "work")
    (original / "work").symlink_to(tmp_path / "work")
    with pytest.raises(RunError, match="lie outside"):
        delete(store, run.id)
    assert (tmp_path / "kept" / "artifacts" / "bundle").is_dir()
    assert store.get("baseline").id == run.id
    Workspace(store.get("busy").id).remove()
    assert list((tmp_path / "work").iterdir())


def test_another_home_s_run_in_a_shared_store_is_not_deleted_here(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{original / 'mlflow.db'}")
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path / "other"))
    store = RunStore()
    with pytest.raises(RunError, match="was made in the home folder"):
        delete(store, "tuned")
    mine = store.create(store.get("tuned").config, "mine", "FINISHED")
    store.log_file(mine.id, original / "mlflow.db")
    assert (tmp_path / "other" / "runs" / mine.id / "artifacts" / "mlflow.db").is_file()
    assert isinstance(store.files, LocalFiles)
    delete(store, mine.id)
    assert store.get("tuned").has_model
