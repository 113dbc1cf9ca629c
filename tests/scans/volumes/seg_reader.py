"""Reads segmentation objects with three programs that know nothing of brainseg: pydicom, SimpleITK and highdicom."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset
from scipy.spatial import KDTree


@dataclass(frozen=True)
class Frame:
    """A frame by the letter of the standard: its bits, the centres of its marked pixels and what it names."""

    segment: int
    bits: np.ndarray
    marked_lps: np.ndarray
    position: np.ndarray
    source: Dataset


def frames(data: Dataset) -> list[Frame]:
    """Unpack the bits by hand and place each marked pixel by formula C.7.6.2.1-1 of the standard, in LPS mm."""
    count, rows, columns = int(data.NumberOfFrames), data.Rows, data.Columns
    bits = np.unpackbits(np.frombuffer(data.PixelData, np.uint8), bitorder="little")
    assert not bits[count * rows * columns :].any()
    shared = data.SharedFunctionalGroupsSequence[0]
    cosines = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    spacing = np.array(shared.PixelMeasuresSequence[0].PixelSpacing, float)
    found = []
    for group, plane in zip(
        data.PerFrameFunctionalGroupsSequence,
        bits[: count * rows * columns].reshape(count, rows, columns),
        strict=True,
    ):
        position = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        row, column = np.nonzero(plane)
        marked = position + np.outer(column * spacing[1], cosines[:3]) + np.outer(row * spacing[0], cosines[3:])
        segment = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        source = group.DerivationImageSequence[0].SourceImageSequence[0]
        found.append(Frame(segment, plane, marked, position, source))
    return found


def opened(content: bytes) -> Dataset:
    return pydicom.dcmread(BytesIO(content))


def voxel_mm3(data: Dataset) -> float:
    measures = data.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    return float(np.prod([*measures.PixelSpacing, measures.SpacingBetweenSlices]))


def by_pydicom(content: bytes, segment: int = 1) -> tuple[np.ndarray, float]:
    """Return the centres of a segment's voxels in LPS mm, and its volume in mm3."""
    data = opened(content)
    marked = np.concatenate([each.marked_lps for each in frames(data) if each.segment == segment])
    return marked, len(marked) * voxel_mm3(data)


def by_simpleitk(content: bytes, file: Path) -> tuple[np.ndarray, float]:
    """The same for a file of one segment; SimpleITK stacks the frames of several."""
    file.write_bytes(content)
    image = sitk.ReadImage(file)
    places = np.argwhere(sitk.GetArrayViewFromImage(image))[:, ::-1]
    marked = [image.TransformIndexToPhysicalPoint([int(index) for index in place]) for place in places]
    return np.array(marked).reshape(-1, 3), len(marked) * float(np.prod(image.GetSpacing()))


def by_highdicom(content: bytes, segment: int = 1) -> tuple[np.ndarray, float]:
    volume = highdicom.seg.segread(BytesIO(content)).get_volume(segment_numbers=[segment], combine_segments=False)
    places = np.argwhere(volume.array[..., 0])
    marked = places @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    return marked, len(marked) * abs(float(np.linalg.det(volume.affine[:3, :3])))


def voxels_lps(mask: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Return where the marked voxels of an array lie by a RAS affine, in LPS mm."""
    return (np.argwhere(mask) @ affine[:3, :3].T + affine[:3, 3]) * [-1, -1, 1]


def furthest(some: np.ndarray, others: np.ndarray) -> float:
    """Return the largest distance from a point of either set to the nearest one of the other, in mm."""
    assert len(some) == len(others) > 0
    return float(max(KDTree(some).query(others)[0].max(), KDTree(others).query(some)[0].max()))
