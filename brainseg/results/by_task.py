"""What differs in the results of each task, in one table that is looked up by the task's name.

To add a task, add a folder beside `classification` and `segmentation`, and an entry in `RESULTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

import numpy as np
import pandas as pd

from brainseg.datasets.report_fields import StoredReport
from brainseg.evaluation.crossval.pooled import Pooled
from brainseg.evaluation.stored import E
from brainseg.evaluation.subset_gaps import Gap
from brainseg.models.description import BundleDescription
from brainseg.results.classification import card as class_card
from brainseg.results.classification import comparison as class_comparison
from brainseg.results.classification import crossval as class_crossval
from brainseg.results.classification import subset as class_subset
from brainseg.results.classification import tables as class_tables
from brainseg.results.comparison import Comparison, EvaluatedRun
from brainseg.results.comparison_wording import TestedPair
from brainseg.results.segmentation import card as mask_card
from brainseg.results.segmentation import comparison as mask_comparison
from brainseg.results.segmentation import crossval as mask_crossval
from brainseg.results.segmentation import subset as mask_subset
from brainseg.results.segmentation import tables as mask_tables
from brainseg.results.stored_results import evaluated_predictions, slices
from brainseg.results.subset_metric import SubsetMetric
from brainseg.runs import Run, RunStore

if TYPE_CHECKING:
    from PIL.Image import Image

    from brainseg.results.shared_plots import ReadPlot

    ReadSheet = Callable[[RunStore, Run], Image | None]


@dataclass(frozen=True, kw_only=True)
class CardParts(Generic[E]):
    """What differs in the model cards of tasks.

    Attributes:
        purpose: Returns what the model gives, and for what use.
        not_for: What it is not for, as a Markdown list.
        metrics_heading: Heading of the metrics.
        metrics: Returns the metrics of an evaluation as Markdown.
        limits: Returns, by line, what the metrics do not show, from the description of the bundle, the
            evaluation and the `dataset.json`.
    """

    purpose: Callable[[BundleDescription], str]
    not_for: str
    metrics_heading: str
    metrics: Callable[[E], str]
    limits: Callable[[BundleDescription, E | None, StoredReport | None], list[str]]


@dataclass(frozen=True, kw_only=True)
class CrossvalParts(Generic[E]):
    """What differs in the cross-validations of tasks.

    Attributes:
        names: Name of each metric, in the order in which they are shown -> its name in words.
        fold_metrics: Returns the metrics of the evaluation of one fold.
        pool: Evaluates the pooled predictions of the folds of a parent run.
        store: Writes, into a folder, further files of the pooled predictions of the first repeat.
    """

    names: Mapping[str, str]
    fold_metrics: Callable[[E], dict[str, float | None]]
    pool: Callable[[RunStore, Run, Sequence[Run], pd.DataFrame], Pooled]
    store: Callable[[RunStore, Sequence[Run], pd.DataFrame, Path], None]


@dataclass(frozen=True, kw_only=True)
class TaskResults(Generic[E]):
    """What differs in the results of tasks.

    Attributes:
        predictions: Reads the table of predictions of a run; None if there is none (yet).
        read_evaluated: Reads a finished run with all that a comparison needs.
        not_comparable: Sentence for runs that were not evaluated on the same images.
        aligned: Returns the predictions of one group of a comparison side by side.
        differing: Returns the rows of `aligned` on which the runs differ.
        differ: What runs do on those rows, as a verb: "disagree".
        tests: Tests every two runs of one group of a comparison against each other.
        pairs_in_words: Returns the table of those tests for readers.
        run_row: Returns the row of a run in the table of compared runs, from the letter of its set and its name.
        runs_in_words: Returns that table for readers.
        subset_metric: Returns the main metric on some rows of the predictions of a run.
        subset_gap: Compares the main metric on some rows of predictions (bool) with that on the others; the last
            argument is the unit of each row: rows of one unit are not independent.
        card: The parts of the model card.
        crossval: The parts of a cross-validation.
        plots: Imports and returns the plots of a run: name -> function that reads what the plot is drawn from.
        sheets: Imports and returns the images that are written beside the plots: name -> function that draws one.
    """

    predictions: Callable[[RunStore, Run], pd.DataFrame | None]
    read_evaluated: Callable[[RunStore, Run], EvaluatedRun[E]]
    not_comparable: str
    aligned: Callable[[Comparison, str], pd.DataFrame]
    differing: Callable[[Comparison, str], pd.DataFrame]
    differ: str
    tests: Callable[[Comparison, str], Sequence[TestedPair]]
    pairs_in_words: Callable[[Sequence[Any]], pd.DataFrame]
    run_row: Callable[[str, str, EvaluatedRun[E]], dict[str, Any]]
    runs_in_words: Callable[[pd.DataFrame], pd.DataFrame]
    subset_metric: Callable[[Run, E, pd.DataFrame], SubsetMetric]
    subset_gap: Callable[[Run, pd.DataFrame, np.ndarray, np.ndarray], Gap]
    card: CardParts[E]
    crossval: CrossvalParts[E]
    plots: Callable[[], Mapping[str, ReadPlot]]
    sheets: Callable[[], Mapping[str, ReadSheet]]


# Plots are imported when they are drawn: plotly takes half a second that most commands need not spend.
def _class_plots() -> Mapping[str, ReadPlot]:
    from brainseg.results.classification.plots import PLOTS

    return PLOTS


def _class_sheets() -> Mapping[str, ReadSheet]:
    from brainseg.results.classification.plots import SHEETS

    return SHEETS


def _mask_plots() -> Mapping[str, ReadPlot]:
    from brainseg.results.segmentation.plots import PLOTS

    return PLOTS


RESULTS: dict[str, TaskResults[Any]] = {
    "classify": TaskResults(
        predictions=evaluated_predictions,
        read_evaluated=class_comparison.read_evaluated,
        not_comparable=class_comparison.NOT_COMPARABLE,
        aligned=class_comparison.aligned_images,
        differing=class_comparison.disagreeing_images,
        differ="disagree",
        tests=class_comparison.paired_tests,
        pairs_in_words=class_tables.pairs_in_words,
        run_row=class_tables.run_row,
        runs_in_words=class_tables.runs_in_words,
        subset_metric=class_subset.accuracy,
        subset_gap=class_subset.gap,
        card=CardParts(
            purpose=class_card.purpose,
            not_for=class_card.NOT_FOR,
            metrics_heading="How often it is right",
            metrics=class_card.metrics,
            limits=class_card.limits,
        ),
        crossval=CrossvalParts(
            names=class_crossval.NAMES,
            fold_metrics=class_crossval.fold_metrics,
            pool=class_crossval.pool,
            store=class_crossval.store_files,
        ),
        plots=_class_plots,
        sheets=_class_sheets,
    ),
    "segment": TaskResults(
        predictions=slices,
        read_evaluated=mask_comparison.read_evaluated,
        not_comparable=mask_comparison.NOT_COMPARABLE,
        aligned=mask_comparison.aligned_slices,
        differing=mask_comparison.slices_that_differ,
        differ="differ in Dice",
        tests=mask_comparison.paired_tests,
        pairs_in_words=mask_tables.pairs_in_words,
        run_row=mask_tables.run_row,
        runs_in_words=mask_tables.runs_in_words,
        subset_metric=mask_subset.dice,
        subset_gap=mask_subset.gap,
        card=CardParts(
            purpose=mask_card.purpose,
            not_for=mask_card.NOT_FOR,
            metrics_heading="How well its masks fit",
            metrics=mask_card.metrics,
            limits=mask_card.limits,
        ),
        crossval=CrossvalParts(
            names=mask_crossval.NAMES,
            fold_metrics=mask_crossval.fold_metrics,
            pool=mask_crossval.pool,
            store=mask_crossval.store_files,
        ),
        plots=_mask_plots,
        sheets=dict,
    ),
}
"""Task, as the setting `task` has it -> what differs in its results."""


def results_of(task: str) -> TaskResults[Any]:
    """Return what differs in the results of a task.

    >>> results_of("segment").differ
    'differ in Dice'
    """
    return RESULTS[task]
