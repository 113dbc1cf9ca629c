"""What the pooled metrics of a cross-validation stand on: the same facts as those of each fold, added up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brainseg.evaluation.collapse import is_collapsed
from brainseg.evaluation.stored import Evaluation
from brainseg.models.validation import Basis
from brainseg.runs import Run


def pooled_basis(runs: Sequence[Run], evaluations: Sequence[Evaluation], matrix: Sequence[Sequence[int]]) -> Basis:
    """Return the basis of the pooled evaluation of the first repeat.

    Args:
        runs: The folds of all repeats.
        evaluations: Their evaluations.
        matrix: The confusion matrix of the first repeat.
    """
    first, data = evaluations[0], runs[0].config.data
    once = [each for run, each in zip(runs, evaluations, strict=True) if run.config.data.seed == data.seed]
    basis: Basis = {
        "split": first.get("split", "k-fold"),
        "evaluated_on": "valid",
        "folds": data.folds,
        "selected_on_these_images": any(each.get("selected_on_these_images", False) for each in evaluations),
        "copies_in_training": sum(each.get("copies_in_training", 0) for each in once),
        "near_copies_in_training": sum(each.get("near_copies_in_training", 0) for each in once),
        "collapsed": is_collapsed(np.array(matrix)),
        "synthetic": sum(each.get("synthetic", 0) for each in once),
    }
    if "patients_known" in first:
        basis["patients_known"] = first["patients_known"]
    if "chance" in first:
        actual = np.array(matrix).sum(axis=1)
        basis["chance"] = float(actual.max() / actual.sum())
    if "mask_threshold" in first:
        basis["mask_threshold"] = first["mask_threshold"]
    return basis
