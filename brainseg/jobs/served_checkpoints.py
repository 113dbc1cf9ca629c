"""Checkpoints of ended, unfinished runs, which an MLflow server keeps with the other files of a run.

A home that was lost, or restored from a backup made before the run, can then resume the run all the same. Nothing is
uploaded while a run is in training, and nothing at all if files of runs lie in the home anyway.
"""

from __future__ import annotations

import shutil

from brainseg.jobs.workspace import Workspace
from brainseg.runs import Run, RunStore
from brainseg.runs.served_files import ServedFiles

FOLDER = "unfinished"
"""The folder of a run's files that holds what its workspace had."""


def keep_checkpoint(store: RunStore, ended: Run, workspace: Workspace) -> None:
    """Upload what an unfinished run can be resumed from; of a finished run, delete what was uploaded earlier.

    Raises:
        StoreError: The server does not answer, or cannot store its files.
    """
    if not isinstance(store.files, ServedFiles):
        return
    new = bool(ended.end and ended.end.resumable and workspace.has_checkpoint())
    if (new or ended.status == "FINISHED") and store.files.has(ended.id, FOLDER):
        store.files.remove_folder(ended.id, FOLDER)
    if new:
        store.log_folder(ended.id, workspace.results, FOLDER)


def fetch_checkpoint(store: RunStore, run: Run, workspace: Workspace) -> bool:
    """Download what a run can be resumed from if its workspace has nothing, and return whether that was done.

    Raises:
        StoreError: The server does not answer, or cannot read its files.
    """
    if not isinstance(store.files, ServedFiles) or workspace.has_checkpoint() or not store.files.has(run.id, FOLDER):
        return False
    shutil.copytree(store.path(run.id, FOLDER), workspace.results, dirs_exist_ok=True)
    return True
