"""Comparison of classifiers: reads their results, tests pairs of them, and finds the images on which they disagree."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from brainseg.datasets.leak_groups import leak_groups
from brainseg.evaluation.comparison import align, disagreements, evaluation_key, with_digests
from brainseg.evaluation.paired import Pair, compare_pairs
from brainseg.evaluation.stored import ClassificationEvaluation
from brainseg.results import stored_results
from brainseg.results.comparison import Comparison, EvaluatedRun, fitting, required
from brainseg.results.comparison_wording import verdict_lines
from brainseg.results.markdown import escape
from brainseg.runs import Run, RunStore

NOT_COMPARABLE = (
    "Not comparable as a whole: these runs were not all evaluated on the same images with the same labels and positive "
    "class. Compare metrics within a set, never between sets."
)
INDEPENDENT = (
    "The tests treat images as independent, since none are known to be of the same patient. With several slices per "
    "patient, the true uncertainty is larger."
)
GROUPED = (
    "Some of these images belong together (slices of one patient, or copies): {groups} groups in all. p is then of a "
    "permutation test that flips whole groups, and intervals are by bootstrap over groups."
)


def read_evaluated(store: RunStore, run: Run) -> EvaluatedRun[ClassificationEvaluation]:
    """Read a classifier with all that a comparison needs.

    Raises:
        RunError: A file of the run is missing or damaged.
    """
    report = required(stored_results.evaluation_as(ClassificationEvaluation, store, run), "evaluation", run)
    predictions = required(stored_results.predictions(store, run, report["classes"]), "table of predictions", run)
    split = required(stored_results.split(store, run), "split", run)
    with fitting(run):
        predictions = with_digests(predictions, split)
        rows = split.set_index("path").loc[predictions["path"]].reset_index()
        predictions = predictions.assign(unit=leak_groups(rows))
        key = evaluation_key(predictions, report["positive"])
    return EvaluatedRun(run, report, predictions, stored_results.epochs(store, run), key)


def aligned_images(comparison: Comparison, letter: str) -> pd.DataFrame:
    """Return the predictions of one group side by side, one row per image; see `evaluation.comparison.align`."""
    return comparison.joined(letter, align)


def disagreeing_images(comparison: Comparison, letter: str) -> pd.DataFrame:
    """Return the images for which runs of one group predict different classes."""
    return disagreements(aligned_images(comparison, letter), comparison.groups[letter])


def paired_tests(comparison: Comparison, letter: str) -> list[Pair]:
    """Test every two runs of one group against each other."""
    return compare_pairs(aligned_images(comparison, letter), comparison.groups[letter])


def independence(pairs: Sequence[Pair]) -> str:
    """Return the sentence on whether the tests treat images as independent, or keep groups together."""
    groups = next((pair.groups for pair in pairs if pair.groups is not None), None)
    return INDEPENDENT if groups is None else GROUPED.format(groups=f"{groups:,}")


def verdicts(comparison: Comparison, pairs: Sequence[Pair]) -> list[str]:
    """Return what the paired tests show, as Markdown: which runs are separated, and how many pairs are not."""
    return verdict_lines(comparison, pairs, _separated, _not_separated)


def _separated(pair: Pair) -> str:
    better, worse = escape(pair.better), escape(pair.second if pair.better == pair.first else pair.first)
    ahead, behind = sorted((pair.only_first, pair.only_second), reverse=True)
    return (
        f"**{better}** is right more often than **{worse}** on these {pair.count} images: on {ahead} of them only "
        f"{better} is right, on {behind} only {worse}."
    )


def _not_separated(pair: Pair) -> str:
    shown = "no difference is likely to be shown"
    if pair.smallest is not None:
        shown = f"only a difference of {100 * pair.smallest:.0f} percentage points or more is likely to be shown"
    return f"they differ on too few of the {pair.count} images, with which {shown}"
