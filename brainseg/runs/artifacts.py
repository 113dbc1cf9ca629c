"""The files of runs: below the open home folder, or on an MLflow server.

The database records the address of a run's files when the run is made. `LocalFiles` never uses that address: the home
may have been copied or moved since then, so the address may lead into another home.
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

_MISSING = "The run has no {}: it did not get that far, or its files were removed."
_SERVERS = ("http://", "https://")


class LocalFiles:
    """The files of runs below a home folder, whatever database holds the runs.

    Args:
        home: The folder that is open.
    """

    def __init__(self, home: Path) -> None:
        self.home = home

    def find(self, run_id: str, name: str) -> Path:
        """Return the path of a stored file or folder of a run.

        Raises:
            RunError: The run has no such file below this home.
        """
        found = self._folder(run_id) / name
        if not found.exists():
            raise RunError(_MISSING.format(name))
        return found

    def add_file(self, run_id: str, file: Path, into: str = "") -> None:
        """Copy a file to a run's files, atomically."""
        place = self._folder(run_id) / into / file.name
        write_atomically(place, lambda copy: shutil.copyfile(file, copy), file.stat().st_size)

    def add_folder(self, run_id: str, folder: Path, into: str = "") -> None:
        """Copy all files of a folder to a run's files."""
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                self.add_file(run_id, file, str(Path(into, file.relative_to(folder).parent)))

    def check_removable(self, run: StoredEntry, *, owned: bool) -> None:
        """Refuse to delete files outside this home.

        Args:
            run: The run.
            owned: Whether it belongs to this home.

        Raises:
            RunError: The files are outside this home, or the run belongs to another home.
        """
        if not owned:
            raise RunError(f"Run {run.name!r} was made in the home folder {run.home_folder}: delete it there.")
        if not paths.is_inside(self._folder(run.id), self.home):
            raise RunError(f"The files of run {run.name!r} lie outside {self.home}: move them into it to delete them.")

    def remove(self, run_id: str) -> None:
        """Remove all files of a run.

        Raises:
            RunError: The files cannot be removed.
        """
        folder = self._folder(run_id).parent
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            raise RunError(f"The run was deleted, but its files were not: remove {folder} by hand.")

    def _folder(self, run_id: str) -> Path:
        return self.home / "runs" / run_id / "artifacts"


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
        """
        info = self.client.get_run(run_id).info
        local = _local(info.artifact_uri)
        if local is not None:
            found = local / name
        else:
            # The files of an ended run change only if it is resumed, which gives it another end time, or if one is
            # replaced, which `add_file` notices.
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

    def add_file(self, run_id: str, file: Path, into: str = "") -> None:
        """Upload a file to a run's files."""
        self.client.log_artifact(run_id, str(file), into or None)
        shutil.rmtree(_cache(run_id), ignore_errors=True)  # it may hold the file's earlier content

    def add_folder(self, run_id: str, folder: Path, into: str = "") -> None:
        """Upload all files of a folder to a run's files."""
        self.client.log_artifacts(run_id, str(folder), into or None)

    def check_removable(self, run: StoredEntry, *, owned: bool) -> None:
        """Refuse to delete files on this machine outside this home.

        Raises:
            RunError: There are such files.
        """
        place = _local(self.client.get_run(run.id).info.artifact_uri)
        if place is not None and not (place.parent.name == run.id and paths.is_inside(place, self.home)):
            raise RunError(f"The files of run {run.name!r} lie outside {self.home}: delete it on the server.")

    def remove(self, run_id: str) -> None:
        """Remove all files of a run.

        Raises:
            RunError: The files cannot be removed.
        """
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        shutil.rmtree(_cache(run_id), ignore_errors=True)
        address = self.client.get_run(run_id).info.artifact_uri
        try:
            get_artifact_repository(address, tracking_uri=self.uri).delete_artifacts()  # type: ignore[no-untyped-call]
        except Exception as error:  # every kind of remote storage raises its own
            raise RunError(f"The run was deleted, but its files were not: remove {address} by hand.") from error
        if local := _local(address):
            shutil.rmtree(local.parent, ignore_errors=True)


Files = LocalFiles | ServedFiles


def is_served(uri: str) -> bool:
    """Return whether a store's address is that of a server, which decides where files are kept."""
    return uri.startswith(_SERVERS)


def _local(address: str) -> Path | None:
    """Return the folder of an address; None if it is not on this machine."""
    return Path(url2pathname(urlparse(address).path)) if address.startswith("file:") else None


def _cache(run_id: str) -> Path:
    return paths.subfolder("cache", "artifacts") / run_id
