"""Whether the uncertainty of a run's answers tells wrong ones from right ones, on its held-out images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from typing_extensions import TypedDict

from brainseg.diagnosis.heatmap_checks.sample import GROUP_NUMBER, drawn_sample, held_out_images
from brainseg.errors import RunError, ScanError
from brainseg.evaluation.error_detection import ErrorDetection, error_detection
from brainseg.results import stored_results
from brainseg.results.run_images import read_image
from brainseg.runs import Run, RunStore

MOST = 200
"""Most images that are measured, drawn at random."""
MEASURES = {
    "doubt": "1 - highest probability",
    "entropy": "entropy of the probabilities",
    "view_deviation": "standard deviation over changed images",
    "dropout_deviation": "standard deviation over passes with dropout",
    "mutual_information": "mutual information over passes with dropout",
}
"""Measure of uncertainty -> its name."""


class UncertaintyReport(TypedDict):
    """How well each measure of uncertainty detects wrong answers.

    Attributes:
        run_id: Id of the run.
        run: Its name.
        count: Number of images that were measured.
        evaluated: Number of all evaluated images.
        wrong: Number of wrong answers.
        unreadable: Images that are missing, or were changed since the evaluation.
        measures: Measure -> how well it does; None where the model does not have it.
    """

    run_id: str
    run: str
    count: int
    evaluated: int
    wrong: int
    unreadable: int
    measures: dict[str, ErrorDetection | None]


def uncertainty_report(
    store: RunStore, run: Run, most: int = MOST, progress: Callable[[int, int], None] | None = None
) -> UncertaintyReport:
    """Measure the uncertainty of a run's answers to its held-out images.

    An answer is wrong if the most probable class is not the label.

    Args:
        store: The run store.
        run: A finished run that classifies.
        most: Most images to measure.
        progress: Called with (images done, images in all).

    Raises:
        RunError: The run has no model or no split, or none of its images can be read.
        BundleError: The bundle cannot be used.
    """
    from brainseg.diagnosis.predictor import Predictor
    from brainseg.diagnosis.uncertainty import measure_uncertainty

    split = stored_results.split(store, run)
    if split is None:
        raise RunError(f"Run {run.name!r} has no split.csv, so its held-out images are unknown: train it again.")
    predictor, held_out = Predictor.open(store.bundle(run)), held_out_images(split)
    sample = drawn_sample(held_out, most)
    found: dict[str, list[float]] = {name: [] for name in MEASURES}
    kept: list[int] = []
    wrong: list[bool] = []
    for row, (path, label, digest) in enumerate(zip(sample["path"], sample["label"], sample["sha256"], strict=True)):
        try:
            scan = read_image(run, path, digest or None)
        except ScanError:
            continue
        one = measure_uncertainty(predictor, scan)
        kept.append(row)
        wrong.append(one.classes[int(one.views[0].argmax())] != label)
        for name, value in (
            ("doubt", 1 - float(one.views[0].max())),
            ("entropy", one.entropy),
            ("view_deviation", one.view_deviation),
            ("dropout_deviation", one.dropout_deviation),
            ("mutual_information", one.mutual_information),
        ):
            if value is not None:
                found[name].append(value)
        if progress:
            progress(row + 1, len(sample))
    if not kept:
        raise RunError(f"None of the held-out images of run {run.name!r} can be read: put its dataset back.")
    mistakes, of = np.array(wrong), sample[GROUP_NUMBER].to_numpy()[kept]
    return {
        "run_id": run.id,
        "run": run.name,
        "count": len(kept),
        "evaluated": len(held_out),
        "wrong": int(mistakes.sum()),
        "unreadable": len(sample) - len(kept),
        "measures": {
            name: error_detection(np.array(values), mistakes, of) if values else None for name, values in found.items()
        },
    }


def uncertainty_lines(report: UncertaintyReport) -> list[str]:
    """Return what was measured, as sentences."""
    drawn = "" if report["count"] == report["evaluated"] else f", drawn from {report['evaluated']:,},"
    lines = [f"{report['wrong']} of {report['count']} held-out images{drawn} were answered wrongly."]
    for name, found in report["measures"].items():
        if found is None:
            lines.append(f"{MEASURES[name].capitalize()}: this model has no dropout.")
        elif found["auc"] is None:
            lines.append(f"{MEASURES[name].capitalize()}: not defined without both right and wrong answers.")
        else:
            interval = found["interval"]
            bounds = f" (95 % CI {interval[0]:.2f} to {interval[1]:.2f})" if interval else ""
            lines.append(
                f"{MEASURES[name].capitalize()}: a wrong answer is more uncertain than a right one with a probability "
                f"of {found['auc']:.2f}{bounds}."
            )
    return lines
