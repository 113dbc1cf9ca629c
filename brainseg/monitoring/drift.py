"""Plain rules that tell when the images or the answers no longer look like those that a model was tested on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd
import scipy

WINDOW = 100
"""The newest images that a rule looks at; each image counts once."""
FEWEST = 30
"""Fewest images, and fewest reference values, for a rule."""
EXPECTED = 0.02
"""Fraction of images like the training images that the guard refuses, or whose features lie beyond its limit."""
LEVEL = 0.001
"""A rule gives a sign where chance alone would do so in at most this fraction of cases."""


class Kind(StrEnum):
    """What a sign of drift is about."""

    REFUSED = "refused"
    FEATURES = "features"
    CONFIDENCE = "confidence"


@dataclass(frozen=True)
class Reference:
    """What a model's answers were like when it was tested.

    Attributes:
        confidence: (N,) float, the probability of the predicted class for each image of the validation set, calibrated
            as the model's answers are; empty where this is not known.
    """

    confidence: np.ndarray


@dataclass(frozen=True)
class Sign:
    """What a rule found.

    Attributes:
        kind: What it is about.
        count: Images that it looked at.
        value: Fraction of them that the guard refused, or whose features lie beyond its limit, or their median
            confidence.
        expected: The same for images like the training images, or in the validation set.
        p_value: Probability of such a difference by chance.
    """

    kind: Kind
    count: int
    value: float
    expected: float
    p_value: float

    @property
    def alarming(self) -> bool:
        """Whether the difference is hardly chance."""
        return self.p_value < LEVEL


def newest_images(answers: pd.DataFrame) -> pd.DataFrame:
    """Return the newest answer to each of the newest `WINDOW` images of one model; an image counts once."""
    return answers.drop_duplicates("image_sha256", keep="last").tail(WINDOW)


def signs_of_drift(answers: pd.DataFrame, reference: Reference | None = None) -> list[Sign]:
    """Apply the rules to the newest answers of one model.

    * refused: more images were turned away by the guard than `EXPECTED` (one-sided binomial test);
    * features: more images lie beyond the guard's limit (one-sided binomial test);
    * confidence: the confidence is distributed otherwise than in the validation set (two-sided Kolmogorov-Smirnov
      test).

    The tests treat images as independent. With several slices of one patient, a sign is easier to trigger.

    Args:
        answers: From `AnswerLog.read`, of one bundle.
        reference: What the answers were like in the validation set; None where this is not known.

    Returns:
        What each rule found; none for a rule with fewer than `FEWEST` values.
    """
    newest = newest_images(answers)
    found: list[Sign] = []
    known = newest["in_domain"].dropna().astype(bool)
    if len(known) >= FEWEST:
        found.append(_more(Kind.REFUSED, int((~known).sum()), len(known)))
    distances = newest["distance"].dropna()
    if len(distances) >= FEWEST:
        found.append(_more(Kind.FEATURES, int((distances > 1).sum()), len(distances)))
    confidence = newest["confidence"].dropna().to_numpy(dtype=np.float64)
    if reference is not None and min(len(confidence), len(reference.confidence)) >= FEWEST:
        p_value = float(scipy.stats.ks_2samp(confidence, reference.confidence).pvalue)
        medians = float(np.median(confidence)), float(np.median(reference.confidence))
        found.append(Sign(Kind.CONFIDENCE, len(confidence), *medians, p_value))
    return found


def _more(kind: Kind, hits: int, count: int) -> Sign:
    p_value = float(scipy.stats.binomtest(hits, count, EXPECTED, alternative="greater").pvalue)
    return Sign(kind, count, hits / count, EXPECTED, p_value)
