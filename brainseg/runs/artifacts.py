"""The files of runs: below the home folder that is open, or kept by an MLflow server.

A database remembers where a run's files lay when the run was made. That address is never trusted: a home may have
been copied or moved since, and the address would lead into the other one.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlparse
from urllib.request import url2pathname

from brainseg import paths
from brainseg.errors import RunError
from brainseg.files import write_atomically
from brainseg.runs.run import ENDED, StoredEntry

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_MISSING = "The run has no {}: it did not get so far, or its files were removed."
_SERVERS = ("http://", "https://")


class LocalFiles:
    """The files of runs below a home folder, whatever database lists the runs.

    Args:
        home: The folder that is open.
    """

    def __init__(self, home: Path) -> None:
        self.home = home

    def find(self, run_id: str, name: str) -> Path:
        """Return where a stored file or folder of a run can be read.

        Raises:
            RunError: The run has no such file below this home.
        """
        found = self._folder(run_id) / name
        if not found.exists():
            raise RunError(_MISSING.format(name))
        return found

    def add_file(self, run_id: str, file: Path, into: str = "") -> None:
        """Copy a file to those of a run, whole or not at all."""
        place = self._folder(run_id) / into / file.name
        write_atomically(place, lambda copy: shutil.copyfile(file, copy), file.stat().st_size)

    def add_folder(self, run_id: str, folder: Path, into: str = "") -> None:
        """Copy all files of a folder to those of a run."""
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                self.add_file(run_id, file, str(Path(into, file.relative_to(folder).parent)))

    def check_removable(self, run: StoredEntry, *, owned: bool) -> None:
        """Refuse to delete what lies outside this home.

        Args:
            run: The run.
            owned: Whether it is this home's.

        Raises:
            RunError: It does, or the run is another home's.
        """
        if not owned:
            raise RunError(f"Run {run.name!r} was made in the home folder {run.home_folder}: delete it from there.")
        if not paths.is_inside(self._folder(run.id), self.home):
            raise RunError(f"The files of run {run.name!r} lie outside {self.home}: put them into it to delete them.")

    def remove(self, run_id: str) -> None:
        """Remove all files of a run.

        Raises:
            RunError: They cannot be removed.
        """
        folder = self._folder(run_id).parent
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            raise RunError(f"The run is removed, but not its files: remove {folder} by hand.")

    def _folder(self, run_id: str) -> Path:
        return self.home / "runs" / run_id / "artifacts"


class ServedFiles:
    """The files of runs as an MLflow server keeps them; what is read is fetched into a cache first.

    Args:
        client: Speaks to the server.
        home: The folder that is open.
        uri: Address of the server.
    """

    def __init__(self, client: MlflowClient, home: Path, uri: str) -> None:
        self.client, self.home, self.uri = client, home, uri

    def find(self, run_id: str, name: str) -> Path:
        """Return where a stored file or folder of a run can be read.

        Raises:
            RunError: The run has no such file.
        """
        info = self.client.get_run(run_id).info
        local = _local(info.artifact_uri)
        if local is not None:
            found = local / name
        else:
            # What belongs to an ended run stays as it is until the run is resumed, and then ends at another time.
            ended = info.status in ENDED
            folder = _cache(run_id) / (str(info.end_time) if ended else "live")
            found = folder / name
            if not (ended and found.exists()):
                found = self._fetch(run_id, name, folder)
        if not found.exists():
            raise RunError(_MISSING.format(name))
        return found

    def _fetch(self, run_id: str, name: str, folder: Path) -> Path:
        from mlflow.exceptions import MlflowException

        folder.mkdir(parents=True, exist_ok=True)
        try:
            return Path(self.client.download_artifacts(run_id, name, str(folder)))
        except (MlflowException, OSError) as error:
            raise RunError(_MISSING.format(name)) from error

    def add_file(self, run_id: str, file: Path) -> None:
        """Send a file to those of a run."""
        self.client.log_artifact(run_id, str(file))

    def add_folder(self, run_id: str, folder: Path, into: str = "") -> None:
        """Send all files of a folder to those of a run."""
        self.client.log_artifacts(run_id, str(folder), into or None)

    def check_removable(self, run: StoredEntry, *, owned: bool) -> None:
        """Refuse to delete files of this machine that lie outside this home.

        Raises:
            RunError: They do.
        """
        place = _local(self.client.get_run(run.id).info.artifact_uri)
        if place is not None and not (place.parent.name == run.id and paths.is_inside(place, self.home)):
            raise RunError(f"The files of run {run.name!r} lie outside {self.home}: delete it on the server.")

    def remove(self, run_id: str) -> None:
        """Remove all files of a run.

        Raises:
            RunError: They cannot be removed.
        """
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        shutil.rmtree(_cache(run_id), ignore_errors=True)
        address = self.client.get_run(run_id).info.artifact_uri
        try:
            get_artifact_repository(address, tracking_uri=self.uri).delete_artifacts()  # type: ignore[no-untyped-call]
        except Exception as error:  # every kind of remote storage has its own
            raise RunError(f"The run is removed, but not its files: remove {address} by hand.") from error
        if local := _local(address):
            shutil.rmtree(local.parent, ignore_errors=True)


Files = LocalFiles | ServedFiles


def is_served(uri: str) -> bool:
    """Say whether a store's address is that of a server, which decides itself where files are kept."""
    return uri.startswith(_SERVERS)


def _local(address: str) -> Path | None:
    """Return the folder that an address names; None if it is not on this machine."""
    return Path(url2pathname(urlparse(address).path)) if address.startswith("file:") else None


def _cache(run_id: str) -> Path:
    return paths.subfolder("cache", "artifacts") / run_id
