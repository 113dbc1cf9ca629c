"""Sort DICOM files into studies by their headers, with segmentation objects as masks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from brainseg.datasets.volumes.study import Study
from brainseg.errors import ScanError
from brainseg.scans.volumes.dicom_header import read_header
from brainseg.scans.volumes.dicom_masks import mask_header


def dicom_studies(
    files: Iterable[Path], secret: bytes, fits: Callable[[Path], bool]
) -> tuple[list[Study], dict[int, str]]:
    """Return the studies of DICOM files, and value -> name of the classes in segmentation objects.

    Studies are named by hashed keys, which reveal nobody. Files that hold no image or cannot be read are left out;
    reading the study reports the latter. Names of classes are left out if segmentation objects differ in them.

    Args:
        files: DICOM files, in any order.
        secret: Key of the hashes.
        fits: Whether a segmentation object counts.
    """
    found: dict[tuple[str, str], list[Path]] = {}
    masks: dict[str, list[Path]] = {}
    named: list[dict[int, str]] = []
    for file in sorted(files):
        try:
            if mask := mask_header(file, secret):
                if fits(file):
                    masks.setdefault(mask.keys.study, []).append(file)
                    named.append(mask.names)
                continue
            header = read_header(file, secret)
        except ScanError:
            continue
        if header:
            study = header.keys.study or header.keys.series or file.stem
            found.setdefault((header.keys.patient or study, study), []).append(file)
    studies = [
        Study(study, patient, dicom=tuple(group), masks=tuple(masks.get(study, ())))
        for (patient, study), group in found.items()
    ]
    return studies, named[0] if named and all(each == named[0] for each in named) else {}
