"""Write a synthetic person's volumes: as NIfTI, as DICOM series, or as a study of BraTS."""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path

from brainseg.phantom.dicom_series import write_series
from brainseg.phantom.output import write_nifti
from brainseg.phantom.subject import Subject
from brainseg.phantom.volumes import make_volumes


def write_volumes(folder: Path, name: str, subject: Subject, dicom: str, pool: Executor) -> None:
    """Write a person's volumes and mask to `volumes/`, and the DICOM series to `dicom/`.

    Args:
        folder: The phantom's folder.
        name: Name of the person.
        subject: The person.
        dicom: The plane of the DICOM series; "" for none.
        pool: Threads that draw.
    """
    volumes, mask, affine = make_volumes(subject, pool)
    if dicom:
        for sequence, volume in volumes.items():
            write_series(folder / "dicom" / sequence, volume, affine, sequence, dicom, name)
    (folder / "volumes").mkdir()
    for kind, volume in {**volumes, "mask": mask}.items():
        write_nifti(folder / "volumes" / f"{name}_{kind}.nii.gz", volume, affine)


def write_study(folder: Path, subject: Subject, pool: Executor) -> None:
    """Write a person's volumes and mask to a new folder, as a study of BraTS: `NAME_t1.nii.gz` and so on."""
    volumes, mask, affine = make_volumes(subject, pool)
    folder.mkdir(parents=True)
    for kind, volume in {**volumes, "seg": mask}.items():
        write_nifti(folder / f"{folder.name}_{kind.lower()}.nii.gz", volume, affine)
