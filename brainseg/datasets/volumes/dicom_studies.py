"""Sort DICOM files into studies by their headers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from brainseg.datasets.volumes.study import Study
from brainseg.errors import ScanError
from brainseg.scans.volumes.dicom_header import read_header


def dicom_studies(files: Iterable[Path], secret: bytes) -> list[Study]:
    """Return the studies of DICOM files; names are hashed keys, which reveal nobody.

    Files that hold no image or cannot be read are left out; reading the study reports the latter.

    Args:
        files: DICOM files, in any order.
        secret: Key of the hashes.
    """
    found: dict[tuple[str, str], list[Path]] = {}
    for file in sorted(files):
        try:
            header = read_header(file, secret)
        except ScanError:
            continue
        if header:
            study = header.keys.study or header.keys.series or file.stem
            found.setdefault((header.keys.patient or study, study), []).append(file)
    return [Study(study, patient, dicom=tuple(group)) for (patient, study), group in found.items()]
