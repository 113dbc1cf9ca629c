"""Slices as people look at them, masks back in place, and masks as files that other programs read."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from brainseg.errors import ScanError
from brainseg.scans.volumes.grid import on_grid
from brainseg.scans.volumes.reading import read_volumes
from brainseg.scans.volumes.slices import PLANES, cut, put, slice_scans
from brainseg.scans.volumes.volume import Volume
from brainseg.scans.volumes.writing import save_mask
from tests.scans.volumes.dicom_maker import AXIAL, CORONAL, OBLIQUE, SAGITTAL, write_series

RIGHT, FRONT, TOP = 200, 150, 100


def volume(array: np.ndarray, affine: np.ndarray | None = None, **more) -> Volume:
    affine = np.diag([1.0, 2.0, 3.0, 1.0]) if affine is None else affine
    return Volume(array.astype(np.float32), affine, "v", "NIfTI", array.shape, "RAS", **more)


@pytest.fixture
def marked() -> np.ndarray:
    """A head with one bright voxel each at the right, at the front and at the top."""
    array = np.zeros((9, 11, 7))
    array[8, 5, 3], array[4, 10, 3], array[4, 5, 6] = RIGHT, FRONT, TOP
    return array


def place(image: np.ndarray, value: int) -> tuple[int, int]:
    (found,) = np.argwhere(image == value)
    return tuple(int(each) for each in found)


def test_slices_are_as_radiologists_look_at_them(marked):
    axial, coronal, sagittal = cut(marked, "axial", 3), cut(marked, "coronal", 5), cut(marked, "sagittal", 4)

    assert (axial.shape, coronal.shape, sagittal.shape) == ((11, 9), (7, 9), (7, 11))
    assert (place(axial, FRONT), place(axial, RIGHT)) == ((0, 4), (5, 0))  # front at the top, right at the left
    assert (place(coronal, TOP), place(coronal, RIGHT)) == ((0, 4), (3, 0))
    assert (place(sagittal, TOP), place(sagittal, FRONT)) == ((0, 5), (3, 0))  # top at the top, front at the left


@pytest.mark.parametrize("plane", PLANES)
def test_a_mask_goes_back_where_the_slice_came_from(plane):
    array = np.random.default_rng(0).integers(0, 9, (5, 6, 7)).astype(np.uint8)
    back = np.zeros_like(array)

    for index in range(array.shape[PLANES[plane]]):
        put(back, plane, index, cut(array, plane, index))

    assert np.array_equal(back, array)


@pytest.mark.parametrize(("plane", "spacing"), [("axial", (2, 1)), ("coronal", (3, 1)), ("sagittal", (3, 2))])
def test_slices_know_the_size_of_their_pixels(marked, plane, spacing):
    assert {scan.spacing for scan in slice_scans(volume(marked), plane)} == {spacing}


def test_all_slices_share_one_window():
    array = np.stack([np.full((8, 8), value) for value in (0, 10, 100)], axis=-1)
    array[0] = 200

    scans = list(slice_scans(volume(array), "axial"))

    assert len({scan.window for scan in scans}) == 1
    assert scans[1].pixels[4, 4, 0] < scans[2].pixels[4, 4, 0]  # the same value would look alike with a window each


@pytest.mark.parametrize("cosines", [AXIAL, SAGITTAL, CORONAL, OBLIQUE])
def test_a_lesion_is_at_its_place_in_the_file_for_two_other_programs(tmp_path, cosines):
    values = np.zeros((4, 6, 5), np.uint16)
    values[1, 4, 3] = 900
    write_series(tmp_path / "s", values, cosines)
    (scan,) = read_volumes(tmp_path / "s", b"")
    mask = (scan.array > 500).astype(np.uint8)

    save_mask(mask, scan, tmp_path / "mask.nii.gz")

    rows, columns = np.array(cosines[:3]), np.array(cosines[3:])
    lps = np.array([-10.0, 20.0, 5.0]) + rows * 1.5 * 3 + columns * 2.0 * 4 + np.cross(rows, columns) * 3.0
    itk = sitk.ReadImage(tmp_path / "mask.nii.gz")
    assert itk.GetPixel(itk.TransformPhysicalPointToIndex(lps)) == 1
    assert sitk.GetArrayFromImage(itk).sum() == 1
    image = nib.load(tmp_path / "mask.nii.gz")
    assert image.affine @ [*np.argwhere(image.get_fdata())[0], 1] == pytest.approx(
        [-lps[0], -lps[1], lps[2], 1], abs=1e-4
    )


def test_the_header_of_a_mask_leaves_nothing_to_interpret(tmp_path):
    nib.save(nib.Nifti1Image(np.ones((4, 5, 6), np.int16), np.diag([-2.0, -2.0, 3.0, 1.0])), tmp_path / "scan.nii.gz")
    (scan,) = read_volumes(tmp_path / "scan.nii.gz", b"")
    mask = np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6) % 3

    save_mask(mask, scan, tmp_path / "mask.nii.gz")

    header = nib.load(tmp_path / "mask.nii.gz").header
    assert header.get_data_dtype() == np.uint8
    assert header.get_slope_inter() in ((None, None), (1.0, 0.0))
    assert np.array_equal(header.get_sform(), header.get_qform())
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 1)
    assert header.get_xyzt_units()[0] == "mm"
    stored = np.asanyarray(nib.load(tmp_path / "mask.nii.gz").dataobj)
    assert np.array_equal(stored, mask[::-1, ::-1])  # as in the scan's own file, voxel by voxel
    first = (tmp_path / "mask.nii.gz").read_bytes()
    save_mask(mask, scan, tmp_path / "mask.nii.gz")
    assert (tmp_path / "mask.nii.gz").read_bytes() == first


def test_volumes_on_one_grid_stay_as_they_are():
    first, second = volume(np.zeros((4, 5, 6))), volume(np.ones((4, 5, 6)))

    assert on_grid(second, first) is second


def test_another_grid_is_resampled_at_the_same_places_and_said():
    ramp = np.broadcast_to(np.arange(10.0), (10, 10, 10))
    fine = volume(ramp, np.eye(4))
    shift = np.diag([2.0, 2.0, 2.0, 1.0])
    shift[:3, 3] = 1
    coarse = volume(np.zeros((4, 4, 4)), shift)

    moved = on_grid(fine, coarse)

    assert moved.array[1, 1].tolist() == [1, 3, 5, 7]
    assert np.array_equal(moved.affine, shift)
    assert moved.warnings == ("A volume was resampled to the grid of another volume.",)


def test_volumes_of_different_parts_are_not_combined():
    far = np.eye(4)
    far[0, 3] = 8

    with pytest.raises(ScanError, match="covers only 20 % of v"):
        on_grid(volume(np.ones((10, 10, 10)), np.eye(4)), volume(np.ones((10, 10, 10)), far))
