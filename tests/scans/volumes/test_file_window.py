"""The windows that files ask for: kept as they are, slice by slice, in the order of the volume's array."""

from __future__ import annotations

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from brainseg.scans.volumes.file_window import FileWindow, dicom_bounds, file_windows
from brainseg.scans.volumes.grid import on_grid
from brainseg.scans.volumes.reading import read_volumes
from brainseg.scans.volumes.slices import PLANES
from brainseg.scans.volumes.volume import Volume
from tests.scans.volumes.dicom_maker import AXIAL, CORONAL, SAGITTAL, write_series

SLICES = np.random.default_rng(0).integers(0, 900, (5, 6, 7)).astype(np.int16)


def read(folder) -> Volume:
    (volume,) = read_volumes(folder, b"secret")
    assert isinstance(volume, Volume)
    return volume


def test_one_window_for_all_slices(tmp_path):
    write_series(tmp_path / "s", SLICES, WindowCenter=600, WindowWidth=1200)

    (window,) = read(tmp_path / "s").windows

    assert window.common == (0.0, 1199.0)  # PS3.3 C.11.2.1.2.1: c - 0.5 - (w - 1) / 2 and c - 0.5 + (w - 1) / 2


@pytest.mark.parametrize(
    ("cosines", "plane"),
    [(AXIAL, "axial"), (SAGITTAL, "sagittal"), (CORONAL, "coronal"), ((1, 0, 0, 0, -1, 0), "axial")],
)
def test_a_window_for_each_slice_stays_with_its_slice(tmp_path, cosines, plane):
    # Each slice holds its number, and asks for a window that begins with it.
    values = np.broadcast_to(np.arange(5)[:, None, None], (5, 6, 7)).astype(np.int16)

    def own(place, data):
        data.WindowCenter, data.WindowWidth = place + 50.5, 101

    write_series(tmp_path / "s", values, cosines, each=own)

    volume = read(tmp_path / "s")

    (window,) = volume.windows
    assert window.common is None
    assert window.axis == PLANES[plane]
    for index, (low, high) in enumerate(window.bounds):
        assert np.take(volume.array, index, window.axis) == pytest.approx(low)
        assert high - low == 100


def test_a_second_window_is_kept_and_impossible_ones_are_left_out(tmp_path):
    write_series(tmp_path / "two", SLICES, WindowCenter=[40, 600], WindowWidth=[81, 1201])
    write_series(tmp_path / "none", SLICES, WindowCenter=40, WindowWidth=0)

    assert [window.common for window in read(tmp_path / "two").windows] == [(-0.5, 79.5), (-0.5, 1199.5)]
    assert read(tmp_path / "none").windows == ()
    assert dicom_bounds([float("nan"), 3.0], [5.0, 1.0]) == ()


def test_values_that_are_stored_inverted_have_no_window(tmp_path):
    write_series(tmp_path / "s", SLICES, PhotometricInterpretation="MONOCHROME1", WindowCenter=600, WindowWidth=1200)

    assert read(tmp_path / "s").windows == ()


def test_a_slice_without_a_window_leaves_none_for_the_volume():
    assert file_windows([[(0.0, 1.0)], []], 2, reverse=False) == ()
    assert file_windows([], 2, reverse=False) == ()


def test_the_range_of_a_nifti_is_its_window(tmp_path):
    image = nib.Nifti1Image(SLICES, np.eye(4))
    nib.save(image, tmp_path / "without.nii")
    image.header["cal_min"], image.header["cal_max"] = 10, 700
    nib.save(image, tmp_path / "with.nii")

    assert read(tmp_path / "without.nii").windows == ()
    assert read(tmp_path / "with.nii").windows == (FileWindow(2, ((10.0, 700.0),)),)


def test_windows_of_slices_do_not_outlive_them():
    values = np.random.default_rng(1).normal(size=(6, 6, 4)).astype(np.float32)
    common, each = FileWindow(2, ((0.0, 1.0),)), FileWindow(2, ((0.0, 1.0),) * 3 + ((5.0, 6.0),))
    volume = Volume(values, np.diag([1.0, 1.0, 2.0, 1.0]), "one", "DICOM", values.shape, "RAS", windows=(common, each))
    shifted = np.diag([1.0, 1.0, 2.0, 1.0])
    shifted[2, 3] = 1.0

    moved = on_grid(volume, replace(volume, affine=shifted, name="other"))

    assert moved.windows == (common,)


@pytest.mark.data
def test_nearly_each_slice_of_a_real_series_has_its_own(shared):
    folder = shared / "data" / "dicom_vendor" / "siemens_sagittal_windows"
    if not folder.is_dir():
        pytest.skip(f"{folder} does not exist")

    volume = read(folder)

    (window,) = volume.windows
    assert (window.axis, len(window.bounds)) == (0, 35)
    assert len(set(window.bounds)) > 30
