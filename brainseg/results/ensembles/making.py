"""Makes an ensemble: evaluates the mean of its members on their common images, and stores it as a run."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from brainseg.datasets.leak_groups import leak_groups
from brainseg.datasets.origin import is_synthetic
from brainseg.errors import RunError
from brainseg.evaluation.calibration import CALIBRATION, VALIDATION_PREDICTIONS, calibrate, calibration_values
from brainseg.evaluation.classification import evaluate
from brainseg.evaluation.collapse import collapse_sentence, is_collapsed
from brainseg.evaluation.ensemble import CommonImages, common_images, joint_split
from brainseg.evaluation.hardest import hardest_cases
from brainseg.evaluation.report import ClassificationReport
from brainseg.evaluation.stored import SCHEMA, as_validation
from brainseg.files import write_atomically, write_json
from brainseg.jobs.lock import queue_lock
from brainseg.jobs.submission import free_name
from brainseg.jobs.workspace import Workspace
from brainseg.models.calibration import CalibrationState
from brainseg.models.ensemble import EnsembleDescription, MemberModel, write_ensemble
from brainseg.models.validation import Basis
from brainseg.results.ensembles.inputs import Candidate, candidates
from brainseg.results.run_images import image_file
from brainseg.results.run_wording import model_words
from brainseg.results.stored_dataset import FILE as DATASET
from brainseg.runs import FINAL, EndKind, Run, RunStore
from brainseg.runs.ensemble_members import EnsembleMember, write_members
from brainseg.runs.ensembles import FOLDER
from brainseg.runs.labels import clean_name
from brainseg.runs.migrations import PREFIX
from brainseg.tasks import facts_of
from brainseg.users.policy import Act, asks

HARDEST = 6
"""Images in `hardest.csv`."""
COSTS = ("parameters", "bundle_mb", "diagnosis_ms")
"""Costs of an ensemble: the sums of those of its members."""


@asks(Act.TRAIN)
def make_ensemble(store: RunStore, runs: Sequence[Run], name: str | None = None) -> Run:
    """Evaluate an ensemble of finished runs on images from which none of them learned, and store it as a run.

    Args:
        store: The run store.
        runs: Its members.
        name: Name of the new run.

    Raises:
        RunError: The runs cannot form an ensemble, lack stored results, or the name is taken.
        DataError: They have too few common images.
        BundleError: A bundle cannot be used.
    """
    members = candidates(store, runs)
    wanted = _free(store, name)
    try:
        common = common_images([member.result for member in members], members[0].description.classes)
    except ValueError as error:
        raise RunError(f"The stored predictions and splits of these runs do not fit together: {error}") from error
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / FOLDER).mkdir()
        written = _write(store, members, common, wanted, folder)
        return _store(store, members, wanted, folder, written)


@dataclass(frozen=True)
class _Written:
    """What the run of an ensemble records beside its files: metrics, digest, and a sentence if it learned nothing."""

    metrics: dict[str, float]
    digest: str
    collapsed: str


def _free(store: RunStore, name: str | None) -> str:
    taken = {entry.name for entry in store.entries()}
    if name is None:
        return free_name("ensemble", taken)
    if (wanted := clean_name(name)) in taken:
        raise RunError(f"There is already a run called {wanted!r}: give another --name.")
    return wanted


def _write(store: RunStore, members: Sequence[Candidate], common: CommonImages, name: str, folder: Path) -> _Written:
    """Write the files of the ensemble."""
    first, side = members[0], common.evaluated_on
    classes, positive = list(first.description.classes), first.description.positive
    table, rows = common.table(side), common.rows[common.rows["split"] == side]
    report = evaluate(table, classes, positive, leak_groups(rows.reset_index(drop=True)))
    basis = _basis(members, common, report)
    _save(table, folder / facts_of("classify").predictions)
    hardest = hardest_cases(table, HARDEST)
    write_atomically(folder / "hardest.csv", lambda file: hardest.to_csv(file, index=False))
    split = joint_split([member.result for member in members], common)
    write_atomically(folder / "split.csv", lambda file: split.to_csv(file, index=False))
    write_json(folder / "evaluation.json", {"schema": SCHEMA, **report.to_dict(), **basis})
    state = _calibrate(common, positive, folder)
    with suppress(RunError, OSError):  # if the first member's file was lost, its own page says so
        shutil.copyfile(store.path(first.run.id, DATASET), folder / DATASET)
    description = EnsembleDescription(
        name=name,
        members=tuple(_member(member, common, place, side, positive) for place, member in enumerate(members)),
        classes=tuple(classes),
        positive=positive,
        validation={**as_validation(report.to_dict()), **basis},
        calibration=state,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    digest = write_ensemble(folder / FOLDER, description)
    return _Written(_metrics(members, report, basis), digest, collapse_sentence(description.validation))


def _save(table: pd.DataFrame, file: Path) -> None:
    write_atomically(file, lambda temporary: table.to_parquet(temporary, index=False))


def _calibrate(common: CommonImages, positive: str | None, folder: Path) -> CalibrationState:
    """Store `calibration.json`, and the predictions of the validation images if test images were evaluated."""
    table, rows = common.table("valid"), common.rows[common.rows["split"] == "valid"]
    if common.evaluated_on == "test":
        _save(table, folder / VALIDATION_PREDICTIONS)
    groups = leak_groups(rows.reset_index(drop=True))
    report = calibrate(table, list(common.classes), positive, groups, np.zeros(len(table), dtype=bool))
    write_json(folder / CALIBRATION, calibration_values(report))
    return report["state"]


def _basis(members: Sequence[Candidate], common: CommonImages, report: ClassificationReport) -> Basis:
    """Return what the metrics stand on; an ensemble is flattered by whatever flatters one of its members."""
    splits = [member.report.get("split", "") for member in members]
    chosen = any(member.run.config.model.fine_tuned and member.run.config.training.keep == "best" for member in members)
    rows = common.rows[common.rows["split"] == common.evaluated_on]
    counts = rows["label"].value_counts()
    basis: Basis = {
        "split": "random" if "random" in splits else splits[0],
        "evaluated_on": common.evaluated_on,
        "selected_on_these_images": chosen and common.evaluated_on == "valid",
        "copies_in_training": 0,
        "collapsed": is_collapsed(report.matrix),
        "synthetic": _synthetic(members, rows),
        "chance": float(counts.max() / counts.sum()),
    }
    if all("near_copies_in_training" in member.report for member in members):  # else they were not searched for
        basis["near_copies_in_training"] = 0
    if known := [member.report["patients_known"] for member in members if "patients_known" in member.report]:
        basis["patients_known"] = min(known, key=lambda each: each["count"])
    return basis


def _synthetic(members: Sequence[Candidate], rows: pd.DataFrame) -> int:
    """Return how many of the evaluated images are synthetic."""
    known = {(member.report.get("synthetic"), member.report["count"]) for member in members}
    if any(found == count for found, count in known):
        return len(rows)
    if all(found == 0 for found, _ in known):
        return 0
    return sum(is_synthetic(image_file(members[0].run, path)) for path in rows["path"])


def _member(member: Candidate, common: CommonImages, place: int, side: str, positive: str | None) -> MemberModel:
    report = evaluate(common.member_table(place, side), list(common.classes), positive)
    interval = report.intervals["accuracy"]
    return MemberModel(
        run=member.run.id,
        name=member.run.name,
        digest=member.digest,
        accuracy=report.accuracy,
        accuracy_interval=interval,
    )


def _metrics(members: Sequence[Candidate], report: ClassificationReport, basis: Basis) -> dict[str, float]:
    """Return the metrics of the run in lists of runs."""
    metrics = {key: float(value) for key, value in report.to_dict().items() if isinstance(value, int | float)}
    metrics["chance"] = basis["chance"]
    if interval := report.intervals["accuracy"]:
        metrics |= dict(zip(("accuracy_low", "accuracy_high"), interval, strict=True))
    for cost in COSTS:
        parts = [member.run.metrics.get(FINAL + cost) for member in members]
        known = [part for part in parts if part is not None]
        if len(known) == len(parts):
            metrics[cost] = sum(known)
    return metrics


def _store(store: RunStore, members: Sequence[Candidate], name: str, folder: Path, written: _Written) -> Run:
    """Store the files as a run; if that fails, nothing is left of it."""
    tag = write_members(EnsembleMember(member.run.id, member.run.name, model_words(member.run)) for member in members)
    with queue_lock():
        for member in members:  # nobody has deleted one since it was read
            store.get(member.run.id)
        run = store.create(members[0].run.config, name, "RUNNING", kind="ensemble", tags={PREFIX + "ensemble": tag})
        Workspace(run.id).make()
        Workspace(run.id).record_owners([os.getpid()])
    try:
        store.log_folder(run.id, folder)
        store.log_metrics(run.id, {FINAL + key: value for key, value in written.metrics.items()})
        store.record_bundle(run.id, written.digest)
        end = EndKind.COLLAPSED if written.collapsed else EndKind.FINISHED
        store.set_status(run.id, "FINISHED", written.collapsed, end)
    except BaseException:
        store.set_status(run.id, "FAILED", "The ensemble could not be stored.")
        store.delete(run.id)
        raise
    finally:
        Workspace(run.id).remove()
    return store.get(run.id)
