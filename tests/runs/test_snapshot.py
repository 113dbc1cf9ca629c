"""Runs that are read without MLflow equal those that MLflow reads."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from brainseg.errors import RunError
from brainseg.jobs.workspace import child_environment
from brainseg.runs import STATUSES, Run, RunStore
from brainseg.runs.reading import read_run
from brainseg.runs.snapshot import SCHEMA, Snapshot


def by_mlflow(store: RunStore) -> list[Run]:
    found = [read_run(run, store.home) for run in store._search("")]
    return sorted((run for run in found if isinstance(run, Run)), key=lambda run: run.created, reverse=True)


@pytest.fixture
def store(home: Path, config) -> RunStore:
    """A store with runs of every status, labels, metrics of several epochs, one deleted, and one of another program."""
    store = RunStore()
    for number, status in enumerate((*STATUSES, "FINISHED")):
        run = store.create(config(), f"run {number} é", status, "find-lr" if number == 5 else "train")
        store.log_metrics(run.id, {"valid_loss": 0.5, "final_accuracy": 0.9, "bad": float("nan")}, step=1)
        store.log_metrics(run.id, {"valid_loss": 0.25, "inf": float("inf")}, step=2)
        store.tag(run.id, {"checked": "", "reader": str(number)})
        store.write_note(run.id, "a 'note'")
    store.set_status(run.id, "FAILED", "It broke.")
    store.client.delete_run(store.create(config(), "gone", "FAILED").id)
    store.client.create_run(store.experiment)
    store.client.create_run(store.client.create_experiment("another"), tags={"brainseg.config": "{}"})
    return store


def test_the_list_is_the_one_that_mlflow_gives(store: RunStore) -> None:
    assert store.list() == by_mlflow(store)
    assert len(store.list()) == 6
    assert [run.status for run in store.list(["KILLED", "RUNNING"])] == ["KILLED", "RUNNING"]
    for run in store.list():
        assert store.get(run.id) == run == read_run(store.client.get_run(run.id), store.home)


def test_what_another_process_writes_is_seen_at_once(store: RunStore) -> None:
    reader = RunStore()
    run = reader.list()[0]
    store.rename(run.id, "renamed")
    assert reader.get("renamed").id == run.id


def test_the_installed_mlflow_makes_the_tables_that_are_read(store: RunStore, home: Path) -> None:
    with sqlite3.connect(home / "mlflow.db") as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchall() == [(SCHEMA,)]


def test_tables_of_another_version_are_left_to_mlflow(home: Path, store: RunStore) -> None:
    file = home / "mlflow.db"
    place = (home / "runs").as_uri()
    assert Snapshot(file, "brainseg", place).usable()
    assert not Snapshot(file, "another", place).usable()
    assert not Snapshot(file, "brainseg", "file:///elsewhere").usable()
    assert not Snapshot(home / "none.db", "brainseg", place).usable()
    with sqlite3.connect(file) as database:
        database.execute("UPDATE alembic_version SET version_num = 'f00'")
    assert not Snapshot(file, "brainseg", place).usable()


def test_a_store_that_breaks_while_it_is_open_is_one_sentence(home: Path, store: RunStore) -> None:
    reader = RunStore()
    for file in home.glob("mlflow.db*"):
        file.write_bytes(b"no database at all" * 100)
    for ask in (reader.list, lambda: reader.get("0" * 32)):
        with pytest.raises(RunError, match=r"mlflow\.db is a damaged database"):
            ask()


def test_the_list_needs_neither_mlflow_nor_a_question_per_run(store: RunStore, config) -> None:
    for run in store.list(["RUNNING"]):  # one without a living process would be recorded as failed first
        store.set_status(run.id, "FAILED")
    script = """
import sqlite3, sys
asked = []
class Counting(sqlite3.Connection):
    def execute(self, question, *values):
        asked.append(question)
        return super().execute(question, *values)
connect = sqlite3.connect
sqlite3.connect = lambda *args, **kwargs: connect(*args, factory=Counting, **kwargs)
sys.argv = ["brainseg", "runs"]
from brainseg.cli.app import app
app(standalone_mode=False)
print(len(asked), sorted({"mlflow", "sqlalchemy", "pandas", "torch", "streamlit", "plotly"} & set(sys.modules)))
"""

    def answer() -> list[str]:
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=child_environment())
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    first = answer()
    for number in range(5):
        store.create(config(), f"more {number}", "FINISHED")
    more = answer()
    assert first[-1].endswith("[]")
    assert more[-1] == first[-1]
    assert len(more) > len(first)
