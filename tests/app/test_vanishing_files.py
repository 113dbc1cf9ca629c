"""Files that another process deletes at any moment, such as SQLite's log, are no error of a page."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from brainseg.app import model_cache
from brainseg.app.about.facts import size_of
from brainseg.datasets import registry
from brainseg.runs.changes import Changes

LOOKS = 2000


@contextmanager
def coming_and_going(file: Path) -> Iterator[None]:
    """Create and delete a file again and again."""
    end = threading.Event()

    def toggle() -> None:
        while not end.is_set():
            file.write_bytes(b"log")
            file.unlink()

    thread = threading.Thread(target=toggle)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


@pytest.mark.parametrize(
    ("name", "look"),
    [
        ("mlflow.db", lambda folder: Changes(folder / "mlflow.db").stamp()),
        (".bundle.json.tmp", model_cache._stamp),
        ("file", lambda folder: size_of(folder / "file")),
    ],
)
def test_a_file_may_vanish_while_it_is_looked_at(tmp_path: Path, name: str, look: Callable[[Path], object]) -> None:
    with coming_and_going(tmp_path / name):
        for _ in range(LOOKS):
            look(tmp_path)


def test_a_phantom_that_is_deleted_meanwhile_is_not_listed(home: Path) -> None:
    folder = registry.datasets_folder() / "phantom"
    folder.mkdir(parents=True)
    with coming_and_going(folder / registry.PHANTOM):
        for _ in range(LOOKS):
            registry.known_datasets()
