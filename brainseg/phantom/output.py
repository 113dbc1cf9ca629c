"""Write the files of a phantom: PNG, NIfTI, manifest and README; equal content gives identical bytes."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

NOTICE = "Synthetic MRI drawn by brainseg from the ICBM 152 templates: no patient, not for diagnosis."

README = f"""{NOTICE}

Every image and every mask in this folder is SYNTHETIC. Nobody was scanned. The images are for trying out, teaching and
testing software; results on them say nothing about results on patients.

no_tumour/    slices without a tumour: PNG, 8-bit grey
tumour/       slices with a tumour
masks/        one mask per slice, with the same file name: 255 for tumour, 0 elsewhere; all 0 without a tumour
manifest.csv  one row per slice; paths are relative to this folder, lengths in mm, areas in mm2
volumes/      only if requested: one synthetic person as NIfTI volumes, with the tumour's mask
dicom/        only if requested: the same person as DICOM series, one folder per sequence
studies/      only if requested: people with a tumour as studies of NIfTI files, named as in BraTS
phantom.json  the settings of this dataset

A mask covers the tumour itself (solid, enhancing and necrotic parts), not the oedema around it. `group` is the
synthetic person: keep the slices of one person on one side of a split. White-matter hyperintensities, vessels, uneven
ventricles, old infarcts and cysts occur equally in both classes.

The anatomy is deformed from the ICBM 152 2009a symmetric templates that are part of nilearn (Fonov et al., NeuroImage
47, S102, 2009; NeuroImage 54, 313, 2011; McConnell Brain Imaging Centre, McGill University).
"""


@dataclass(frozen=True)
class ManifestRow:
    """One slice; the fields are the columns of `manifest.csv`, in this order."""

    path: str
    label: str
    group: str
    mask: str
    subject: str
    slice: int
    modality: str
    plane: str
    spacing_mm: float
    tumour_area_mm2: float


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write uint8 pixels (rows, columns) as a grey PNG with a note that it is synthetic."""
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", NOTICE)
    notes.add_text("Source", "synthetic")
    Image.fromarray(pixels).save(path, format="PNG", compress_level=4, pnginfo=notes)


def write_manifest(path: Path, rows: Iterable[ManifestRow]) -> None:
    """Write the rows as CSV with a header."""
    names = [field.name for field in fields(ManifestRow)]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([getattr(row, name) for name in names] for row in rows)


def write_nifti(path: Path, volume: np.ndarray, affine: np.ndarray) -> None:
    """Write a volume (x, y, z) as .nii.gz, in mm, with a note in the header that it is synthetic."""
    import nibabel  # imported here, because everything else works without it

    image = nibabel.Nifti1Image(volume, affine)
    image.header["descrip"] = b"synthetic: brainseg phantom, no patient"
    image.header.set_xyzt_units("mm")
    # nibabel's own writer would store the file's name in the stream; the fixed time keeps the bytes identical.
    path.write_bytes(gzip.compress(image.to_bytes(), compresslevel=4, mtime=0))
