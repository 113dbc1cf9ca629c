"""What differs in the commands for each task, in one table that is looked up by the task's name.

To add a task, add a module beside `classification` and `segmentation`, and an entry in `COMMANDS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

from brainseg.cli import classification, segmentation
from brainseg.cli.prediction import Answering, Answers, Request
from brainseg.errors import RunError
from brainseg.evaluation.stored import E
from brainseg.tasks import facts_of

if TYPE_CHECKING:
    from brainseg.runs import Run


@dataclass(frozen=True, kw_only=True)
class TaskCommands(Generic[E]):
    """What differs in the commands for runs of each task.

    Attributes:
        predict: Answers a request with the bundles of one or several runs.
        answering: Opens these bundles to answer the files of an archive.
        predict_options: Options of `predict` that are for this task only, as fields of `Request`.
        print_metrics: Prints the metrics of an evaluation, given a text on which images it is about.
        has_heatmaps: Whether a model explains its answers by heatmaps.
        has_probabilities: Whether an answer is a probability for each class.
    """

    predict: Callable[[list[Path], Request], Answers]
    answering: Callable[[list[Path], Request], Answering]
    predict_options: tuple[str, ...]
    print_metrics: Callable[[E, str], None]
    has_heatmaps: bool
    has_probabilities: bool


def refuse_without_probabilities(run: Run, lack: str = "gives no probabilities") -> None:
    """Refuse a run whose answers are no probabilities of classes.

    Raises:
        RunError: Names the run, and what it lacks.
    """
    if not commands_of(run.config.task).has_probabilities:
        does = facts_of(run.config.task).does
        raise RunError(f"Run {run.name!r} {does} and {lack}: choose a run that classifies.")


COMMANDS: dict[str, TaskCommands[Any]] = {
    "classify": TaskCommands(
        predict=classification.predict,
        answering=classification.answering,
        predict_options=("method", "cam", "explain", "layer", "uncertainty"),
        print_metrics=classification.print_metrics,
        has_heatmaps=True,
        has_probabilities=True,
    ),
    "segment": TaskCommands(
        predict=segmentation.predict,
        answering=segmentation.answering,
        predict_options=("mask", "overlay"),
        print_metrics=segmentation.print_metrics,
        has_heatmaps=False,
        has_probabilities=False,
    ),
}
"""Task, as the setting `task` has it -> what differs in its commands."""


def commands_of(task: str) -> TaskCommands[Any]:
    """Return what differs in the commands for runs of a task.

    >>> commands_of("segment").predict_options
    ('mask', 'overlay')
    """
    return COMMANDS[task]
