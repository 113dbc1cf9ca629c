"""The parts of a cross-validation that differ for segmentations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from brainseg.errors import RunError
from brainseg.evaluation.crossval.masks import METRICS, pooled_masks
from brainseg.evaluation.crossval.pooled import Pooled
from brainseg.evaluation.segmentation import save_masks
from brainseg.evaluation.stored import SegmentationEvaluation, score
from brainseg.results import stored_results
from brainseg.results.crossval.pooled_runs import pool_runs
from brainseg.runs import Run, RunStore

NAMES = {
    "dice": "Dice, all pixels",
    "slice_dice": "Dice, mean of slices",
    "patient_dice": "Dice, mean of patients",
    "iou": "IoU, all pixels",
    "sensitivity": "Sensitivity of pixels",
    "precision": "Precision of pixels",
    "detection_sensitivity": "Slice sensitivity",
    "detection_specificity": "Slice specificity",
}
"""Score -> its name, in the order in which they are shown."""


def fold_metrics(evaluation: SegmentationEvaluation) -> dict[str, float | None]:
    """Return the scores of one fold."""
    return {name: score(evaluation, name) for name in METRICS}


def pool(store: RunStore, parent: Run, runs: Sequence[Run], table: pd.DataFrame) -> Pooled:
    """Evaluate the pooled slices; see `pool_runs`."""
    return pool_runs(
        SegmentationEvaluation,
        store,
        parent,
        runs,
        table,
        lambda each: (tuple(each["classes"]), each["rule"]),
        pooled_masks,
    )


def store_files(store: RunStore, runs: Sequence[Run], table: pd.DataFrame, folder: Path) -> None:
    """Store the masks of the first repeat, in the order of its table.

    Raises:
        RunError: The masks of a fold are missing or damaged.
    """
    classes = int(max(int(name.split("_")[1]) for name in table.columns if name.startswith("n_"))) + 1
    by_id = {run.id: run for run in runs}
    for name in ("masks.npz", "truth.npz"):
        kept: dict[str, np.ndarray] = {}
        for run_id in table["run_id"].unique():
            run = by_id[str(run_id)]
            saved, slices = stored_results.masks(store, run, name), stored_results.slices(store, run)
            if saved is None or slices is None or len(saved) != len(slices):
                raise RunError(f"{name} of run {run.name!r} is missing or damaged: delete that fold, then resume.")
            kept |= {path: saved[row] for row, path in enumerate(slices["path"])}
        save_masks(folder / name, (kept[path] for path in table["path"]), classes)
