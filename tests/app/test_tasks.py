"""What the pages show of each task."""

from __future__ import annotations

import pytest

from brainseg.app.tasks import VIEWS, fine_tuned, view_of
from brainseg.config import RunConfig
from brainseg.tasks import TASKS


def test_every_task_has_its_view_in_the_tasks_order():
    assert list(VIEWS) == list(TASKS)


@pytest.mark.parametrize("task", TASKS)
def test_a_view_has_panels_and_the_metric_of_its_task(task):
    view = view_of(task)
    panels = view.run_panels()
    assert len(panels) > 3
    assert all(callable(draw) for draw in panels.values())
    assert view.score == view.facts.headline
    assert view.timing()


def test_an_instant_baseline_is_not_fine_tuned():
    assert fine_tuned(RunConfig.from_preset("default"))
    assert not fine_tuned(RunConfig.from_preset("default", {"model.head": "logistic"}))
