"""Opens stored ensembles, and checks that each member is still the model that the ensemble was evaluated with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from brainseg.errors import BundleError, RunError
from brainseg.models.description import bundle_digest, read_description
from brainseg.models.ensemble import Ensemble, MemberModel, read_ensemble
from brainseg.runs.digests import check_digest
from brainseg.runs.run import Run, StoredEntry

if TYPE_CHECKING:
    from brainseg.runs.store import RunStore

FOLDER = "bundle"
"""The folder of a run's files that holds its model: of an ensemble, `ensemble.json` alone."""


@dataclass(frozen=True)
class OpenEnsemble:
    """An ensemble whose members are all there and unchanged.

    Attributes:
        ensemble: What is stored of it.
        members: The runs of its members, in its order.
        bundles: Their bundles.
    """

    ensemble: Ensemble
    members: tuple[Run, ...]
    bundles: tuple[Path, ...]


def stored_ensemble(store: RunStore, run: Run) -> Ensemble:
    """Return what is stored of an ensemble, whatever happened to its members.

    Raises:
        RunError: The run is no finished ensemble.
        BundleError: Its file is missing, damaged, or not the one that was stored.
    """
    if run.kind != "ensemble" or run.status != "FINISHED":
        what = f"is {run.status}" if run.kind == "ensemble" else "is no ensemble: `brainseg ensemble` makes one"
        raise RunError(f"Run {run.name!r} {what}.")
    found = read_ensemble(store.path(run.id, FOLDER))
    check_digest(run, found.digest)
    return found


def open_ensemble(store: RunStore, run: Run) -> OpenEnsemble:
    """Return an ensemble that can answer.

    Raises:
        RunError: The run is no finished ensemble.
        BundleError: Its file is damaged, or a member was deleted, changed or damaged.
    """
    found = stored_ensemble(store, run)
    opened = [_member(store, run, member) for member in found.description.members]
    return OpenEnsemble(found, tuple(each for each, _ in opened), tuple(bundle for _, bundle in opened))


def _member(store: RunStore, ensemble: Run, member: MemberModel) -> tuple[Run, Path]:
    again = "make the ensemble again with `brainseg ensemble`"
    try:
        run = store.get(member.run)
    except RunError as error:
        raise BundleError(
            f"Member {member.name!r} of the ensemble {ensemble.name!r} was deleted or cannot be read: {again}."
        ) from error
    try:
        bundle = store.bundle(run)
        digest = bundle_digest(bundle, read_description(bundle))
    except (RunError, BundleError) as error:
        raise BundleError(f"Member {run.name!r} of the ensemble {ensemble.name!r} cannot be used: {error}") from error
    if digest != member.digest:
        raise BundleError(
            f"Member {run.name!r} of the ensemble {ensemble.name!r} was changed since the ensemble was evaluated (its "
            f"model is version {digest[:12]} now, and was {member.digest[:12]}): {again}."
        )
    return run, bundle


def refuse_if_member(run: StoredEntry, runs: Iterable[StoredEntry]) -> None:
    """Refuse to delete a run whose model an ensemble needs.

    Raises:
        RunError: There is such an ensemble.
    """
    for other in runs:
        if isinstance(other, Run) and any(member.run == run.id for member in other.members):
            raise RunError(
                f"Run {run.name!r} is a member of the ensemble {other.name!r} ({other.id[:8]}), which cannot answer "
                "without it: delete the ensemble first."
            )
