"""The files of runs on an MLflow server, which keeps them in a folder, a bucket or another storage of its own."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote, urlparse
from urllib.request import url2pathname

from brainseg import paths
from brainseg.errors import RunError, StoreError
from brainseg.files import write_atomically
from brainseg.runs.artifacts import MISSING
from brainseg.runs.faults import explained_errors
from brainseg.runs.run import ENDED, StoredEntry

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_PARTS = "parts"
_SERVERS = ("http://", "https://")


class ServedFiles:
    """The files of runs on an MLflow server; files are downloaded into a cache before they are read.

    Args:
        client: The client of the server.
        home: The folder that is open.
        uri: Address of the server.
    """

    def __init__(self, client: MlflowClient, home: Path, uri: str) -> None:
        self.client, self.home, self.uri = client, home, uri

    def find(self, run_id: str, name: str) -> Path:
        """Return the path of a stored file or folder of a run.

        Raises:
            RunError: The run has no such file.
            StoreError: The server does not answer, or cannot read its files.
        """
        info = self.client.get_run(run_id).info
        local = _local(info.artifact_uri)
        if local is not None:
            found = local / name
        else:
            # The files of an ended run change only if it is resumed, which gives it another end time, or if one is
            # replaced, which `add_file` notices.
            ended = info.status in ENDED
            found = _place(_cache(run_id) / (str(info.end_time) if ended else "live"), PurePosixPath(name))
            if not (ended and found.exists()):
                self._fetch(run_id, name, found, replace=not ended)
        if not found.exists():
            raise RunError(MISSING.format(name))
        return found

    def has(self, run_id: str, name: str) -> bool:
        """Return whether a run has a file or folder on the server.

        Raises:
            StoreError: The server does not answer, or cannot read its files.
        """
        above = str(PurePosixPath(name).parent)
        return name in {file.path for file in self.client.list_artifacts(run_id, None if above == "." else above)}

    def _fetch(self, run_id: str, name: str, found: Path, *, replace: bool) -> None:
        """Download a file or folder in one step: an interrupted download must not pass for the whole."""
        if not self.has(run_id, name):
            raise RunError(MISSING.format(name))
        found.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=found.parent, prefix=".partial-", ignore_cleanup_errors=True) as partial:
            fetched = Path(self.client.download_artifacts(run_id, name, partial))
            if fetched.is_file():
                fetched.replace(found)
                return
            if replace:
                shutil.rmtree(found, ignore_errors=True)
            with suppress(OSError):  # another process has fetched it meanwhile
                fetched.rename(found)

    def add_file(self, run_id: str, file: Path, into: str = "") -> None:
        """Upload a file to a run's files.

        Raises:
            StoreError: The server does not answer, or cannot store its files.
        """
        self.client.log_artifact(run_id, str(file), into or None)
        _refresh(run_id, file, into)

    def add_folder(self, run_id: str, folder: Path, into: str = "") -> None:
        """Upload all files of a folder to a run's files.

        Raises:
            StoreError: The server does not answer, or cannot store its files.
        """
        self.client.log_artifacts(run_id, str(folder), into or None)
        for file in folder.rglob("*"):
            if file.is_file():
                _refresh(run_id, file, str(PurePosixPath(into, file.relative_to(folder).parent)))

    def forget(self, run_id: str) -> None:
        """Remove what was downloaded of a run: another home may have replaced it on the server."""
        shutil.rmtree(_cache(run_id), ignore_errors=True)

    def check_removable(self, run: StoredEntry, *, owned: bool) -> None:
        """Refuse to delete the files of another home's run, and files on this machine outside this home.

        Raises:
            RunError: The run belongs to another home, or there are such files.
        """
        if not owned:
            raise RunError(
                f"Run {run.name!r} was made in the home folder {run.home_folder}: delete it there, or on the server "
                "with MLflow's own tools if that home is gone."
            )
        place = _local(self.client.get_run(run.id).info.artifact_uri)
        if place is not None and not (place.parent.name == run.id and paths.is_inside(place, self.home)):
            raise RunError(f"The files of run {run.name!r} lie outside {self.home}: delete it on the server.")

    def remove(self, run_id: str) -> None:
        """Remove all files of a run.

        Raises:
            StoreError: The files cannot be removed.
        """
        try:
            address = self._delete(run_id)
        except StoreError as error:
            raise StoreError(
                f"The run was deleted, but its files on the server were not: `mlflow gc` deletes them there. {error}"
            ) from error
        if local := _local(address):
            shutil.rmtree(local.parent, ignore_errors=True)

    def remove_folder(self, run_id: str, name: str) -> None:
        """Remove a folder of a run's files, if there is one.

        Raises:
            StoreError: It cannot be removed.
        """
        self._delete(run_id, name)

    def _delete(self, run_id: str, name: str | None = None) -> str:
        """Delete files of a run, and return the address of all its files."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        self.forget(run_id)
        address = str(self.client.get_run(run_id).info.artifact_uri)
        with explained_errors(self.home, server=self.uri, files="delete"):
            get_artifact_repository(address, tracking_uri=self.uri).delete_artifacts(name)  # type: ignore[no-untyped-call]
        return address


def is_served(uri: str) -> bool:
    """Return whether a store's address is that of a server, which decides where files are kept."""
    return uri.startswith(_SERVERS)


def _local(address: str) -> Path | None:
    """Return the folder of an address; None if it is not on this machine."""
    return Path(url2pathname(urlparse(address).path)) if address.startswith("file:") else None


def _place(cache: Path, name: PurePosixPath) -> Path:
    """Return where a downloaded file or folder lies.

    What was asked for inside a folder lies apart from it: a folder with a few of its files must not pass for the whole.
    """
    if len(name.parts) == 1 or (cache / name.parts[0]).exists():
        return cache / name
    return cache / _PARTS / quote(str(name.parent), safe="") / name.name


def _refresh(run_id: str, file: Path, into: str) -> None:
    """Put a file that was uploaded into what was downloaded earlier, which somebody may be reading."""
    name = PurePosixPath(into, file.name)
    for cache in _cache(run_id).glob("*"):
        shutil.rmtree(cache / _PARTS, ignore_errors=True)
        if (cache / name.parts[0]).exists():
            write_atomically(cache / name, lambda copy: shutil.copyfile(file, copy), file.stat().st_size)


def _cache(run_id: str) -> Path:
    return paths.subfolder("cache", "artifacts") / run_id
