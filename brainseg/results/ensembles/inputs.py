"""What an ensemble is made of: runs that fit together, with their stored predictions of held-out images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from brainseg.errors import RunError
from brainseg.evaluation.ensemble import MemberResult
from brainseg.evaluation.stored import ClassificationEvaluation
from brainseg.models.description import BundleDescription, bundle_digest, read_description
from brainseg.models.ensemble import LEAST_MEMBERS, MOST_MEMBERS
from brainseg.models.sources import RUN
from brainseg.results import stored_results
from brainseg.results.classification.held_out import held_out, test_set
from brainseg.runs import Run, RunStore
from brainseg.tasks import facts_of


@dataclass(frozen=True, eq=False)
class Candidate:
    """A run that is to be a member.

    Attributes:
        run: The run.
        description: The description in its bundle.
        digest: SHA-256 of its bundle.
        report: Its own evaluation.
        result: Its split and its predictions.
    """

    run: Run
    description: BundleDescription
    digest: str
    report: ClassificationEvaluation
    result: MemberResult


def candidates(store: RunStore, runs: Sequence[Run]) -> list[Candidate]:
    """Return runs with all that an ensemble needs of them.

    Raises:
        RunError: They cannot form an ensemble, or lack stored results.
        BundleError: A bundle cannot be used.
    """
    _refuse(runs)
    found = [_candidate(store, store.get(run.id)) for run in runs]  # a bundle may have been replaced since
    _refuse_other_classes(found)
    return found


def _refuse(runs: Sequence[Run]) -> None:
    if len({run.id for run in runs}) < len(runs):
        raise RunError("A run is named twice: name each member once.")
    if not LEAST_MEMBERS <= len(runs) <= MOST_MEMBERS:
        raise RunError(f"An ensemble has {LEAST_MEMBERS} to {MOST_MEMBERS} members, not {len(runs)}: name other runs.")
    for run in runs:
        if run.members:
            names = ", ".join(member.name for member in run.members)
            raise RunError(f"Run {run.name!r} is an ensemble itself: name its members ({names}) instead.")
        facts = facts_of(run.config.task)
        if facts.has_masks:
            raise RunError(
                f"Run {run.name!r} {facts.does}, and masks are not averaged: name runs that classify images."
            )


def _candidate(store: RunStore, run: Run) -> Candidate:
    bundle = store.bundle(run)
    description = read_description(bundle)
    report = stored_results.evaluation_as(ClassificationEvaluation, store, run)
    split = stored_results.split(store, run)
    if report is None or split is None:
        raise RunError(f"Run {run.name!r} lacks its stored evaluation or split: train it again.")
    test = test_set(store, run)
    tables = [held_out(store, run).table, *([test.table] if test else [])]
    predictions = pd.concat(tables, ignore_index=True).drop_duplicates("path", ignore_index=True)
    result = MemberResult(run.name, split, predictions, _learnt_before(store, run))
    return Candidate(run, description, bundle_digest(bundle, description), report, result)


def _learnt_before(store: RunStore, run: Run) -> frozenset[str]:
    """Return the hashes of the images that the weights of a warm start had learned from, through all earlier runs."""
    digests: set[str] = set()
    seen, weights = {run.id}, run.config.model.weights
    while weights.startswith(RUN):
        try:
            source = store.get(weights.removeprefix(RUN))
        except RunError as error:
            raise RunError(
                f"Run {run.name!r} started from the weights of a run that was deleted, so the images that its weights "
                "have seen are not known: name a run that started from other weights."
            ) from error
        split = stored_results.split(store, source)
        if split is None:
            raise RunError(f"Run {source.name!r} has no split.csv, so the images that it saw are not known.")
        if source.id in seen:
            break
        seen.add(source.id)
        digests |= set(split.loc[split["split"] == "train", "sha256"])
        weights = source.config.model.weights
    return frozenset(digests)


def _refuse_other_classes(found: Sequence[Candidate]) -> None:
    first, *others = found
    for other in others:
        mine, its = first.description, other.description
        if set(mine.classes) != set(its.classes):
            raise RunError(
                f"Run {other.run.name!r} has the classes {', '.join(its.classes)}, but {first.run.name!r} has "
                f"{', '.join(mine.classes)}: name runs with the same classes."
            )
        if mine.positive != its.positive:
            raise RunError(
                f"Run {other.run.name!r} counts {its.positive or 'no class'} as tumour, but {first.run.name!r} "
                f"{mine.positive or 'none'}: name runs with the same data.positive."
            )
