"""Read NIfTI files with one rule for where their voxels are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from brainseg.errors import ScanError
from brainseg.scans.names import display_name
from brainseg.scans.volumes.file_window import FileWindow
from brainseg.scans.volumes.sequence import sequence_of
from brainseg.scans.volumes.volume import (
    MAX_VOXELS,
    TOO_LARGE,
    Volume,
    axes_of,
    check_grid,
    finite,
    spacing_of,
    towards_ras,
)

MAX_VOLUMES = 1000
_DEFLATE = 1100
"""gzip makes nothing more than about a thousand times smaller."""
_SAME = 1e-3
_UNITS = {1: 1000.0, 2: 1.0, 3: 0.001}
"""Code of a NIfTI's unit of length -> mm; other codes leave it open, and mm is the rule then."""
_UNIT_NAMES = {1: "metres", 3: "micrometres"}


def nifti_volumes(file: Path) -> Iterator[Volume]:
    """Yield the volumes of a NIfTI file: one, or one per time point.

    Where a file states its geometry twice (sform and qform), the sform counts, as in nibabel; a difference is a
    warning. Lengths are converted to mm.

    Raises:
        ScanError: The file is damaged, too large, or holds no numbers on a grid. The message has no name in front.
    """
    image = _opened(file)
    shape = tuple(int(size) for size in image.shape)
    if not 2 <= len(shape) <= 5 or min(shape, default=0) < 1 or image.get_data_dtype().kind not in "iuf":
        raise ScanError("holds no numbers on a grid of two to four dimensions: export it again")
    space, times = (*shape[:3], 1)[:3], math.prod(shape[3:])
    if math.prod(space) > MAX_VOXELS or times > MAX_VOLUMES:
        raise ScanError(f"{TOO_LARGE} in each of {MAX_VOLUMES:,} volumes")
    _check_length(file, math.prod(shape) * image.get_data_dtype().itemsize)
    affine, warnings = geometry(image.header)
    name = display_name(file.name)
    for number in range(times):
        array, more = _values(image, number, space)
        shown = name if times == 1 else f"{name}, volume {number + 1}"
        turned, place = (array, None) if affine is None else towards_ras(array, affine)
        yield Volume(
            array=turned,
            affine=place,
            name=shown,
            source_format="NIfTI",
            stored_shape=(space[0], space[1], space[2]),
            stored_orientation="" if affine is None else axes_of(affine),
            sequence=sequence_of(name.split(".")[0]),
            warnings=(*warnings, *more),
            windows=_windows(image.header),
        )


def _windows(header: Any) -> tuple[FileWindow, ...]:  # noqa: ANN401
    """Return the range of values that the header asks programs to show (cal_min, cal_max), if it states one."""
    low, high = float(header["cal_min"]), float(header["cal_max"])
    return (FileWindow(2, ((low, high),)),) if np.isfinite([low, high]).all() and low < high else ()


def geometry(header: Any) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:  # noqa: ANN401
    """Return the affine of a NIfTI header in mm, RAS+, or None if it states none, and warnings.

    Args:
        header: A nibabel header of NIfTI-1 or NIfTI-2.

    Raises:
        ScanError: The affine is not that of a grid. The message has no name in front.
    """
    unit = int(header["xyzt_units"]) & 7
    factor, warnings = _UNITS.get(unit, 1.0), []
    if unit in _UNIT_NAMES:
        warnings.append(f"Its lengths are stored in {_UNIT_NAMES[unit]} and were converted to mm.")
    sform, qform = (_form(header, kind) for kind in ("sform", "qform"))
    affine = qform if sform is None else sform
    if affine is None:
        return None, (*warnings, "It does not say where its voxels are, so nothing can be measured in mm.")
    scaled = np.diag([factor, factor, factor, 1.0]) @ affine
    check_grid(scaled)
    if sform is not None and qform is not None and not np.allclose(sform, qform, atol=_SAME * max(spacing_of(sform))):
        warnings.append(
            f"It states its geometry twice, and differently: voxels of {_size(sform)} mm (sform, used) and of "
            f"{_size(qform)} mm (qform). Other programs may use the other one."
        )
    elif not np.allclose(spacing_of(affine), np.abs(header["pixdim"][1:4]), rtol=_SAME):
        warnings.append(
            f"Its voxels are {_size(affine)} mm by its affine, which is used, but "
            f"{_sizes(np.abs(header['pixdim'][1:4]))} by its list of sizes."
        )
    return scaled, tuple(warnings)


def _form(header: Any, kind: str) -> NDArray[np.float64] | None:  # noqa: ANN401
    try:
        found = getattr(header, f"get_{kind}")(coded=True)[0]
    except Exception as error:  # an impossible quaternion, for example
        raise ScanError("states a geometry that is no grid in space: export it again") from error
    return None if found is None else np.asarray(found, np.float64)


def _opened(file: Path) -> Any:  # noqa: ANN401
    try:
        return nib.load(file)
    except Exception as error:  # nibabel raises many kinds on damaged headers
        raise _damaged() from error


def _check_length(file: Path, needed: int) -> None:
    """Refuse a file that cannot hold what its header claims, before memory is taken for it."""
    most = file.stat().st_size * (_DEFLATE if file.suffix.lower() == ".gz" else 1)
    if file.suffix.lower() in (".gz", ".nii") and most < needed:
        raise _damaged()


def _values(image: Any, number: int, space: tuple[int, ...]) -> tuple[NDArray[np.float32], tuple[str, ...]]:  # noqa: ANN401
    """Return one volume, scaled as the header says."""
    extra = image.shape[3:]
    place = tuple(np.unravel_index(number, extra)) if extra else ()
    try:
        data = np.asarray(image.dataobj[(..., *place)] if place else image.dataobj, np.float32).reshape(space)
    except MemoryError as error:
        raise ScanError("needs more memory than this machine has free") from error
    except Exception as error:
        raise _damaged() from error
    return finite(data)


def _damaged() -> ScanError:
    return ScanError("is damaged or incomplete (NIfTI): copy or export it again")


def _size(affine: NDArray[np.float64]) -> str:
    return _sizes(np.array(spacing_of(affine)))


def _sizes(values: NDArray[np.float64]) -> str:
    return " x ".join(f"{value:.3g}" for value in values)
