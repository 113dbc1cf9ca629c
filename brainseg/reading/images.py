"""The image of a case, read from its dataset when it is shown."""

from __future__ import annotations

from pathlib import Path

from brainseg import paths
from brainseg.datasets.library import current_path
from brainseg.errors import ReadingError, ScanError
from brainseg.reading.study import Case, Study
from brainseg.scans import Scan, read_scan

NAME = "case"
"""The name of every case in messages: that of the file may contain its class, or the name of a person."""


def read_case(study: Study, case: Case) -> Scan:
    """Return the image of a case.

    Raises:
        ReadingError: It is gone, cannot be read, or was changed. The message does not name the file.
    """
    place = Path(current_path(str(paths.home() / study.dataset.path), study.dataset.fingerprint))
    file = (place.parent if place.is_file() else place) / case.path
    try:
        scan = read_scan(file, NAME)
    except ScanError as error:
        raise ReadingError(
            f"An image of the dataset {study.dataset.name!r} cannot be read: put the dataset back as it was, or end "
            "the study."
        ) from error
    if scan.sha256 != case.sha256:
        raise ReadingError(
            f"An image of the dataset {study.dataset.name!r} was changed after the study was made: put the dataset "
            "back as it was, or end the study."
        )
    return scan
