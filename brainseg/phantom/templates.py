"""The average anatomy: tissue fields and distance fields from the MNI152 templates in nilearn."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy import ndimage

from brainseg import extras
from brainseg.errors import DataError
from brainseg.phantom.fields import Field, smoothstep

_CROP = (slice(20, 177), slice(22, 214), slice(0, 160))
_CROP_ORIGIN = (-78.0, -112.0, -72.0)  # mm, of the cropped grid with 1 mm steps
_HEAD_STEP = 3.0
_HEAD_PAD = ((16, 16), (17, 17), (26, 14))  # voxels of 3 mm, for the scalp, the face and the neck
_CLOSING_MM = 12.0
_GREY_T1, _WHITE_T1, _CSF_T1 = 0.64, 0.87, 0.30  # medians of the T1 template in pure tissue, from 0 to 1


@dataclass(frozen=True, eq=False)
class Templates:
    """The average head in MNI space (mm).

    Attributes:
        white: Fraction of white matter, 0 to 1.
        fluid: Probability of cerebrospinal fluid, 0 to 1; 1 outside the brain.
        hull: Signed distance to the smooth outer surface of the brain, negative inside.
        brain_distance: Distance to the nearest brain tissue, 0 inside.
        ventricle: Signed distance to the lateral ventricles, negative inside.
        ventricle_normal: The three components of the direction away from the ventricles.
        white_points: Positions deep in white matter, float32 (n, 3).
        brain_points: Positions anywhere in brain tissue, float32 (n, 3).
    """

    white: Field
    fluid: Field
    hull: Field
    brain_distance: Field
    ventricle: Field
    ventricle_normal: tuple[Field, Field, Field]
    white_points: np.ndarray
    brain_points: np.ndarray


@cache
def load_templates() -> Templates:
    """Return the average head, computed once per process (about a second, no network).

    nilearn is not imported, because that would take longer than everything else; its template files are read directly.

    Raises:
        MissingLibraryError: nilearn or nibabel is not installed.
        DataError: One of nilearn's template files is missing.
    """
    t1, grey, white = (_read(name) for name in ("t1", "gm", "wm"))
    brain = t1 > 0
    fluid = _fluid(t1, grey, white, brain)
    from_t1 = np.clip((t1 - _GREY_T1) / (_WHITE_T1 - _GREY_T1), 0, 1)
    # The probability map shows sharper folds, the T1 average better deep nuclei.
    white = (0.7 * white + 0.3 * from_t1 * brain).astype(np.float32)
    hull, brain_distance = _head_distances(brain)
    ventricle, normal = _ventricle_distance(fluid, t1, brain)
    return Templates(
        white=Field(white, _CROP_ORIGIN, 1.0),
        fluid=Field(fluid, _CROP_ORIGIN, 1.0),
        hull=hull,
        brain_distance=brain_distance,
        ventricle=ventricle,
        ventricle_normal=normal,
        white_points=_points((white > 0.8) & (fluid < 0.1)),
        brain_points=_points(brain & (fluid < 0.3)),
    )


def _read(name: str) -> np.ndarray:
    """Read one packaged template as float32, 0 to 1, cropped to the brain."""
    for library in ("nilearn", "nibabel"):
        extras.require(library, "The phantom")
    import nibabel  # imported here, because everything else works without it

    spec = importlib.util.find_spec("nilearn")
    if spec is None or not spec.submodule_search_locations:
        raise DataError("The installed nilearn is broken: install nilearn 0.12 to 0.14.")
    folder = Path(spec.submodule_search_locations[0]) / "datasets" / "data"
    path = folder / f"mni_icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz"
    if not path.is_file():
        raise DataError(f"The installed nilearn does not contain {path.name}: install nilearn 0.12 to 0.14.")
    levels = np.asarray(nibabel.Nifti1Image.from_filename(path).dataobj)[_CROP]
    return levels.astype(np.float32) / np.float32(255)


def _fluid(t1: np.ndarray, grey: np.ndarray, white: np.ndarray, brain: np.ndarray) -> np.ndarray:
    """Return how likely each voxel is fluid: missing tissue, or the dark valley that a sulcus leaves in the average."""
    filled = np.where(brain, t1, np.float32(_CSF_T1 + 0.1))
    fine, broad = (ndimage.gaussian_filter(filled, sigma, truncate=3.0) for sigma in (0.6, 3.0))
    valley = smoothstep(broad - fine, 0.0, 0.09) * (t1 < _GREY_T1 + 0.06)
    missing = np.clip(1 - grey - white, 0, 1)
    return np.where(brain, np.maximum(missing, valley), 1).astype(np.float32)


def _head_distances(brain: np.ndarray) -> tuple[Field, Field]:
    """Return the signed distance to the closed brain surface and the distance to brain tissue, on a 3 mm grid."""
    coarse = np.pad(brain[1::3, 1::3, 1::3], _HEAD_PAD)
    x, y, z = (o + 1 - p[0] * _HEAD_STEP for o, p in zip(_CROP_ORIGIN, _HEAD_PAD, strict=True))
    origin = (x, y, z)
    outside = ndimage.distance_transform_edt(~coarse, sampling=_HEAD_STEP).astype(np.float32)
    grown = outside <= _CLOSING_MM
    inner = ndimage.distance_transform_edt(grown, sampling=_HEAD_STEP)
    outer = ndimage.distance_transform_edt(~grown, sampling=_HEAD_STEP)
    # Distances are between voxel centres, so half a voxel is subtracted on either side.
    signed = np.where(grown, _CLOSING_MM - inner, _CLOSING_MM + outer - _HEAD_STEP) + _HEAD_STEP / 2
    smooth = ndimage.gaussian_filter(signed.astype(np.float32), 1.2)
    return Field(smooth, origin, _HEAD_STEP), Field(ndimage.gaussian_filter(outside, 0.5), origin, _HEAD_STEP)


def _ventricle_distance(
    fluid: np.ndarray, t1: np.ndarray, brain: np.ndarray
) -> tuple[Field, tuple[Field, Field, Field]]:
    """Return the signed distance to the lateral ventricles and its gradient, on a 2 mm grid."""
    x, y, z = (np.arange(n) + o for n, o in zip(t1.shape, _CROP_ORIGIN, strict=True))
    box = (np.abs(x) < 40)[:, None, None] & ((y > -62) & (y < 34))[None, :, None] & ((z > -4) & (z < 34))[None, None]
    cistern = (np.abs(x) < 9)[:, None, None] & (y < -30)[None, :, None]  # fluid at the midline, outside the ventricles
    labels, _ = ndimage.label((fluid > 0.5) & (t1 < 0.55) & brain & box & ~cistern)
    counts = np.bincount(labels.ravel())
    counts[0] = 0
    mask = np.isin(labels, np.flatnonzero(counts > 300))[::2, ::2, ::2]
    signed = ndimage.distance_transform_edt(~mask, sampling=2.0) - ndimage.distance_transform_edt(mask, sampling=2.0)
    smooth = ndimage.gaussian_filter(signed.astype(np.float32), 1.0)
    along_x, along_y, along_z = (Field(slope, _CROP_ORIGIN, 2.0) for slope in np.gradient(smooth, 2.0))
    return Field(smooth, _CROP_ORIGIN, 2.0), (along_x, along_y, along_z)


def _points(mask: np.ndarray) -> np.ndarray:
    """Return the positions (mm) of every third voxel of a mask."""
    positions: np.ndarray = np.argwhere(mask[::3, ::3, ::3]) * 3 + np.array(_CROP_ORIGIN)
    return positions.astype(np.float32)
