"""NIfTI: one rule for the geometry, units, scaling, and what is refused."""

from __future__ import annotations

import gzip

import nibabel as nib
import numpy as np
import pytest

from brainseg.errors import ScanError
from brainseg.scans.volumes import nifti
from brainseg.scans.volumes.nifti import nifti_volumes

VALUES = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)


def save(folder, change=None, values=VALUES, name="scan.nii.gz"):
    image = nib.Nifti1Image(values, np.diag([-2.0, -2.0, 3.0, 1.0]))
    image.header.set_xyzt_units("mm")
    if change:
        change(image)
    nib.save(image, folder / name)
    return folder / name


def read(file):
    (volume,) = nifti_volumes(file)
    return volume


def test_axes_are_turned_towards_ras(tmp_path):
    volume = read(save(tmp_path))

    assert (volume.stored_orientation, volume.orientation) == ("LPS", "RAS")
    assert volume.array.tolist() == VALUES[::-1, ::-1].tolist()
    assert volume.affine[:3, 3].tolist() == [-6, -8, 0]
    assert volume.spacing == (2, 2, 3)
    assert not volume.warnings


def test_two_different_forms_are_said_and_the_sform_counts(tmp_path):
    def forms(image):
        image.set_sform(np.diag([1.0, 1.0, 1.0, 1.0]), code=1)
        image.set_qform(np.diag([2.0, 2.0, 2.0, 1.0]), code=1)

    volume = read(save(tmp_path, forms))

    assert volume.spacing == (1, 1, 1)
    assert "voxels of 1 x 1 x 1 mm (sform, used) and of 2 x 2 x 2 mm (qform)" in volume.warnings[0]


def test_a_list_of_sizes_that_differs_is_said(tmp_path):
    def forms(image):
        image.set_qform(None, code=0)
        image.set_sform(np.eye(4), code=1)
        image.header["pixdim"][1:4] = 2

    assert "are 1 x 1 x 1 mm by its affine, which is used, but 2 x 2 x 2" in read(save(tmp_path, forms)).warnings[0]


@pytest.mark.parametrize(("unit", "factor"), [("meter", 1000), ("micron", 0.001)])
def test_lengths_are_converted_to_mm(tmp_path, unit, factor):
    volume = read(save(tmp_path, lambda image: image.header.set_xyzt_units(unit)))

    assert volume.spacing == pytest.approx((2 * factor, 2 * factor, 3 * factor))
    assert "were converted to mm" in volume.warnings[0]


def test_a_file_without_geometry_measures_nothing(tmp_path):
    def forms(image):
        image.set_sform(None, code=0)
        image.set_qform(None, code=0)

    volume = read(save(tmp_path, forms))

    assert volume.affine is None
    assert volume.spacing is None
    assert volume.orientation == ""
    assert "nothing can be measured" in volume.warnings[0]
    assert volume.array.tolist() == VALUES.tolist()


def test_values_are_scaled_as_the_header_says(tmp_path):
    volume = read(save(tmp_path, lambda image: image.header.set_slope_inter(2, -5)))

    assert volume.array.tolist() == (VALUES[::-1, ::-1] * 2 - 5).tolist()


def test_values_that_are_no_numbers_count_as_zero(tmp_path):
    values = VALUES.astype(np.float32)
    values[0, 0, :2] = np.nan, np.inf

    volume = read(save(tmp_path, values=values))

    assert np.isfinite(volume.array).all()
    assert volume.warnings == ("2 of its values are infinite or not numbers; they count as 0.",)


def test_time_points_are_volumes(tmp_path):
    found = list(nifti_volumes(save(tmp_path, values=np.stack([VALUES, VALUES + 1], axis=-1))))

    assert [volume.name for volume in found] == ["scan.nii.gz, volume 1", "scan.nii.gz, volume 2"]
    assert [volume.array.min() for volume in found] == [0, 1]


def test_the_name_tells_the_sequence(tmp_path):
    assert read(save(tmp_path, name="BraTS-GLI-00001-000-t1c.nii.gz")).sequence == "T1ce"


def test_a_cut_file_is_damaged(tmp_path):
    file = save(tmp_path)
    file.write_bytes(file.read_bytes()[:-30])

    with pytest.raises(ScanError, match="damaged or incomplete"):
        read(file)


def test_a_header_that_claims_more_than_the_file_holds_takes_no_memory(tmp_path, monkeypatch):
    plain = save(tmp_path, name="scan.nii")
    header = bytearray(plain.read_bytes()[:352])
    header[40:56] = np.array([3, 600, 600, 600, 1, 1, 1, 1], "<i2").tobytes()
    file = tmp_path / "claim.nii.gz"
    file.write_bytes(gzip.compress(bytes(header)))
    monkeypatch.setattr(nifti, "_values", lambda *_: pytest.fail("it was read"))

    with pytest.raises(ScanError, match="damaged or incomplete"):
        read(file)


def test_too_many_voxels_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(nifti, "MAX_VOXELS", 100)

    with pytest.raises(ScanError, match="is too large"):
        read(save(tmp_path))


@pytest.mark.parametrize("size", [0.0, np.nan])
def test_an_impossible_affine_is_refused(tmp_path, size):
    file = save(tmp_path, name="scan.nii")
    content = bytearray(file.read_bytes())
    content[280:284] = np.array([size], "<f4").tobytes()  # the sform's first number
    file.write_bytes(content)

    with pytest.raises(ScanError, match="no grid in space"):
        read(file)


def test_colours_are_refused(tmp_path):
    values = np.zeros((4, 5, 6), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])

    with pytest.raises(ScanError, match="holds no numbers"):
        read(save(tmp_path, values=values))
