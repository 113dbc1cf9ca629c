"""Comparison of segmentations: reads their results, tests pairs of them, and finds the slices that differ in Dice."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from brainseg.evaluation.checks import require_columns
from brainseg.evaluation.comparison import align_slices, differing_slices, evaluation_key, with_digests
from brainseg.evaluation.segmentation.paired import MaskPair, compare_mask_pairs
from brainseg.evaluation.stored import SegmentationEvaluation
from brainseg.files import sha256_bytes
from brainseg.results import stored_results
from brainseg.results.comparison import Comparison, EvaluatedRun, fitting, required
from brainseg.results.comparison_wording import verdict_lines
from brainseg.results.markdown import escape
from brainseg.runs import Run, RunStore

COUNTS = ("tp", "fp", "fn", "tn")
NOT_COMPARABLE = (
    "Not comparable as a whole: these runs were not all evaluated on the same slices with the same masks, classes and "
    "rule for empty masks. Compare metrics within a set, never between sets."
)


def read_evaluated(store: RunStore, run: Run) -> EvaluatedRun[SegmentationEvaluation]:
    """Read a segmentation with all that a comparison needs.

    Raises:
        RunError: A file of the run is missing or damaged.
    """
    report = required(stored_results.evaluation_as(SegmentationEvaluation, store, run), "evaluation", run)
    slices = required(stored_results.slices(store, run), "table of slices", run)
    truths = required(stored_results.masks(store, run, "truth.npz"), "set of true masks", run)
    split = required(stored_results.split(store, run), "split", run)
    with fitting(run):
        labels = [sha256_bytes(truths[row].tobytes()) for row in range(len(slices))]
        require_columns(slices, COUNTS, "The table of slices")
        slices = with_digests(slices.assign(label=labels), split)
        key = evaluation_key(slices, f"{report['classes']} {report['rule']}")
    return EvaluatedRun(run, report, slices, stored_results.epochs(store, run), key)


def aligned_slices(comparison: Comparison, letter: str) -> pd.DataFrame:
    """Return the slices of one group side by side, one row per slice; see `evaluation.comparison.align_slices`."""
    return comparison.joined(letter, align_slices)


def slices_that_differ(comparison: Comparison, letter: str) -> pd.DataFrame:
    """Return the slices on which the Dice of the runs of one group differs, largest difference first."""
    return differing_slices(aligned_slices(comparison, letter), comparison.groups[letter])


def paired_tests(comparison: Comparison, letter: str) -> list[MaskPair]:
    """Test every two runs of one group against each other."""
    aligned, tables = aligned_slices(comparison, letter), comparison.predictions(letter)
    # The first run says which patient a slice is of, for all runs: names may differ between copies of a dataset.
    common = aligned[["path", "group"]]
    counts = {
        name: table[list(COUNTS)].iloc[aligned[f"row {name}"]].reset_index(drop=True) for name, table in tables.items()
    }
    return compare_mask_pairs({name: table.join(common) for name, table in counts.items()})


def verdicts(comparison: Comparison, pairs: Sequence[MaskPair]) -> list[str]:
    """Return what the paired tests show, as Markdown: which runs are separated, and how many pairs are not."""
    return verdict_lines(comparison, pairs, _separated, _not_separated)


def _separated(pair: MaskPair) -> str:
    worse, ahead, behind = pair.second, pair.first_ahead, pair.second_ahead
    if pair.better == pair.second:
        worse, ahead, behind = pair.first, behind, ahead
    return (
        f"**{escape(pair.better)}** has the higher mean Dice over these {pair.patients} patients: higher than "
        f"**{escape(worse)}** on {ahead} of them, lower on {behind}."
    )


def _not_separated(pair: MaskPair) -> str:
    return f"on {pair.patients} patients with a tumour, chance may explain how their Dice differs"
