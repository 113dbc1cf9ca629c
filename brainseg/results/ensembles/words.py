"""The members of an ensemble in words and as a table."""

from __future__ import annotations

from typing import Any

import pandas as pd

from brainseg.errors import BundleError, RunError
from brainseg.models.ensemble import EnsembleDescription, MemberModel
from brainseg.runs import Run, RunStore
from brainseg.runs.ensembles import open_ensemble, stored_ensemble

BASIS = (
    "The ensemble answers with the mean of its members' probabilities, before their own calibration, and has a "
    "calibration and a threshold of its own. It was evaluated on {} images that all members held out and none of them "
    "learned from. If the members were chosen because they did well on these images, its metrics are too good."
)


def member_lines(store: RunStore, run: Run) -> list[str]:
    """Return the members of an ensemble with their accuracy on its images, and why it cannot answer, by line.

    Args:
        store: The run store.
        run: A run of kind "ensemble".
    """
    try:
        members = stored_ensemble(store, run).description.members
    except (BundleError, RunError) as error:
        return [str(error)]
    lines = [f"Member {each.name} ({each.run[:8]}): accuracy {_accuracy(each)} on the same images." for each in members]
    problem = problem_of(store, run)
    return [*lines, *([problem] if problem else [])]


def _accuracy(member: MemberModel) -> str:
    bounds = member.accuracy_interval
    return f"{member.accuracy:.3f}" + (f" (95 % interval {bounds[0]:.3f} to {bounds[1]:.3f})" if bounds else "")


def problem_of(store: RunStore, run: Run) -> str:
    """Return why an ensemble cannot answer, as a sentence; "" if it can."""
    try:
        open_ensemble(store, run)
    except (BundleError, RunError) as error:
        return str(error)
    return ""


def members_table(run: Run, description: EnsembleDescription) -> pd.DataFrame:
    """Return one row per member: `Run`, `Network`, `Accuracy` on the ensemble's images, `95 % low` and `95 % high`.

    Args:
        run: The run of the ensemble.
        description: What is stored of it.
    """
    networks = {member.run: member.network for member in run.members}
    rows: list[dict[str, Any]] = []
    for each in description.members:
        low, high = each.accuracy_interval or (None, None)
        network = networks.get(each.run, "")
        identity = {"Run": each.name, "Network": network}
        rows.append({**identity, "Accuracy": each.accuracy, "95 % low": low, "95 % high": high})
    return pd.DataFrame(rows)


def basis_sentence(description: EnsembleDescription) -> str:
    """Return what an ensemble answers with, and on which images it was evaluated."""
    return BASIS.format(f"{description.validation.get('count', 0):,}")
