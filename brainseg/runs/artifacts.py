"""The files of runs, on this machine or fetched from a remote store."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.tracking import MlflowClient

from brainseg import paths
from brainseg.errors import RunError
from brainseg.runs.run import ENDED

_MISSING = "The run has no {}: it did not get so far, or its files were removed."


def find(client: MlflowClient, run_id: str, name: str) -> Path:
    """Return where a stored file or folder of a run can be read, fetched first from a remote store.

    Raises:
        RunError: The run has no such file.
    """
    info = client.get_run(run_id).info
    local = _local(info.artifact_uri)
    if local is not None:
        found = local / name
    else:
        # What belongs to an ended run stays as it is until the run is resumed, and then ends at another time.
        ended = info.status in ENDED
        folder = _cache(run_id) / (str(info.end_time) if ended else "live")
        found = folder / name
        if not (ended and found.exists()):
            found = _fetch(client, run_id, name, folder)
    if not found.exists():
        raise RunError(_MISSING.format(name))
    return found


def _fetch(client: MlflowClient, run_id: str, name: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return Path(client.download_artifacts(run_id, name, str(folder)))
    except (MlflowException, OSError) as error:
        raise RunError(_MISSING.format(name)) from error


def remove(address: str, run_id: str, store: str) -> None:
    """Remove all files of a run.

    Args:
        address: Where they are, as the store knows it.
        run_id: The run.
        store: Address of the store.

    Raises:
        RunError: They cannot be removed, or the address does not look like that of the run's files.
    """
    shutil.rmtree(_cache(run_id), ignore_errors=True)
    # The address is as old as the run: one that leads elsewhere by now must not empty another folder.
    if Path(urlparse(address).path).parent.name != run_id:
        raise RunError(f"The run is removed, but not its files: {address} does not look like their place.")
    try:
        get_artifact_repository(address, tracking_uri=store).delete_artifacts()
    except Exception as error:  # every kind of remote storage has its own
        raise RunError(f"The run is removed, but not its files: remove {address} by hand.") from error
    if local := _local(address):
        shutil.rmtree(local.parent, ignore_errors=True)


def _local(address: str) -> Path | None:
    """Return the folder that an address names; None if it is not on this machine."""
    return Path(url2pathname(urlparse(address).path)) if address.startswith("file:") else None


def _cache(run_id: str) -> Path:
    return paths.subfolder("cache", "artifacts") / run_id
