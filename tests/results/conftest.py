"""Finished runs: trained ones, and one with many validation images whose answers are drawn by chance."""

from __future__ import annotations

from pathlib import Path

import pytest

from brainseg.models.description import bundle_digest, read_description
from brainseg.runs import Run, RunStore
from tests.app.compare_runs import finished_run
from tests.app.conftest import crossval_template, finished_home, finished_template
from tests.conftest import made_once, tiny_config, write_set
from tests.models.conftest import make_classifier, store

__all__ = ["crossval_template", "file_of", "finished_home", "finished_template"]
IMAGES = 130


@pytest.fixture(scope="session")
def many(session_folder: Path) -> Path:
    return made_once(session_folder / "many", lambda folder: write_set(folder, ("no", "yes"), IMAGES // 2))


@pytest.fixture
def run(home: Path, many: Path, tmp_path: Path) -> Run:
    """A run with 120 validation images, about a fifth wrong, whose bundle was never calibrated."""
    opened = RunStore()
    run = finished_run(opened, tiny_config(many), "old", tmp_path / "runs", images=slice(0, 120))
    folder = store(tmp_path / "bundle", make_classifier(stages=(1,)))
    opened.log_folder(run.id, folder, "bundle")
    opened.record_bundle(run.id, bundle_digest(folder, read_description(folder)))
    return opened.get(run.id)


def file_of(run: Run, name: str) -> Path:
    return RunStore().path(run.id, name)
