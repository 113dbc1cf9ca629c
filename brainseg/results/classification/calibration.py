"""The calibration of a run: in words, and its fit on the stored predictions of a run that has none."""

from __future__ import annotations

from brainseg.diagnosis.calibrated import calibration_sentence
from brainseg.errors import DataError
from brainseg.evaluation.calibration import (
    CALIBRATION,
    CalibrationReport,
    calibrate,
    calibration_values,
)
from brainseg.evaluation.operating import Goals
from brainseg.models.calibration import sets_of, temperature_of
from brainseg.results.bundle_changes import description_of, replace_description
from brainseg.results.calibration_words import measures_words
from brainseg.results.classification.held_out import held_out
from brainseg.results.classification.operating_point import fitted_point
from brainseg.runs import Run, RunStore
from brainseg.runs.asking import asks_about_run
from brainseg.users.policy import Act


@asks_about_run(Act.CALIBRATE)
def calibrate_run(store: RunStore, run: Run, parent: Run | None = None) -> CalibrationReport:
    """Fit the temperature of a finished run on stored predictions, and write it into the run's bundle.

    The model gets a new version, since its answers change. An operating point is chosen again for the same goals.

    Args:
        store: The run store.
        run: A finished run that classifies.
        parent: A cross-validation of the same settings and images, whose out-of-fold predictions are used; None for the
            predictions of the run's own validation set.

    Raises:
        RunError: The run has no model, lacks the predictions of its validation set, or does not fit `parent`.
        BundleError: The bundle cannot be used.
        DataError: The images are too few for the goals of its operating point.
    """
    run = store.get(run.id)  # the bundle may have been replaced since
    old, found = description_of(store, run), held_out(store, run, parent)
    report = calibrate(found.table, found.classes, found.positive, found.groups, found.copies, found.source)
    point = old.operating_point
    if point is not None:
        goals = Goals(point.threshold_goal, point.margin_goal)
        try:
            point = fitted_point(store, run, found, temperature_of(report["state"]), goals)
        except DataError as error:
            raise DataError(
                f"Run {run.name!r} cannot be calibrated while its operating point has a goal that its images do not "
                f"reach: `brainseg threshold {run.id[:8]} --default` removes the goal."
            ) from error
    description = old.model_copy(update={"calibration": report["state"], "operating_point": point})
    replace_description(store, run, description, {CALIBRATION: calibration_values(report)})
    return report


def calibration_lines(report: CalibrationReport) -> list[str]:
    """Return sentences on a run's calibration: the state, what was measured, and what was left out."""
    before, after = report["before"], report["after"]
    lines = [calibration_sentence(report["state"])]
    if before:
        lines.append(f"Before scaling: {measures_words(before)}.")
    if after and after != before:
        lines.append(f"After scaling, measured on images outside each fit: {measures_words(after)}.")
    elif after:
        lines.append("Scaling did not lower the loss of images outside the fit, so the scores stay as they are.")
    if sets := sets_of(report["state"]):
        low, high = sets.covered.interval or (0.0, 1.0)
        lines.append(
            f"Prediction sets for a coverage of at least {100 * sets.coverage:g} %: on {sets.covered.hits} of "
            f"{sets.covered.count} images outside each fit, the set contained the true class (95 % CI "
            f"{100 * low:.0f} to {100 * high:.0f} %), with {sets.size:.2f} classes on average."
        )
    if report["copies"]:
        lines.append(f"{report['copies']} images with a copy in the training set were left out.")
    return lines
