"""Finds the tasks: every folder beside this module is a task."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Any

from brainseg import tasks
from brainseg.config import RunConfig
from brainseg.tasks.facts import TaskFacts

if TYPE_CHECKING:  # torch takes seconds to import, and most importers of this module do not train
    from brainseg.training.protocols import Task


def find_tasks() -> dict[str, TaskFacts]:
    """Return the facts of each task by its name, in the tasks' order; see `TaskFacts.order`."""
    packages = [f"{tasks.__name__}.{found.name}" for found in pkgutil.iter_modules(tasks.__path__) if found.ispkg]
    facts: list[TaskFacts] = [import_module(package).FACTS for package in packages]
    return {each.name: each for each in sorted(facts, key=lambda each: each.order)}


TASKS = find_tasks()
"""Name of each task (a value of the setting `task`) -> its facts, in the tasks' order."""


def facts_of(name: str) -> TaskFacts:
    """Return the facts of a task.

    >>> facts_of("segment").headline
    'dice'
    """
    return TASKS[name]


def task_of(config: RunConfig) -> Task[Any]:
    """Return the task of a run, ready to train it."""
    task: Task[Any] = import_module(f"{tasks.__name__}.{facts_of(config.task).noun}.training").TASK(config)
    return task
