"""Homes that pages are opened on: empty, with finished runs, with many, running or damaged ones."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from brainseg.jobs.queue import create_claimed
from brainseg.jobs.trainer_process import main as train_run
from brainseg.jobs.workspace import Workspace
from brainseg.runs import Run, RunStore
from tests.conftest import PROJECT_ROOT, fresh_home, tiny_config
from tests.jobs.helpers import end_processes


@pytest.fixture(autouse=True)
def no_caches() -> None:
    """Forget what pages of an earlier test's home remember."""
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture(autouse=True)
def open_folders(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let the pages open the folders of the tests."""
    monkeypatch.setenv("BRAINSEG_DATA", str(tmp_path_factory.getbasetemp()))


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
def finished_template(tmp_path_factory: pytest.TempPathFactory, store_template: Path, tiny_set: Path) -> Path:
    """A home with two finished runs on one split: `baseline` (logistic) and `tuned` (two epochs), newest last.

    The better epoch of `tuned` is kept, since the last one may be no better than chance on another processor, and the
    pages then offer `baseline` first.
    """
    folder = fresh_home(tmp_path_factory.mktemp("finished") / "home", store_template)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAINSEG_HOME", str(folder))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        store = RunStore()
        for name, settings in (("baseline", {"model.head": "logistic"}), ("tuned", {"training.keep": "best"})):
            run = create_claimed(store, tiny_config(tiny_set, **{"compute.nice": 0, **settings}), name)
            assert train_run(run.id) == 0
            Workspace(run.id).remove()  # as its supervisor would
    return folder


@pytest.fixture(scope="session")
def segment_template(
    tmp_path_factory: pytest.TempPathFactory, store_template: Path, tiny_set: Path, masked_set: Path
) -> Path:
    """A home with a finished baseline `tuned` and, newest, a finished segmentation `marks` (64 px, two epochs)."""
    folder = fresh_home(tmp_path_factory.mktemp("segmented") / "home", store_template)
    unet = {"task": "segment", "model.stages": [2], "training.learning_rate": 0.01, "preparation.size": 64}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAINSEG_HOME", str(folder))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        store = RunStore()
        for name, data, settings in (("tuned", tiny_set, {"model.head": "logistic"}), ("marks", masked_set, unet)):
            run = create_claimed(store, tiny_config(data, **{"compute.nice": 0, **settings}), name)
            assert train_run(run.id) == 0
            Workspace(run.id).remove()
    return folder


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
def finished_home(tmp_path: Path, finished_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `finished_template`, to be changed at will."""
    folder = moved_home(finished_template, tmp_path / "home")
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
