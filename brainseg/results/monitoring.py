"""The log of answers by model, with the run that each model is of, and what its newest answers show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainseg.models.operating_point import decide_all
from brainseg.monitoring import AnswerLog, Reference, Sign, signs_of_drift
from brainseg.monitoring.drift import FEWEST, Kind
from brainseg.results.classification.operating_point import decided
from brainseg.runs import Run, RunStore

_WHAT = {
    Kind.REFUSED: "images that the guard turned away",
    Kind.FEATURES: "images whose network features lie beyond the guard's limit",
}


@dataclass(frozen=True)
class MonitoredModel:
    """The answers of one version of a model.

    Attributes:
        model: Name and version.
        run: Its run; None if the run has gone or its model has another version now, and for models that were only named
            together.
        answers: From `AnswerLog.read`, oldest first.
        signs: What the rules found in the newest ones.
        reference: What its answers were like in the validation set; None where this is not known.
    """

    model: str
    run: Run | None
    answers: pd.DataFrame
    signs: list[Sign]
    reference: Reference | None

    @property
    def alarms(self) -> list[Sign]:
        """The signs that are hardly chance."""
        return [sign for sign in self.signs if sign.alarming]


def monitored_models(store: RunStore, days: float | None = None) -> list[MonitoredModel]:
    """Return what each model answered, the model with the newest answer first.

    Args:
        store: The run store.
        days: Only answers of the last days; all by default.

    Raises:
        DataError: The log cannot be used.
    """
    table = AnswerLog().read(days)
    if table.empty:
        return []
    runs = {run.bundle_digest: run for run in store.list() if run.bundle_digest}
    found = []
    for digest, answers in table.groupby("bundle_digest", sort=False):
        run = runs.get(str(digest))
        reference = reference_of(store, run) if run else None
        rows = answers.reset_index(drop=True)
        signs = signs_of_drift(rows, reference)
        found.append(MonitoredModel(str(rows["model"].iloc[-1]), run, rows, signs, reference))
    return sorted(found, key=lambda each: each.answers["time"].iloc[-1], reverse=True)


def reference_of(store: RunStore, run: Run) -> Reference | None:
    """Return what a run's answers were like in its validation set; None where this is not known."""
    found = decided(store, run)
    if found is None:
        return None
    scores = found.scores
    codes, _ = decide_all(scores.probabilities, scores.positive, found.point.threshold)
    return Reference(scores.probabilities[np.arange(len(codes)), codes])


def sign_sentence(sign: Sign) -> str:
    """Return what a rule found, as a sentence.

    Examples:
        >>> sign_sentence(Sign(Kind.REFUSED, 40, 0.3, 0.02, 1e-10))
        '30.0 % of the 40 newest images are images that the guard turned away, and about 2 % are expected.'
    """
    if sign.kind is Kind.CONFIDENCE:
        return (
            f"The median confidence of the {sign.count} newest images is {100 * sign.value:.1f} %, and "
            f"{100 * sign.expected:.1f} % in the validation set."
        )
    return (
        f"{100 * sign.value:.1f} % of the {sign.count} newest images are {_WHAT[sign.kind]}, and about "
        f"{100 * sign.expected:.0f} % are expected."
    )


def verdict_sentence(model: MonitoredModel) -> str:
    """Return whether the newest answers of a model look like those that it was tested on."""
    if not model.signs:
        images = model.answers["image_sha256"].nunique()
        return f"There are too few images for a rule: {images} of the {FEWEST} that it needs."
    if model.alarms:
        return (
            "The newest images differ from those that this model was tested on by more than chance explains: its "
            "metrics may not hold for them."
        )
    return "No rule finds a difference from the images that this model was tested on beyond what chance explains."
