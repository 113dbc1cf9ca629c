"""A volume's answer slice by slice: areas, predictions, and the slices to look at first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brainseg.diagnosis.lesions import lesions
from brainseg.diagnosis.slice_table import (
    area_table,
    class_table,
    first_slices,
    largest_slice,
    likely_slices,
    middle_voxel,
    slice_positions,
)
from brainseg.diagnosis.volume_classes import VolumeClasses, classify_volume
from brainseg.diagnosis.volume_mask import VolumeMask
from brainseg.models.trained_on import UNKNOWN
from brainseg.scans.volumes.slices import PLANES, slice_scans
from brainseg.scans.volumes.volume import Volume
from tests.diagnosis.conftest import draw_head
from tests.models.conftest import make_classifier

AFFINE = np.array([[1.5, 0, 0, -20], [0, 2.0, 0, -30], [0, 0, 4.0, -40], [0, 0, 0, 1]])


def answer_of(mask: np.ndarray, plane: str = "axial", affine: np.ndarray = AFFINE) -> VolumeMask:
    volume = Volume(np.zeros(mask.shape, np.float32), affine, "head", "NIfTI", mask.shape, "RAS")
    return VolumeMask(
        mask, volume, plane, {"tumour": 1.0}, lesions(mask > 0, affine), (), (3,), None, 1.0, "m", (), UNKNOWN, "", ""
    )


def two_lesions() -> np.ndarray:
    mask = np.zeros((20, 24, 32), np.uint8)
    mask[2:10, 3:9, 4:8] = 1
    mask[2:11, 3:9, 6] = 1
    mask[14:16, 20:22, 28] = 1
    return mask


@pytest.mark.parametrize(("plane", "pixel"), [("axial", 3.0), ("coronal", 6.0), ("sagittal", 8.0)])
def test_the_area_of_each_slice_is_in_mm(plane, pixel):
    mask = two_lesions()

    table = area_table(answer_of(mask, plane))

    counts = np.moveaxis(mask, PLANES[plane], 0).sum(axis=(1, 2))
    assert table["area_mm2"].tolist() == pytest.approx((counts * pixel).tolist())
    assert table["slice"].tolist() == list(range(1, len(counts) + 1))
    assert table["unlike"].tolist() == [place == 3 for place in range(len(counts))]
    thickness = {"axial": 4.0, "coronal": 2.0, "sagittal": 1.5}[plane]
    volume_ml = table["area_mm2"].sum() * thickness / 1000
    assert volume_ml == pytest.approx(mask.sum() * 12 / 1000)  # the curve's integral is the volume


def test_the_position_of_a_slice_is_that_of_its_centre():
    turned = np.array([[0.8, -0.6, 0, 3], [0.6, 0.8, 0, 5], [0, 0, 2.0, 7], [0, 0, 0, 1]])
    volume = Volume(np.zeros((5, 7, 9), np.float32), turned, "head", "NIfTI", (5, 7, 9), "RAS")

    for plane, axis in PLANES.items():
        index = [2.0, 3.0, 4.0]
        index[axis] = 1
        assert slice_positions(volume, plane)[1] == pytest.approx((turned @ [*index, 1])[axis])
    assert slice_positions(replace(volume, affine=None), "axial").tolist() == list(range(9))


def test_the_largest_slice_of_each_lesion_comes_first_then_others_at_a_distance():
    answer = answer_of(two_lesions())

    places = first_slices(answer)

    assert places[:2] == (6, 28)
    assert [largest_slice(answer.mask, lesion, "axial") for lesion in answer.lesions] == [6, 28]
    assert all(abs(place - other) >= 2 for place in places[2:] for other in places if place != other)
    assert set(places) <= {4, 5, 6, 7, 28}
    assert first_slices(answer, most=1) == (6,)
    assert first_slices(answer_of(np.zeros((4, 4, 4), np.uint8))) == ()


def test_the_crosshair_goes_to_a_marked_voxel_of_the_lesion():
    answer = answer_of(two_lesions())
    for lesion in answer.lesions:
        for plane, axis in PLANES.items():
            place = largest_slice(answer.mask, lesion, plane)
            voxel = middle_voxel(answer.mask, plane, place, lesion)
            assert voxel[axis] == place
            assert answer.mask[voxel]
            assert all(low <= at <= high for low, at, high in zip(lesion.first, voxel, lesion.last, strict=True))
    assert middle_voxel(answer.mask, "axial", 0) is None
    ring = np.zeros((9, 9, 1), np.uint8)
    ring[2:7, 2:7] = 1
    ring[3:6, 3:6] = 0
    assert ring[middle_voxel(ring, "axial", 0)], "the centre of a ring is not marked"


# ----------------------------------------------------------------------------------------------------- classifiers


@pytest.fixture(scope="module")
def classes(make_predictor) -> VolumeClasses:
    predictor = make_predictor(make_classifier(stages=(3, 4)), positive="yes")
    values = np.stack([draw_head(seed, 48, 40) for seed in range(6)], axis=-1).astype(np.float32)
    values[..., 2] = 0
    volume = Volume(values, AFFINE, "head", "NIfTI", values.shape, "RAS")
    told = []
    answer = classify_volume(predictor.diagnose, ("no", "yes"), [volume], progress=lambda *step: told.append(step))
    assert told == [(number, 6) for number in range(1, 7)]
    for index, scan in enumerate(slice_scans(volume, "axial")):
        alone = predictor.diagnose(scan) if scan.pixels.any() else None
        expected = [alone.probabilities[name] for name in ("no", "yes")] if alone else [np.nan, np.nan]
        assert np.allclose(answer.probabilities[index], expected, equal_nan=True)
        assert answer.labels[index] == (alone.label if alone else "")
    return answer


def test_each_slice_is_classified_as_it_is_alone_and_empty_ones_are_left_out(classes):
    table = class_table(classes)

    assert np.isnan(table["p_yes"][2])
    assert (table["label"][2], classes.labels[2]) == ("", "")
    assert np.allclose((table["p_no"] + table["p_yes"]).drop(2), 1)
    assert classes.counts.startswith("Of 5 slices that are not empty, the model predicts: ")


def test_slices_with_a_likely_tumour_come_first_without_those_unlike_the_training_images(classes):
    values = np.array([[0.1, 0.9], [0.4, 0.6], [np.nan, np.nan], [0.2, 0.8], [0.9, 0.1], [0.3, 0.7]])
    labels = ("yes", "yes", "", "yes", "no", "yes")
    answer = replace(classes, probabilities=values, labels=labels, unlike=(0,), positive="yes")

    assert likely_slices(answer) == (3, 5, 1)
    assert likely_slices(replace(answer, positive=None)) == ()
