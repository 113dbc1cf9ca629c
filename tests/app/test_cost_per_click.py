"""What a click reads from the disk does not grow with the number of runs."""

from __future__ import annotations

import builtins
import io
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from brainseg.app import live_store
from brainseg.runs import Run, RunStore


@pytest.fixture
def add(finished_home: Path, tuned: Run):
    """Add finished runs with a model and an evaluation of their own."""

    def added(count: int) -> None:
        store = RunStore()
        for number in range(count):
            run = store.create(tuned.config, f"more {number} {count}", "RUNNING")
            shutil.copytree(finished_home / "runs" / tuned.id, finished_home / "runs" / run.id)
            store.set_status(run.id, "FINISHED")

    return added


@pytest.fixture
def counted(finished_home: Path, monkeypatch: pytest.MonkeyPatch):
    """Count files opened below the home and questions to the database while a page that is open is drawn again."""
    opened: list[str] = []

    def count(original):
        def opening(file, *args, **kwargs):
            if str(finished_home) in str(file):
                opened.append(str(file))
            return original(file, *args, **kwargs)

        return opening

    class Counting(sqlite3.Connection):
        def execute(self, question, *values):
            opened.append(question)
            return super().execute(question, *values)

    connect = sqlite3.connect
    monkeypatch.setattr(io, "open", count(io.open))
    monkeypatch.setattr(builtins, "open", count(builtins.open))
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **kwargs: connect(*args, factory=Counting, **kwargs))

    def again(app: AppTest) -> list[str]:
        app.run()  # whatever is read once
        opened.clear()
        app.run()
        assert not app.exception
        assert not app.error
        return list(opened)

    return again


@pytest.mark.parametrize("page", ["diagnose", "runs", "compare", "home", "train"])
def test_a_click_reads_as_much_with_many_runs_as_with_few(add, counted, open_page, tuned: Run, page: str) -> None:
    address = {"runs": {"run": tuned.id}, "compare": {"runs": tuned.id}}.get(page, {})
    few = counted(open_page(page, **address))
    add(12)
    many = counted(open_page(page, **address))
    assert len(many) <= len(few) + 2, sorted(set(many) - set(few))


def test_the_classes_of_a_thousand_runs_are_read_once(tuned: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [tuned, *(replace(tuned, id=f"{number:032x}") for number in range(1200))]
    read, original = [], live_store._read_classes
    monkeypatch.setattr(live_store, "_read_classes", lambda run: read.append(run.id) or original(run))
    first = live_store.classes(runs)
    assert first[tuned.id] == {"no", "yes"}
    assert first[runs[1].id] == set()
    assert len(read) == len(runs)
    assert live_store.classes(runs) == first
    assert len(read) == len(runs)
