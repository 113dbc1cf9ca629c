"""Homes that are moved or copied while their runs wait or train, with real processes and own or shared stores."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from brainseg.errors import RunError
from brainseg.jobs import queue
from brainseg.jobs.workspace import Workspace, child_environment
from brainseg.runs import RunStore
from tests.jobs.helpers import PATIENCE, end_processes, epochs_done, wait_for


def opened(home: Path, patch: pytest.MonkeyPatch) -> RunStore:
    patch.setenv("BRAINSEG_HOME", str(home))
    return RunStore()


def waiting(home: Path, patch: pytest.MonkeyPatch) -> list[str]:
    return [run.name for run in queue.queued(opened(home, patch), "cpu")]


def work_off(home: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("BRAINSEG_HOME", str(home))
    command = [sys.executable, "-m", "brainseg", "worker", "--idle", "0.2"]
    done = subprocess.run(command, capture_output=True, text=True, env=child_environment(), timeout=PATIENCE)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def shared_store(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database outside all homes, like one on a PostgreSQL server."""
    place = tmp_path / "shared.db"
    shutil.copyfile(home / "mlflow.db", place)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{place}")
    return place


@pytest.fixture
def other_homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Two more folders for a home; no process in them outlives the test."""
    places = tmp_path / "second", tmp_path / "third"
    yield places
    for place in places:
        if place.exists():
            monkeypatch.setenv("BRAINSEG_HOME", str(place))
            end_processes(place)


def test_runs_that_wait_move_with_their_home(
    home: Path, shared_store: Path, other_homes, config, tiny_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_set, home / "datasets" / "tiny")
    store, moved = RunStore(), other_homes[0]
    inside = config({"data.path": str(home / "datasets" / "tiny"), "model.head": "logistic"})
    run, ended = store.create(inside, "waits"), store.create(inside, "ended", "KILLED")
    home.rename(moved)
    (home / "jobs").mkdir(parents=True)  # as a late process of the old folder might
    assert waiting(moved, monkeypatch) == ["waits"]
    work_off(moved, monkeypatch)
    store = RunStore()
    assert (store.get(run.id).status, store.get(run.id).home_folder) == ("FINISHED", str(moved))
    assert Path(store.get(run.id).config.data.path) == moved / "datasets" / "tiny"
    assert (store.bundle(store.get(run.id)) / "model.safetensors").is_relative_to(moved)
    store.delete(ended.id)
    assert list(home.iterdir()) == [home / "jobs"]


def test_a_copy_leaves_the_runs_to_the_original(
    home: Path, shared_store: Path, other_homes, config, monkeypatch: pytest.MonkeyPatch
) -> None:
    RunStore().create(config(), "waits")
    copy = other_homes[0]
    shutil.copytree(home, copy)
    assert waiting(copy, monkeypatch) == []
    assert waiting(home, monkeypatch) == ["waits"]
    shutil.rmtree(home)
    assert waiting(copy, monkeypatch) == []  # it has become another home
    store = RunStore()
    store.set_status(store.get("waits").id, "KILLED")
    with pytest.raises(RunError, match="was made in the home folder"):
        store.delete(store.get("waits").id)


def test_of_two_copies_of_a_home_that_is_gone_the_first_takes_the_runs(
    home: Path, shared_store: Path, other_homes, config, monkeypatch: pytest.MonkeyPatch
) -> None:
    RunStore().create(config(), "waits")
    first, second = other_homes
    shutil.copytree(home, first)
    home.rename(second)
    assert waiting(first, monkeypatch) == ["waits"]
    assert waiting(second, monkeypatch) == []
    assert waiting(first, monkeypatch) == ["waits"]
    second.rename(home)  # back to the first folder
    assert waiting(home, monkeypatch) == []


def test_a_new_home_in_the_old_place_and_another_machine_take_nothing(
    home: Path, shared_store: Path, other_homes, config, monkeypatch: pytest.MonkeyPatch
) -> None:
    RunStore().create(config(), "waits")
    moved, abroad = other_homes
    home.rename(moved)
    shutil.copytree(moved, abroad)
    known = json.loads((abroad / "home.json").read_text())
    (abroad / "home.json").write_text(json.dumps({**known, "machine": "another"}))
    home.mkdir()
    assert waiting(home, monkeypatch) == []
    assert waiting(abroad, monkeypatch) == []
    assert waiting(moved, monkeypatch) == ["waits"]


@pytest.mark.parametrize("shared", [False, True])
def test_a_training_whose_home_is_moved_ends_with_a_sentence_and_resumes_there(
    home: Path, other_homes, config, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, shared: bool
) -> None:
    if shared:
        request.getfixturevalue("shared_store")
    store, moved = RunStore(), other_homes[0]
    run = store.create(config({"training.epochs": 400, "training.learning_rate": 0.001}), "long")
    command = [sys.executable, "-m", "brainseg", "worker", "--idle", "600"]
    worker = subprocess.Popen(
        command, env=child_environment(), start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: epochs_done(run, 2), "two epochs")
    home.rename(moved)
    assert worker.wait(PATIENCE) == 2
    assert "was moved or removed while it was in use" in worker.stderr.read().strip().splitlines()[-1]
    assert not home.exists()
    store = opened(moved, monkeypatch)
    wait_for(lambda: queue.reconcile(store) or store.get(run.id).status == "FAILED", "the end of the training")
    assert "because the home folder was moved" in store.get(run.id).reason
    assert "was moved or removed" in Workspace(run.id).log_tail()
    assert "Traceback" not in Workspace(run.id).log.read_text()
    assert not home.exists()
    assert queue.reclaim(store, run.id).status == "RUNNING"
