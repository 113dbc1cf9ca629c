"""The files of runs below the open home folder; `runs.served_files` has those on an MLflow server.

The database records the address of a run's files when the run is made. `LocalFiles` never uses that address: the home
may have been copied or moved since then, so the address may lead into another home.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from brainseg import paths
from brainseg.errors import RunError
from brainseg.files import write_atomically
from brainseg.runs.run import StoredEntry

MISSING = "The run has no {}: it did not get that far, or its files were removed."


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
            raise RunError(MISSING.format(name))
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
