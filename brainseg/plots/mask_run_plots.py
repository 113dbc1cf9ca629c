"""Figures of a segmentation run, drawn from its stored files; each is None where those do not exist (yet)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from plotly.graph_objects import Figure

from brainseg.errors import ScanError
from brainseg.evaluation.segmentation import patient_table, worst_slices
from brainseg.plots import (
    dice_distribution_figure,
    dice_per_patient_figure,
    dice_size_figure,
    pixel_matrix_figure,
    segmentation_scores_figure,
    worst_slices_figure,
)
from brainseg.results import stored_results as run_results
from brainseg.results.run_images import read_image
from brainseg.runs import Run, RunStore

WORST = 6
OUTLINES = "A slice that is not in its dataset any more, or was changed since, is drawn black; its outlines stay."


def _scores(store: RunStore, run: Run, dark: bool) -> Figure | None:
    report = run_results.evaluation(store, run)
    baselines = run_results.read_json(store, run, "baselines.json")
    return segmentation_scores_figure(report, baselines, dark=dark) if report else None


def _matrix(store: RunStore, run: Run, dark: bool) -> Figure | None:
    report = run_results.evaluation(store, run)
    return pixel_matrix_figure(report, dark=dark) if report else None


def _of_slices(figure: Callable[..., Figure]) -> Callable[[RunStore, Run, bool], Figure | None]:
    def draw(store: RunStore, run: Run, dark: bool) -> Figure | None:
        table = run_results.slices(store, run)
        return None if table is None else figure(table, dark=dark)

    return draw


def _per_patient(table: pd.DataFrame, *, dark: bool) -> Figure:
    return dice_per_patient_figure(patient_table(table), dark=dark)


def _worst(store: RunStore, run: Run, dark: bool) -> Figure | None:
    table = run_results.slices(store, run)
    predicted, truth = (run_results.masks(store, run, name) for name in ("masks.npz", "truth.npz"))
    if table is None or predicted is None or truth is None:
        return None
    known = run_results.digests(store, run)
    cases = worst_slices(table, WORST)
    found = [predicted[row] for row in cases["row"]]
    images = [
        slice_pixels(run, path, known.get(path), mask.shape) for path, mask in zip(cases["path"], found, strict=True)
    ]
    return worst_slices_figure(cases, images, [truth[row] for row in cases["row"]], found, dark=dark)


def slice_pixels(run: Run, path: str, sha256: str | None, shape: tuple[int, ...]) -> np.ndarray:
    """Return a slice; black where it is not there any more, so that its outlines can still be seen.

    Args:
        run: The run.
        path: As in its table of slices.
        sha256: Hash of the slice when the run was evaluated on it; None where that is not known.
        shape: (H, W) of the slice's mask.
    """
    # With chosen modalities, the hash is of what the model saw, not of the file.
    try:
        pixels = read_image(run, path, None if run.config.data.modalities else sha256).pixels
    except ScanError:
        return np.zeros((*shape, 3), np.uint8)
    return pixels if pixels.shape[:2] == shape else np.zeros((*shape, 3), np.uint8)


MASK_FIGURES: dict[str, Callable[[RunStore, Run, bool], Figure | None]] = {
    "mask_scores": _scores,
    "dice_distribution": _of_slices(dice_distribution_figure),
    "dice_per_patient": _of_slices(_per_patient),
    "dice_size": _of_slices(dice_size_figure),
    "pixel_matrix": _matrix,
    "worst_slices": _worst,
}
"""Name of each figure, which is also that of its file -> the function that draws it."""
