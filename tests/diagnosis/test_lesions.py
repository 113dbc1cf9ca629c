from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from brainseg.diagnosis.lesions import lesions

SPACING = np.diag([2.0, 1.0, 5.0, 1.0])


def test_a_box_has_its_volume_and_its_diagonal():
    mask = np.zeros((20, 20, 20), bool)
    mask[3:8, 4:10, 5:7] = True  # 10 x 6 x 10 mm

    (found,) = lesions(mask, SPACING)

    assert (found.voxels, found.ml) == (60, pytest.approx(0.6))
    assert found.diameter == pytest.approx(np.sqrt(10**2 + 6**2 + 10**2))
    assert found.centre == pytest.approx((5 * 2, 6.5, 5.5 * 5))
    assert (found.first, found.last) == ((3, 4, 5), (7, 9, 6))


def test_a_single_voxel_has_its_own_diagonal():
    mask = np.zeros((3, 3, 3), bool)
    mask[1, 1, 1] = True

    assert lesions(mask, SPACING)[0].diameter == pytest.approx(np.sqrt(4 + 1 + 25))


def test_corners_connect_and_the_largest_comes_first():
    mask = np.zeros((9, 9, 9), bool)
    mask[1, 1, 1] = mask[2, 2, 2] = True
    mask[5:8, 5:8, 5:8] = True

    assert [found.voxels for found in lesions(mask, np.eye(4))] == [27, 2]


def test_volumes_and_diameters_agree_with_simpleitk():
    grid = np.stack(np.meshgrid(*(np.arange(40),) * 3, indexing="ij"), axis=-1)
    mask = (((grid - [18, 20, 21]) / [11, 7, 9]) ** 2).sum(axis=-1) <= 1
    mask |= (((grid - [35, 35, 6]) / [3, 3, 4]) ** 2).sum(axis=-1) <= 1
    image = sitk.GetImageFromArray(mask.T.astype(np.uint8))
    image.SetSpacing((0.8, 1.1, 1.5))
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.ComputeFeretDiameterOn()
    shapes.Execute(sitk.RelabelComponent(sitk.ConnectedComponent(image, True)))  # the largest is number 1

    found = lesions(mask, np.diag([0.8, 1.1, 1.5, 1.0]))

    assert [each.ml for each in found] == pytest.approx([shapes.GetPhysicalSize(label) / 1000 for label in (1, 2)])
    for each, label in zip(found, (1, 2), strict=True):
        voxel = np.sqrt(0.8**2 + 1.1**2 + 1.5**2)  # SimpleITK measures between centres of voxels, here between corners
        assert 0 < each.diameter - shapes.GetFeretDiameter(label) <= voxel + 1e-9
        assert each.centre == pytest.approx(shapes.GetCentroid(label))


def test_an_empty_mask_has_no_lesion():
    assert lesions(np.zeros((3, 3, 3), bool), np.eye(4)) == ()
