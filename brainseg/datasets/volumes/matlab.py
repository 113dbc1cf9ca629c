"""Read the slices of the figshare brain tumour set: MATLAB files with class, patient, image and mask inside.

Cheng et al., PLoS ONE 10(10), e0140381 (2015): 3,064 contrast-enhanced T1 slices of 233 patients. The files are HDF5
(MATLAB 7.3), which stores arrays by column, so rows and columns change places on reading.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainseg.datasets.volumes.study import Study
from brainseg.errors import ScanError
from brainseg.extras import require
from brainseg.scans.names import display_name
from brainseg.scans.volumes.slices import put
from brainseg.scans.volumes.volume import MAX_VOXELS, TOO_LARGE, Volume, finite

SUFFIX = ".mat"
PLANE = "axial"
"""The plane in which `matlab_slice` lays a slice into its volume; which one the scanner used, the files do not say."""
_STRUCT = "cjdata"
_CLASSES = {1: "meningioma", 2: "glioma", 3: "pituitary tumour"}
_HDF5 = b"\x89HDF\r\n\x1a\n"
_TEXT = 256


def matlab_studies(files: Iterable[Path]) -> tuple[list[Study], int]:
    """Return a study for each slice, with its class and patient, and the number of files that are none.

    Args:
        files: Files named .mat.

    Raises:
        MissingLibraryError: h5py is not installed.
    """
    found, other = [], 0
    for file in sorted(files):
        try:
            with _opened(file) as stored:
                content = stored[_STRUCT]
                label = _CLASSES[int(np.asarray(content["label"]).item())]
                patient = _text(content["PID"])
        except (ScanError, KeyError, ValueError, TypeError, OSError, RuntimeError):
            other += 1
            continue
        found.append(Study(file.stem, patient or file.stem, matlab=file, label=label))
    return found, other


def matlab_slice(file: Path) -> tuple[Volume, NDArray[np.float32]]:
    """Return a slice as a volume of one slice in the plane `PLANE`, and its mask on the same grid.

    Raises:
        ScanError: It is damaged or too large, or image and mask differ in size. The message has no name in front.
    """
    try:
        with _opened(file) as stored:
            content = stored[_STRUCT]
            image, mask = (_plane(content[name]) for name in ("image", "tumorMask"))
    except (KeyError, ValueError, TypeError, OSError, RuntimeError) as error:
        raise ScanError("is damaged or incomplete (MATLAB): copy it again") from error
    if image.shape != mask.shape:
        raise ScanError("has a mask of another size than its image: copy it again")
    values, warnings = finite(image)
    array, marks = (np.zeros((image.shape[1], image.shape[0], 1), np.float32) for _ in range(2))
    put(array, PLANE, 0, values)
    put(marks, PLANE, 0, mask)
    rows, columns = image.shape
    name = display_name(file.name)
    return Volume(array, None, name, "MATLAB", (rows, columns, 1), sequence="T1ce", warnings=warnings), marks


def _opened(file: Path) -> Any:  # noqa: ANN401
    """Open an HDF5 file.

    Raises:
        ScanError: It is none. The message has no name in front.
        MissingLibraryError: h5py is not installed.
    """
    require("h5py", "Reading MATLAB files")
    import h5py

    with file.open("rb") as stream:
        start = stream.read(1024)
    if _HDF5 not in (start[:8], start[512:520]):  # MATLAB puts 512 bytes of text in front
        raise ScanError("is no MATLAB 7.3 file: save it with the option -v7.3")
    return h5py.File(file, "r")


def _plane(stored: Any) -> NDArray[np.float32]:  # noqa: ANN401
    if stored.ndim != 2 or min(stored.shape) < 1 or stored.dtype.kind not in "iufb":
        raise ScanError("holds no image of two dimensions: copy it again")
    if stored.shape[0] * stored.shape[1] > MAX_VOXELS:
        raise ScanError(TOO_LARGE)
    return np.asarray(stored[()], np.float32).T


def _text(stored: Any) -> str:  # noqa: ANN401
    """Return a text, which MATLAB stores as numbers of characters."""
    return "".join(chr(int(code)) for code in np.asarray(stored[()]).ravel()[:_TEXT] if 32 <= int(code) < 0xD800)
