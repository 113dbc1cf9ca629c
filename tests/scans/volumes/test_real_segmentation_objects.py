"""Segmentation objects of masks on real files of several vendors: place in mm, images named, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from brainseg.scans.volumes.reading import read_volumes
from brainseg.scans.volumes.segmentation_object import Algorithm, segmentation_object
from brainseg.scans.volumes.volume import Volume
from tests.scans.volumes.seg_reader import by_highdicom, by_pydicom, by_simpleitk, frames, furthest, opened, voxels_lps

VENDORS = (
    "ge_two_volumes", "philips_enhanced_scaling", "siemens_12bit", "siemens_mosaic", "siemens_sagittal_windows",
    "siemens_xa10_enhanced",
)  # fmt: skip
CASES = ("dicom_t1", *(f"dicom_vendor/{vendor}" for vendor in VENDORS))


def dicom_volumes(place: Path) -> Iterator[Volume]:
    for volume in read_volumes(place, b""):
        assert isinstance(volume, Volume)
        if volume.source_format == "DICOM":
            yield volume


def block(shape: tuple[int, ...]) -> np.ndarray:
    """A block with a step, so that no mirror image of it is the same."""
    mask = np.zeros(shape, np.uint8)
    low, high = ([int(part * side) for side in shape] for part in (0.2, 0.45))
    mask[low[0] : high[0] + 1, low[1] : high[1] + 2, low[2] : high[2] + 1] = 1
    mask[low[0], low[1] : high[1] + 4, low[2]] = 1
    return mask


def written(mask: np.ndarray, volume: Volume) -> bytes:
    return segmentation_object(mask, ("tumour",), volume, Algorithm("marks", "ab" * 32))


def images(place: Path) -> dict[str, Dataset]:
    files = [pydicom.dcmread(file) for file in sorted(place.glob("*.dcm"))]
    return {image.SOPInstanceUID: image for image in files}


@pytest.mark.data
@pytest.mark.parametrize("case", CASES)
def test_a_block_lies_at_its_place_in_mm(shared, tmp_path, case):
    found = list(dicom_volumes(shared / "data" / case))
    assert found
    for volume in found[:: max(1, len(found) - 1)]:  # the first and the last
        mask = block(volume.array.shape)

        content = written(mask, volume)

        true = voxels_lps(mask, volume.affine)
        size = mask.sum() * np.prod(volume.spacing)
        for place, its in (by_pydicom(content), by_simpleitk(content, tmp_path / "mask.dcm"), by_highdicom(content)):
            assert furthest(place, true) < 0.02  # slices of a real series are not at even distances to the micrometre
            assert its == pytest.approx(size, rel=1e-3)


@pytest.mark.data
@pytest.mark.parametrize("case", ["dicom_t1", "dicom_vendor/ge_two_volumes", "dicom_vendor/siemens_sagittal_windows"])
def test_frames_have_the_pixels_of_the_real_images_that_they_name(shared, case):
    known = images(shared / "data" / case)
    for volume in dicom_volumes(shared / "data" / case):
        limit = float(np.percentile(volume.array, 80))

        data = opened(written((volume.array > limit).astype(np.uint8), volume))

        for frame in frames(data):
            image = known.pop(frame.source.ReferencedSOPInstanceUID)
            assert np.array_equal(frame.bits, image.pixel_array > limit)
            assert frame.position == pytest.approx(np.array(image.ImagePositionPatient, float), abs=1e-6)
            assert (data.StudyInstanceUID, data.FrameOfReferenceUID) == (
                image.StudyInstanceUID, image.FrameOfReferenceUID,
            )  # fmt: skip
            assert data.ReferencedSeriesSequence[0].SeriesInstanceUID == image.SeriesInstanceUID
    assert not known


@pytest.mark.data
@pytest.mark.parametrize("case", ["philips_enhanced_scaling", "siemens_xa10_enhanced"])
def test_each_volume_of_real_enhanced_files_names_its_own_frames(shared, case):
    known = images(shared / "data" / "dicom_vendor" / case)
    named: list[tuple[str, int]] = []
    for volume in dicom_volumes(shared / "data" / "dicom_vendor" / case):
        for frame in frames(opened(written(block(volume.array.shape), volume))):
            image = known[frame.source.ReferencedSOPInstanceUID]
            number = int(frame.source.ReferencedFrameNumber)
            group = image.PerFrameFunctionalGroupsSequence[number - 1]
            its = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
            assert frame.position == pytest.approx(its, abs=1e-6)
            named.append((image.SOPInstanceUID, number))
            assert frame.source.SpatialLocationsPreserved == "YES"
    counts = {uid: int(image.NumberOfFrames) for uid, image in known.items()}
    assert sorted(named) == sorted((uid, number + 1) for uid, count in counts.items() for number in range(count))


@pytest.mark.data
def test_the_slices_of_a_mosaic_name_the_mosaic_as_an_image_of_another_shape(shared):
    known = images(shared / "data" / "dicom_vendor/siemens_mosaic")
    for volume in dicom_volumes(shared / "data" / "dicom_vendor/siemens_mosaic"):
        data = opened(written(block(volume.array.shape), volume))

        (file,) = data.SourceImageSequence
        assert known.pop(file.ReferencedSOPInstanceUID)
        assert {frame.source.SpatialLocationsPreserved for frame in frames(data)} == {"NO"}
        assert len(frames(data)) == 36
    assert not known


@pytest.mark.data
@pytest.mark.parametrize("case", CASES)
def test_no_text_of_a_real_header_is_in_the_file(shared, case):
    place = shared / "data" / case
    texts = {
        str(part)
        for image in images(place).values()
        for element in image
        if element.VR in ("PN", "LO", "SH", "LT", "ST", "DA", "DT", "AE", "AS")
        for part in (element.value if element.VM > 1 else [element.value])
        if len(str(part or "")) > 3
    }
    volume = next(dicom_volumes(place))

    content = written(block(volume.array.shape), volume)

    said = {str(element.value) for element in opened(content).iterall() if element.VR not in ("SQ", "UI", "OB", "OW")}
    assert len(texts) > 5
    assert [text for text in texts if any(text in each for each in said)] == []
