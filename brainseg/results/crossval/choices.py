"""The choices of a nested cross-validation, and the check that no outer fold took part in its own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from brainseg.errors import RunError
from brainseg.jobs.fold_runs import choice
from brainseg.results import stored_results
from brainseg.results.crossval.result import ChoiceValues, Fold
from brainseg.runs import Run, RunStore
from brainseg.runs.crossval import candidate_of, inner_of


def settings_words(settings: Mapping[str, Any]) -> str:
    """Return settings as text.

    >>> settings_words({"model.arch": "resnet34", "training.epochs": 5})
    'model.arch=resnet34, training.epochs=5'
    """
    return ", ".join(f"{name}={value}" for name, value in settings.items())


def choices_of(parent: Run, children: Sequence[Run]) -> tuple[ChoiceValues, ...]:
    """Return the choices made so far.

    Args:
        parent: The cross-validation.
        children: All its runs.
    """
    if parent.plan is None:
        return ()
    inner, candidates = inner_of(parent, children), parent.plan.candidates
    found: list[ChoiceValues] = []
    for repeat, fold in parent.plan.places:
        if made := choice(parent, inner.get((repeat, fold), {})):
            means = {
                settings_words(settings): None if math.isnan(mean) else mean
                for settings, mean in zip(candidates, made.means, strict=True)
            }
            winner = dict(candidates[made.winner])
            found.append({"repeat": repeat, "fold": fold, "winner": winner, "means": means})
    return tuple(found)


def check_choices(
    store: RunStore, parent: Run, children: Sequence[Run], folds: Sequence[Fold], choices: Sequence[ChoiceValues]
) -> None:
    """Refuse a nested cross-validation in which an outer fold took part in its choice, or did not follow it.

    Raises:
        RunError: An inner run did not leave out exactly the images of its outer fold, or a fold was trained with
            settings that its inner folds did not choose.
    """
    if parent.plan is None or not parent.plan.candidates:
        return
    winners = {(made["repeat"], made["fold"]): made["winner"] for made in choices}
    inner = inner_of(parent, children)
    for fold in folds:
        place = fold.repeat, fold.fold
        if fold.run is None:
            continue
        candidate = candidate_of(fold.run, parent)
        if candidate is None or dict(parent.plan.candidates[candidate]) != winners.get(place):
            raise RunError(
                f"Run {fold.run.name!r} was not trained with the settings that its inner folds chose: delete it, then "
                "resume the cross-validation."
            )
        held_out = _paths(store, fold.run, "valid")
        for run in inner.get(place, {}).values():
            if _paths(store, run, "outer") != held_out:
                raise RunError(
                    f"Run {run.name!r} did not leave out exactly the images of {fold.run.name!r}, so the choice is not "
                    "independent of them: start a new cross-validation."
                )


def _paths(store: RunStore, run: Run, side: str) -> set[str]:
    table = stored_results.split(store, run)
    if table is None:
        raise RunError(f"split.csv of run {run.name!r} is missing: delete that run, then resume its parent.")
    return set(table.loc[table["split"] == side, "path"])
