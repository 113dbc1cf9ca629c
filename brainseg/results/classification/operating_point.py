"""The operating point of a run: its choice on stored predictions, and what it gives in words."""

from __future__ import annotations

from dataclasses import dataclass

from brainseg.errors import BundleError, DataError, RunError
from brainseg.evaluation.operating import Goals, HeldOut, Scores, fit_operating_point
from brainseg.models.calibration import temperature_of
from brainseg.models.operating_point import DEFAULT, OperatingPoint
from brainseg.results.bundle_changes import description_of, replace_description
from brainseg.results.classification.held_out import held_out, test_set
from brainseg.runs import Run, RunStore
from brainseg.runs.asking import asks_about_run
from brainseg.users.policy import Act


@asks_about_run(Act.THRESHOLD)
def set_operating_point(store: RunStore, run: Run, goals: Goals, parent: Run | None = None) -> OperatingPoint:
    """Choose the operating point of a finished run on stored predictions, and write it into the run's bundle.

    The model gets a new version, since its answers change.

    Args:
        store: The run store.
        run: A finished run that classifies.
        goals: What the operating point is for. Without any, the model decides by the highest probability again.
        parent: A cross-validation of the same settings and images, whose out-of-fold predictions are used; None for the
            predictions of the run's own validation set.

    Raises:
        RunError: The run has no model, lacks the predictions of its validation set, or does not fit `parent`.
        BundleError: The bundle cannot be used.
        DataError: The images are too few for the goals, or none reaches them.
    """
    run = store.get(run.id)  # the bundle may have been replaced since
    description = description_of(store, run)
    point = DEFAULT
    if goals != Goals():
        temperature = temperature_of(description.calibration)
        point = fitted_point(store, run, held_out(store, run, parent), temperature, goals)
    stored = None if goals == Goals() else point
    replace_description(store, run, description.model_copy(update={"operating_point": stored}))
    return point


def fitted_point(store: RunStore, run: Run, found: HeldOut, temperature: float, goals: Goals) -> OperatingPoint:
    """Return the operating point that held-out predictions give.

    Args:
        store: The run store.
        run: The run.
        found: Predictions of images that it did not learn from.
        temperature: That of its calibration.
        goals: What the operating point is for.

    Raises:
        DataError: The images are too few for the goals, or none reaches them.
        RunError: The run's files cannot be used.
    """
    test = test_set(store, run)
    try:
        return fit_operating_point(
            found.without_copies(temperature),
            goals,
            found.source,
            test.without_copies(temperature) if test else None,
        )
    except DataError as error:
        raise DataError(f"Run {run.name!r}: {error}") from error


@dataclass(frozen=True)
class Decided:
    """How a run's model decides now, and the predictions of its validation set.

    Attributes:
        scores: Probabilities of held-out images, without copies of training images, calibrated as the model's answers.
        point: The operating point.
        positive: The positive class; "" without one.
    """

    scores: Scores
    point: OperatingPoint
    positive: str


def decided(store: RunStore, run: Run) -> Decided | None:
    """Return how a run decides, with its predictions; None if it lacks the model or the files that this needs."""
    if not run.answers:
        return None
    try:
        description = description_of(store, run)
        found = held_out(store, run)
    except (BundleError, RunError):
        return None
    scores = found.without_copies(temperature_of(description.calibration))
    return Decided(scores, description.decides, found.positive or "") if len(scores.labels) else None


def current_point(store: RunStore, run: Run) -> OperatingPoint:
    """Return how a run's model decides now.

    Raises:
        RunError: The run has no model.
        BundleError: The bundle cannot be used.
    """
    if not run.answers:
        raise RunError(f"Run {run.name!r} has no model ({run.status}): choose a finished run.")
    return description_of(store, run).decides
