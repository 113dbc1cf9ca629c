"""Real files of several vendors against references made by other programs."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from brainseg.scans.volumes.reading import read_volumes
from brainseg.scans.volumes.volume import Volume


def volumes(place: Path) -> list[Volume]:
    found = list(read_volumes(place, b""))
    assert all(isinstance(each, Volume) for each in found)
    return found


def reference(file: Path) -> nib.Nifti1Image:
    return nib.as_closest_canonical(nib.load(file))


@pytest.mark.data
def test_philips_frames_have_their_own_scales_as_in_dcm2niix(shared):
    place = shared / "data" / "dicom_vendor/philips_enhanced_scaling"
    field, magnitude = volumes(place / "magnitude_and_fieldmap.dcm")
    its = reference(place / "Philips_WIP_B0_NS_801_e2_fieldmaphz.nii")
    other = reference(place / "Philips_WIP_B0_NS_801_e1.nii")

    assert np.abs(field.array - its.get_fdata()).max() < 0.01  # of 497
    assert field.affine == pytest.approx(its.affine, abs=1e-3)
    assert magnitude.affine == pytest.approx(other.affine, abs=1e-3)
    # The reference keeps Philips's internal scale of magnitudes: only the ratio can be compared.
    ratio = other.get_fdata()[magnitude.array > 100] / magnitude.array[magnitude.array > 100]
    assert ratio.std() / ratio.mean() < 1e-3
    assert (magnitude.array.min(), magnitude.array.max()) == (0, pytest.approx(2548, abs=1))


@pytest.mark.data
def test_siemens_time_points_in_enhanced_files_as_in_dcm2niix(shared):
    place = shared / "data" / "dicom_vendor/siemens_xa10_enhanced"
    its = reference(place / "Siemens_REST1_w_SMS_PF7-8_6.nii")
    found = [each for each in volumes(place) if each.source_format == "DICOM"]

    assert len(found) == its.shape[3] == 4
    for number, volume in enumerate(found):
        assert np.array_equal(volume.array, its.dataobj[..., number])
        assert volume.affine == pytest.approx(its.affine, abs=1e-3)


@pytest.mark.data
@pytest.mark.parametrize("case", ["dicom_t1", "dicom_vendor/siemens_sagittal_windows"])
def test_a_plain_series_as_in_simpleitk(shared, case):
    place = shared / "data" / case
    (volume,) = volumes(place)
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(place))
    image = sitk.DICOMOrient(sitk.ReadImage(names), "LPS")  # ITK's name for axes that grow to the left, back and head

    values = sitk.GetArrayFromImage(image).T[::-1, ::-1]
    assert np.array_equal(volume.array, values)
    assert sorted(volume.spacing) == pytest.approx(sorted(image.GetSpacing()), rel=1e-5)
    corner = np.array(image.TransformIndexToPhysicalPoint([side - 1 for side in image.GetSize()[:2]] + [0]))
    assert volume.affine[:3, 3] == pytest.approx(corner * [-1, -1, 1], abs=1e-3)


@pytest.mark.data
def test_three_time_points_of_ge_are_three_volumes(shared):
    found = volumes(shared / "data" / "dicom_vendor/ge_two_volumes")

    assert [volume.array.shape for volume in found] == [(64, 64, 15)] * 3
    assert found[0].spacing == pytest.approx((3.75, 3.75, 5.0), abs=1e-3)
    assert all("divided by the numbers" in volume.warnings[0] for volume in found)


@pytest.mark.data
def test_a_mosaic_is_36_slices_whose_values_are_those_of_its_tiles(shared):
    found = volumes(shared / "data" / "dicom_vendor/siemens_mosaic")

    assert [volume.array.shape for volume in found] == [(64, 64, 36)] * 2
    assert found[0].spacing == pytest.approx((3.203125, 3.203125, 3.6), abs=1e-4)
    # nibabel's own reader of mosaics puts the first voxel of the first tile at (-102.5, -128.87, -48.64) in LPS.
    corner = np.linalg.inv(found[0].affine) @ [102.5, 128.87137606, -48.63710763, 1]
    assert corner[:3] == pytest.approx([63, 63, 0], abs=1e-3)
    tiles = pydicom.dcmread(shared / "data" / "dicom_vendor/siemens_mosaic/slice_001.dcm").pixel_array
    assert np.array_equal(found[0].array[:, :, 7], tiles[64:128, 64:128].T[::-1, ::-1])  # six tiles in a row


@pytest.mark.data
def test_unused_bits_of_siemens_files_do_not_count(shared):
    ranges = [(each.array.min(), each.array.max()) for each in volumes(shared / "data" / "dicom_vendor/siemens_12bit")]

    assert ranges == [(-2048, 2047), (0, 2908), (0, 4095)]


@pytest.mark.data
def test_brats_and_nrrd_agree_with_nibabel_and_simpleitk(shared):
    for file in sorted((shared / "data" / "brats_nifti/TCGA-DU-7294/raw_bet").glob("*t1c*.nii.gz")):
        (volume,) = volumes(file)
        its = reference(file)
        assert np.array_equal(volume.array, its.get_fdata(dtype=np.float32))
        assert np.array_equal(volume.affine, its.affine)
        assert volume.sequence == "T1ce"
    image, label = volumes(shared / "data" / "nrrd_brain")
    assert (image.array.shape, int(label.array.sum())) == ((256, 256, 25), 4137)
    assert np.array_equal(image.affine, label.affine)
