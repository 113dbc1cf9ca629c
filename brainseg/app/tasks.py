"""What the pages show for each task: only this module of the app distinguishes tasks.

`brainseg.tasks` defines the tasks. To show another task, add a class here, and its panels in a folder beside
`classification` and `segmentation`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal

from brainseg.config import RunConfig
from brainseg.runs import Run
from brainseg.tasks import TaskFacts, facts_of

if TYPE_CHECKING:
    from brainseg.results.comparison import Comparison

Panels = dict[str, Callable[[Run], None]]
"""Name of each panel of a run -> the function that draws it."""
Heading = Callable[[str], object]


class TaskView(ABC):
    """What the pages show for a task's runs. Panels are imported only when they are drawn: pages open faster.

    Attributes:
        facts: The task itself.
        score: The metric that ranks the runs, by the name of its column in tables and plots.
        score_title: The metric's name in headings.
        instant_baseline: True if the task has an instant baseline; otherwise a sentence that says why not.
        predictions: What a run's file of predictions holds, and what each of its rows describes.
        draws_single_runs: Whether Compare draws more than the table for a run without a comparable one.
        relative_cost: Duration of a run, relative to a classifier with the same network.
        one_frozen_pass: Whether images pass a frozen body once in the finder and the frozen phase together.
    """

    facts: ClassVar[TaskFacts]
    score: ClassVar[Literal["accuracy", "dice"]]
    score_title: ClassVar[str]
    instant_baseline: ClassVar[Literal[True] | str]
    predictions: ClassVar[tuple[str, str]]
    draws_single_runs: ClassVar[bool]
    relative_cost: ClassVar[float]
    one_frozen_pass: ClassVar[bool]

    @property
    def title(self) -> str:
        """The name of the task, with a capital."""
        return self.facts.noun.capitalize()

    @property
    def masks(self) -> bool:
        """Whether runs learn masks, and datasets need them."""
        return self.facts.has_masks

    @abstractmethod
    def run_panels(self) -> Panels:
        """Return the panels of a finished training."""

    @abstractmethod
    def draw_scores(self, comparison: Comparison) -> None:
        """Draw a plot of the scores of all compared runs, if the task has one."""

    @abstractmethod
    def draw_set(self, comparison: Comparison, letter: str, heading: Heading) -> None:
        """Draw the comparison of the runs of one group, which were evaluated on the same images.

        Args:
            comparison: All compared runs.
            letter: The group.
            heading: Draws a heading at the right level.
        """

    @abstractmethod
    def intervals(self, comparison: Comparison) -> str:
        """Return what the intervals in the table of compared runs mean, as Markdown."""

    @abstractmethod
    def timing(self) -> str:
        """Return how the time per image of the compared runs was measured."""


class ClassificationView(TaskView):
    """Runs that learn one label per image."""

    facts = facts_of("classify")
    score, score_title = "accuracy", "Accuracy"
    instant_baseline = True
    predictions = ("Predictions", "image")
    draws_single_runs = True
    relative_cost = 1.0
    one_frozen_pass = True

    def run_panels(self) -> Panels:
        """Return metrics, training, confusion matrix, hardest cases and predictions."""
        from brainseg.app.classification.run_panels import PANELS

        return PANELS

    def draw_scores(self, comparison: Comparison) -> None:
        """Draw nothing: the table shows the accuracies."""

    def draw_set(self, comparison: Comparison, letter: str, heading: Heading) -> None:
        """Draw paired tests, ROC curves, confusion matrices and disagreements."""
        from brainseg.app.classification.comparison import draw_set

        draw_set(comparison, letter, heading)

    def intervals(self, comparison: Comparison) -> str:
        """Return what the Wilson intervals mean."""
        from brainseg.app.classification.comparison import interval_words

        return interval_words(comparison)

    def timing(self) -> str:
        """Return how the time per diagnosis was measured."""
        from brainseg.results.comparison_wording import TIMES

        return TIMES


class SegmentationView(TaskView):
    """Runs that learn one label per pixel."""

    facts = facts_of("segment")
    score, score_title = "dice", "Dice"
    instant_baseline = (
        "Only classification has an instant baseline: a segmentation is compared with marking nothing and with a "
        "threshold."
    )
    predictions = ("Slices", "slice")
    draws_single_runs = False  # the table and the plot of Dice show everything
    relative_cost = 8.0  # the last layers of a U-Net work on every pixel; measured with ResNet34
    one_frozen_pass = False

    def run_panels(self) -> Panels:
        """Return scores, training, Dice, worst slices, pixels and slices."""
        from brainseg.app.segmentation.run_panels import PANELS

        return PANELS

    def draw_scores(self, comparison: Comparison) -> None:
        """Draw the Dice of all runs."""
        from brainseg.app.segmentation.comparison import draw_dice

        draw_dice(comparison)

    def draw_set(self, comparison: Comparison, letter: str, heading: Heading) -> None:
        """Draw paired tests and the slices that differ; a single run has nothing to be compared with."""
        from brainseg.app.segmentation.comparison import draw_set

        draw_set(comparison, letter, heading)

    def intervals(self, comparison: Comparison) -> str:
        """Return what the bootstrap intervals mean."""
        from brainseg.app.segmentation.comparison import INTERVALS

        return INTERVALS

    def timing(self) -> str:
        """Return how the time per slice was measured."""
        from brainseg.results.comparison_wording import MASK_TIMES

        return MASK_TIMES


VIEWS: dict[str, TaskView] = {view.facts.name: view for view in (ClassificationView(), SegmentationView())}
"""Task -> what the pages show for it, in the order of the tasks."""


def view_of(task: str) -> TaskView:
    """Return what the pages show for a task."""
    return VIEWS[task]


def fine_tuned(config: RunConfig) -> bool:
    """Return whether a run trains its network; an instant baseline fits a linear classifier to frozen features."""
    return config.model.fine_tuned
