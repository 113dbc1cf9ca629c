"""Made-up results of robustness checks, for tests of what is drawn and said."""

from __future__ import annotations

from brainseg.evaluation.intervals import wilson
from brainseg.robustness.result import Measured, Point, RobustnessReport

IMAGES = 100
STRENGTHS = (2.0, 4.0, 8.0)


def measured(value: float, count: int = IMAGES) -> Measured:
    return {"value": value, "interval": wilson(round(max(value, 0) * count), count), "count": count}


def point(strength: float, accuracy: float, changed: float | None = None) -> Point:
    touched = changed is not None
    return {
        "strength": strength,
        "metric": measured(accuracy),
        "ece": measured(0.1),
        "nll": {"value": 0.5, "interval": (0.4, 0.7), "count": IMAGES},
        "changed": measured(changed) if touched else None,
        "stability": {"value": 0.8, "interval": (0.7, 0.9), "count": 32} if touched else None,
    }


def report(*accuracies: float, untouched: float = 0.9) -> RobustnessReport:
    """A report on one corruption, with an accuracy at each strength."""
    points = [point(*each, changed=0.07) for each in zip(STRENGTHS, accuracies, strict=True)]
    return {
        "schema": 1,
        "brainseg": "0.1.0",
        "digest": "d" * 64,
        "metric": "accuracy",
        "evaluated_on": "valid",
        "held_out": 300,
        "images": IMAGES,
        "groups": 80,
        "seed": 0,
        "calibrated": None,
        "judged": "yes",
        "heatmaps": 32,
        "method": "grad-cam",
        "stage": 4,
        "reference": point(0, untouched),
        "curves": [{"corruption": "noise", "title": "Noise", "unit": "% of brightness", "points": points}],
    }
