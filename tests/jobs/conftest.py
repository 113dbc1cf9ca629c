from __future__ import annotations

from pathlib import Path

import pytest

from brainseg.runs import RunStore
from tests.app.conftest import crossval_template, finished_home, finished_template, segment_template
from tests.jobs.helpers import end_processes

__all__ = ["crossval_template", "finished_home", "finished_template", "segment_template"]


@pytest.fixture
def store(home: Path):
    """The run store of the test's own home; no process of that home outlives the test."""
    yield RunStore()
    end_processes(home)
