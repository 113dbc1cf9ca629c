"""Homes for measurements of the dashboard: two trained models on synthetic slices, and copies of their runs."""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.speed.machine import machine as machine_words
from benchmarks.speed.machine import today, versions
from brainseg import paths
from brainseg.cli.demo import mask_config
from brainseg.config import RunConfig
from brainseg.jobs.queue import create_claimed
from brainseg.jobs.trainer_process import main as train
from brainseg.jobs.workspace import Workspace
from brainseg.phantom import write_phantom
from brainseg.runs import RunStore

CLASSIFIER, MASKS = "classifier", "masks"
COPIED_TABLES = ("params", "tags", "metrics", "latest_metrics")
"""MLflow's tables with one row or more per run."""


@contextmanager
def opened(folder: Path) -> Iterator[Path]:
    """Make a folder the home of this process."""
    before = os.environ.get("BRAINSEG_HOME")
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["BRAINSEG_HOME"] = str(folder.resolve())
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    try:
        yield paths.home()
    finally:
        os.environ.pop("BRAINSEG_HOME")
        if before is not None:
            os.environ["BRAINSEG_HOME"] = before


def prepare(arch: str = "resnet34", size: int = 224) -> None:
    """Train one epoch of a classifier and of a small U-Net in the open home, unless it has them.

    The weights are random: nothing that is measured depends on what the models answer.
    """
    store, data = RunStore(), paths.subfolder("datasets") / "slices"
    done = {run.name for run in store.list(["FINISHED"])}
    if not data.exists():
        write_phantom(data, 60, seed=0, size=192)
    for name, config in ((CLASSIFIER, classifier(data, arch, size)), (MASKS, _masks(data))):
        if name not in done:
            run = create_claimed(store, config, name)
            if train(run.id) != 0:
                raise SystemExit(f"The training of {name} failed: {store.get(run.id).reason}")
            Workspace(run.id).remove()


def classifier(data: Path, arch: str = "resnet34", size: int = 224) -> RunConfig:
    """Return the settings of one quick epoch of a classifier with random weights."""
    return RunConfig.from_preset(
        "quick",
        {
            "data.path": str(data), "model.arch": arch, "model.weights": "none", "preparation.size": size,
            "training.epochs": 1, "training.frozen_epochs": 0, "training.learning_rate": 1e-3, "compute.nice": 0,
        },
    )  # fmt: skip


def _masks(data: Path) -> RunConfig:
    return mask_config(data).with_settings({"training.epochs": 1, "compute.nice": 0})


def grow(count: int) -> None:
    """Copy the runs of the open home until it has `count` runs.

    Every fifth copy is one of the segmentation. The copies have ids, names, times and scores of their own; their files
    are hard links.
    """
    store = RunStore()
    sources = [store.get(name).id for name in (CLASSIFIER, MASKS)]
    known = len(store.list())
    with closing(sqlite3.connect(paths.home() / "mlflow.db")) as database, database:
        for number in range(known, count):
            _copy(database, sources[number % 5 == 0], number)


def _copy(database: sqlite3.Connection, source: str, number: int) -> None:
    run_id = uuid.UUID(int=number, version=4).hex
    for table, key in [("runs", "run_uuid"), *((table, "run_uuid") for table in COPIED_TABLES)]:
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})") if row[1] != key]
        names = ", ".join(columns)
        database.execute(
            f"INSERT INTO {table} ({key}, {names}) SELECT ?, {names} FROM {table} WHERE {key} = ?", (run_id, source)
        )
    moment = int(time.time() * 1000) - 3_600_000 - number * 60_000  # older than the runs that were trained
    database.execute(
        "UPDATE runs SET name = ?, start_time = ?, end_time = ?, artifact_uri = replace(artifact_uri, ?, ?) "
        "WHERE run_uuid = ?",
        (f"copy {number}", moment, moment + 50_000, source, run_id, run_id),
    )
    lower = (number * 37 % 100) / 1000  # 0 to 0.1
    database.execute(
        "UPDATE latest_metrics SET value = max(value - ?, 0) WHERE run_uuid = ? AND key LIKE 'final_accuracy%'",
        (lower, run_id),
    )
    folder = paths.subfolder("runs")
    shutil.copytree(folder / source, folder / run_id, copy_function=os.link)


def machine() -> dict[str, object]:
    """Return what a row says of the machine and of the versions that it was measured with."""
    found = versions()
    measured = {name: found[name] for name in ("brainseg", "python", "streamlit", "torch")}
    return {"machine": machine_words(), **measured, "date": today()}


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options of every measurement in a home."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--home", type=Path, help="home folder to use again; by default a new one that is removed")
    made.add_argument("--report", action="store_true", help="print the table of the stored rows")
    return made


@contextmanager
def prepared(home: Path | None, arch: str = "resnet34", size: int = 224) -> Iterator[None]:
    """Open a home, or a new one that is removed at the end, and train its two models unless it has them."""
    with tempfile.TemporaryDirectory() as temporary, opened(home or Path(temporary)):
        prepare(arch, size)
        yield
