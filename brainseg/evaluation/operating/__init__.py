"""The operating point of a classifier: its threshold, which answers are not certain, and what both cost."""

from brainseg.evaluation.operating.choice import choose_margin, choose_threshold
from brainseg.evaluation.operating.curves import coverage_curve, threshold_curve
from brainseg.evaluation.operating.fit import Goals, fit_operating_point
from brainseg.evaluation.operating.held_out import HeldOut, Scores

__all__ = [
    "Goals",
    "HeldOut",
    "Scores",
    "choose_margin",
    "choose_threshold",
    "coverage_curve",
    "fit_operating_point",
    "threshold_curve",
]
