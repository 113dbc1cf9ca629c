"""The runs of a cross-validation: their configurations and names, and the making of those that are missing.

In a nested cross-validation, candidates are compared on inner folds of the training side of each outer fold. The outer
fold is left out of these runs, so it plays no part in the choice. Its own run is made when all its inner runs have
finished, with the settings of the winner.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from brainseg.config import RunConfig
from brainseg.runs import FINAL, Run, RunStore
from brainseg.runs.crossval import PARENT, children_of, inner_of, write_plan
from brainseg.runs.migrations import PREFIX
from brainseg.runs.run_plan import Plan
from brainseg.tasks import facts_of


@dataclass(frozen=True)
class Choice:
    """The choice of a candidate for one outer fold.

    Attributes:
        means: Mean of the headline metric over the inner folds, for each candidate; NaN where it is not defined.
        winner: The candidate with the highest mean; the first of several.
    """

    means: tuple[float, ...]
    winner: int


def fold_config(config: RunConfig, plan: Plan, repeat: int = 0, fold: int = 0) -> RunConfig:
    """Return the configuration of one fold; that of the first fold is also stored with the parent.

    Args:
        config: The configuration of the parent, or one that becomes it.
        plan: The folds and repeats.
        repeat: Counted from 0; it is added to the seed of the split.
        fold: Counted from 0.
    """
    data = {"split": "k-fold", "folds": plan.folds, "fold": fold, "seed": config.data.seed + repeat}
    return config.model_copy(update={"data": config.data.model_copy(update=data)})


def inner_config(config: RunConfig, plan: Plan, place: tuple[int, int], inside: tuple[int, int]) -> RunConfig:
    """Return the configuration of an inner run.

    Args:
        config: The configuration of the parent.
        plan: The folds, repeats and candidates.
        place: The repeat and the outer fold, which is left out.
        inside: The candidate and the inner fold.
    """
    repeat, fold = place
    candidate, inner = inside
    found = fold_config(config, plan, repeat, fold).with_settings(plan.candidates[candidate])
    data = {"outer_folds": plan.folds, "outer_fold": fold, "folds": plan.inner, "fold": inner}
    return found.model_copy(update={"data": found.data.model_copy(update=data)})


def choice(parent: Run, inner: Mapping[tuple[int, int], Run]) -> Choice | None:
    """Return the choice for one outer fold; None until all its inner runs have finished.

    Args:
        parent: The cross-validation.
        inner: The inner runs of the fold, by candidate and inner fold.
    """
    plan = parent.plan
    places = plan.inner_places if plan else []
    if plan is None or not places or any(place not in inner or inner[place].status != "FINISHED" for place in places):
        return None
    headline = FINAL + facts_of(parent.config.task).headline
    means = []
    for candidate in range(len(plan.candidates)):
        values = [inner[candidate, fold].metrics.get(headline, math.nan) for fold in range(plan.inner)]
        means.append(fmean(values))
    ranked = [-math.inf if math.isnan(mean) else mean for mean in means]
    return Choice(tuple(means), ranked.index(max(ranked)))


def fold_name(parent: str, plan: Plan, repeat: int, fold: int) -> str:
    """Return the name of a fold's run.

    >>> fold_name("mri", Plan(5), 0, 3), fold_name("mri", Plan(5, 2), 1, 0)
    ('mri-fold3', 'mri-repeat1-fold0')
    """
    return f"{parent}-repeat{repeat}-fold{fold}" if plan.repeats > 1 else f"{parent}-fold{fold}"


def make_crossval(store: RunStore, config: RunConfig, name: str, plan: Plan, launcher: str) -> Run:
    """Make a cross-validation and its runs; call it while the queue is locked."""
    tags = {PREFIX + "crossval": write_plan(plan)}
    parent = store.create(fold_config(config, plan), name, kind="crossval", tags=tags, launcher=launcher)
    make_missing(store, parent, plan)
    store.set_status(parent.id, "RUNNING")
    return store.get(parent.id)


def make_missing(store: RunStore, parent: Run, plan: Plan) -> list[Run]:
    """Make the runs that a cross-validation lacks and that can be made, and return them; the queue must be locked."""
    made = []
    inner = inner_of(parent, store.all_children(parent))
    for repeat, fold in plan.places:
        for inside in plan.inner_places:
            if inside not in inner.get((repeat, fold), {}):
                config = inner_config(parent.config, plan, (repeat, fold), inside)
                name = f"{fold_name(parent.name, plan, repeat, fold)}-choice{inside[0]}-inner{inside[1]}"
                made.append(store.create(config, name, tags={PARENT: parent.id}, launcher=parent.launcher))
    return made + make_outer(store, parent, plan)


def make_outer(store: RunStore, parent: Run, plan: Plan) -> list[Run]:
    """Make and return the missing run of each fold.

    If there are candidates, only those folds get one whose inner runs have all finished.
    """
    made = []
    children = store.all_children(parent)
    known, inner = children_of(parent, children), inner_of(parent, children)
    for repeat, fold in plan.places:
        if (repeat, fold) in known:
            continue
        config, chosen = fold_config(parent.config, plan, repeat, fold), choice(parent, inner.get((repeat, fold), {}))
        if plan.candidates and chosen is None:
            continue
        if chosen:
            config = config.with_settings(plan.candidates[chosen.winner])
        name = fold_name(parent.name, plan, repeat, fold)
        made.append(store.create(config, name, tags={PARENT: parent.id}, launcher=parent.launcher))
    return made
