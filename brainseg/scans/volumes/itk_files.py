"""Read NRRD and MetaImage files with SimpleITK, after checking in the header's text that it names no other file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from brainseg.errors import ScanError
from brainseg.scans.names import display_name
from brainseg.scans.volumes.sequence import sequence_of
from brainseg.scans.volumes.volume import MAX_VOXELS, TOO_LARGE, Volume, axes_of, check_grid, finite, towards_ras

_HEADER = 64 * 1024
_NOWHERE = "It does not say how it lies in the patient, so nothing can be measured in mm."
_KNOWN_SPACES = ("left-posterior-superior", "lps", "right-anterior-superior", "ras", "left-anterior-superior", "las")
_IO = {"NRRD": "NrrdImageIO", "MetaImage": "MetaImageIO"}


def itk_volume(file: Path, source_format: str) -> Volume:
    """Read a NRRD or MetaImage file.

    Args:
        file: The file, or its header if the values are in another file of the same folder.
        source_format: "NRRD" or "MetaImage".

    Raises:
        ScanError: The file is damaged, too large, not of three dimensions, or names a file of another folder. The
            message has no name in front.
    """
    with file.open("rb") as stream:
        header = stream.read(_HEADER).split(b"\n\n")[0].decode("latin-1").lower()
    _check_data_file(file, header, source_format)
    reader = sitk.ImageFileReader()
    reader.SetImageIO(_IO[source_format])
    reader.SetFileName(str(file))
    try:
        reader.ReadImageInformation()
        _check_size(reader.GetSize(), reader.GetNumberOfComponents())
        image = reader.Execute()
    except RuntimeError as error:
        raise ScanError(f"is damaged or incomplete ({source_format}): copy or export it again") from error
    values, warnings = finite(np.ascontiguousarray(sitk.GetArrayFromImage(image).T, np.float32))
    affine = _affine(image) if _placed(header, source_format) else None
    array, turned = (values, None) if affine is None else towards_ras(values, affine)
    return Volume(
        array=array,
        affine=turned,
        name=display_name(file.name),
        source_format=source_format,
        stored_shape=(values.shape[0], values.shape[1], values.shape[2]),
        stored_orientation="" if affine is None else axes_of(affine),
        sequence=sequence_of(file.name.split(".")[0]),
        warnings=warnings if affine is not None else (*warnings, _NOWHERE),
    )


def _affine(image: sitk.Image) -> NDArray[np.float64]:
    """Return index -> mm, RAS+; ITK's own is LPS."""
    lps = np.eye(4)
    lps[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    lps[:3, 3] = image.GetOrigin()
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps
    check_grid(affine)
    return affine


def _check_size(size: tuple[int, ...], components: int) -> None:
    if len(size) != 3 or components != 1:
        raise ScanError(
            f"has {len(size)} dimensions and {components} values per voxel; brainseg reads one value on a grid of "
            "three: export one volume"
        )
    if np.prod(np.array(size, dtype=np.float64)) > MAX_VOXELS:
        raise ScanError(TOO_LARGE)


def _check_data_file(file: Path, header: str, source_format: str) -> None:
    """Refuse a header that sends the reader to a file outside its own folder, or to a list of files."""
    key = r"data ?file: *" if source_format == "NRRD" else r"elementdatafile *= *"
    for name in re.findall(rf"^{key}([^\r\n]*)", header, re.MULTILINE):
        plain = name.strip()
        if plain == "local" and source_format == "MetaImage":
            continue
        beside = {each.name.lower() for each in file.parent.iterdir() if each.is_file() and not each.is_symlink()}
        if plain not in beside:
            raise ScanError("keeps its values in a file that is not beside it: put both into one folder")


def _placed(header: str, source_format: str) -> bool:
    if source_format == "MetaImage":
        return re.search(r"^(transformmatrix|rotation|orientation) *=", header, re.MULTILINE) is not None
    space = re.search(r"^space: *([^\r\n]*)", header, re.MULTILINE)
    return space is not None and space.group(1).strip() in _KNOWN_SPACES
