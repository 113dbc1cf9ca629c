"""Homes that pages are opened on: empty, with finished runs, with many, running or damaged ones."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from brainseg.config import RunConfig
from brainseg.jobs import crossval, launcher, queue
from brainseg.jobs.queue import create_claimed
from brainseg.jobs.trainer_process import main as train_run
from brainseg.jobs.workspace import Workspace
from brainseg.runs import Run, RunStore
from brainseg.runs.run_plan import Plan
from tests.conftest import PROJECT_ROOT, STILL, fresh_home, made_once, opened_home, tiny_config, write_set
from tests.jobs.helpers import end_processes


@pytest.fixture(autouse=True)
def no_caches() -> None:
    """Forget what pages of an earlier test's home remember."""
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture(scope="session", autouse=True)
def one_scan_for_components() -> Iterator[None]:
    """Streamlit reads the metadata of all installed packages for every `AppTest`, though only once in a server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(autouse=True)
def open_folders(monkeypatch: pytest.MonkeyPatch, session_folder: Path) -> None:
    """Let the pages open the folders of the tests."""
    monkeypatch.setenv("BRAINSEG_DATA", str(session_folder))


@pytest.fixture
def open_page():
    """Open one page alone, by its file's name; keyword arguments are query parameters."""

    def opened(name: str, **query: str) -> AppTest:
        app = AppTest.from_file(str(PROJECT_ROOT / "pages" / f"{name}.py"), default_timeout=60)
        for key, value in query.items():
            app.query_params[key] = value
        app.run()
        assert not app.exception
        return app

    return opened


@pytest.fixture(scope="session")
def finished_template(session_folder: Path, store_template: Path, tiny_set: Path) -> Path:
    """A home with two finished runs on one split: `baseline` (logistic) and `tuned` (two epochs), newest last.

    The better epoch of `tuned` is kept, since the last one may be no better than chance on another processor, and the
    pages then offer `baseline` first.
    """
    return made_once(
        session_folder / "finished", lambda folder: train_runs(fresh_home(folder, store_template), two_runs(tiny_set))
    )


@pytest.fixture(scope="session")
def whole_template(session_folder: Path, store_template: Path, tiny_set: Path) -> Path:
    """`finished_template` with whole networks, for what concerns their layers: `tuned` trains for one epoch."""
    runs = two_runs(tiny_set, **{"model.stages": None, "training.epochs": 1, "training.frozen_epochs": 0})
    return made_once(session_folder / "whole", lambda folder: train_runs(fresh_home(folder, store_template), runs))


def two_runs(data: Path, **settings: object) -> dict[str, RunConfig]:
    return {
        "baseline": tiny_config(data, **{"model.head": "logistic", "compute.nice": 0, **settings}),
        "tuned": tiny_config(data, **{"training.keep": "best", "compute.nice": 0, **settings}),
    }


@pytest.fixture(scope="session")
def segment_template(session_folder: Path, store_template: Path, tiny_set: Path, masked_set: Path) -> Path:
    """A home with a finished baseline `tuned` and, newest, a finished segmentation `marks` (64 px, two epochs)."""
    unet = {"task": "segment", "model.stages": [2], "training.learning_rate": 0.01, "preparation.size": 64, **STILL}
    runs = {
        "tuned": tiny_config(tiny_set, **{"model.head": "logistic", "compute.nice": 0}),
        "marks": tiny_config(masked_set, **{**unet, "compute.nice": 0}),
    }
    return made_once(session_folder / "segmented", lambda folder: train_runs(fresh_home(folder, store_template), runs))


@pytest.fixture(scope="session")
def crossval_template(session_folder: Path, store_template: Path, masked_set: Path) -> Path:
    """A home with complete cross-validations.

    `first` and `second` are of instant baselines, with two folds, two repeats and the same folds; `marks` is of a
    segmentation with two folds.
    """
    few = made_once(session_folder / "few", lambda folder: write_set(folder, ("no", "yes"), 8))
    baseline = {"model.head": "logistic", "compute.nice": 0}
    unet = {"task": "segment", "model.stages": [1], "training.learning_rate": 0.02, "compute.nice": 0}
    short = {"training.epochs": 1, "training.frozen_epochs": 0}
    wanted = {
        "first": (tiny_config(few, **baseline), Plan(2, 2)),
        "second": (tiny_config(few, **baseline, **{"model.regularisation": 1e-4}), Plan(2, 2)),
        "marks": (tiny_config(masked_set, **unet, **short), Plan(2)),
    }

    def make(folder: Path) -> None:
        _crossvals(fresh_home(folder, store_template), wanted)

    return made_once(session_folder / "crossvals", make)


def _crossvals(home: Path, wanted: dict[str, tuple[RunConfig, Plan]]) -> None:
    with opened_home(home), pytest.MonkeyPatch.context() as patch:
        patch.setattr(launcher, "ensure_worker", lambda device: train_queued())
        for name, (config, plan) in wanted.items():
            crossval.submit_crossval(RunStore(), config, name, plan)


def train_queued() -> None:
    """Train all waiting runs in this process, as a worker would."""
    store = RunStore()
    while run := queue.claim_next(store, "cpu"):
        assert train_run(run.id) == 0, store.get(run.id).reason
        Workspace(run.id).remove()
        queue.reconcile(store)  # as the supervisor does, which may queue the next fold


def train_runs(home: Path, runs: dict[str, RunConfig]) -> None:
    """Train runs by name in a home, one after the other."""
    with opened_home(home):
        store = RunStore()
        for name, config in runs.items():
            run = create_claimed(store, config, name)
            assert train_run(run.id) == 0
            Workspace(run.id).remove()  # as its supervisor would


def moved_home(template: Path, folder: Path) -> Path:
    """Copy a home with runs, and point its store at its new place."""
    shutil.copytree(template, folder)
    with sqlite3.connect(folder / "mlflow.db") as database:
        for table, column in (
            ("experiments", "artifact_location"),
            ("runs", "artifact_uri"),
            ("tags", "value"),
        ):
            database.execute(
                f"UPDATE {table} SET {column} = replace({column}, ?, ?)",  # the names are those above
                (str(template), str(folder)),
            )
    return folder


@pytest.fixture
def finished_home(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `finished_template`, or of the template that a test names, to be changed at will."""
    template: Path = request.getfixturevalue(getattr(request, "param", "finished_template"))
    folder = moved_home(template, tmp_path / "home")
    monkeypatch.setenv("BRAINSEG_HOME", str(folder))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return folder


@pytest.fixture
def segment_home(tmp_path: Path, segment_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `segment_template`, to be changed at will."""
    folder = moved_home(segment_template, tmp_path / "home")
    monkeypatch.setenv("BRAINSEG_HOME", str(folder))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return folder


@pytest.fixture
def tuned(finished_home: Path) -> Run:
    """The fine-tuned run of `finished_home`."""
    return RunStore().get("tuned")


@pytest.fixture
def working_home(home: Path):
    """An empty home, whose workers and trainers end with the test."""
    yield home
    end_processes(home)
