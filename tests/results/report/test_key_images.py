"""Key images: the outline lies where the lesion is, sides have their letters, and the bar has its length."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brainseg.diagnosis.lesions import lesions
from brainseg.diagnosis.mask_images import class_colour
from brainseg.results.report.key_images import (
    EDGE,
    LETTERS,
    SIDE,
    WHITE,
    View,
    centre_of,
    key_places,
    lesion_part,
)
from brainseg.scans.volumes.slices import PLANES, cut
from brainseg.scans.volumes.volume import Volume
from tests.results.report.conftest import AFFINE, answer_of, ball, head


@pytest.fixture(scope="module")
def view(two) -> View:
    answer = answer_of(two)
    return View.of(answer.volume, answer.mask)


def outlined(image: np.ndarray, number: int = 1) -> np.ndarray:
    """Return (x, y) of the pixels in the colour of a class."""
    rows, columns = np.nonzero((image == class_colour(number)).all(axis=2))
    return np.stack([columns, rows], axis=1)


@pytest.mark.parametrize("plane", PLANES)
def test_the_outline_surrounds_the_lesion_at_its_place_and_size(view, plane):
    centre = (44, 40, 18)
    drawn = outlined(view.draw(plane, centre[PLANES[plane]]))

    middle = view.position(plane, centre)
    distance = np.hypot(*(drawn - middle).T)
    # A ball of 12 mm, drawn from voxels of up to 4 mm.
    assert distance.max() <= (12 + 2.5) * view.scale + 1
    assert distance.min() >= (12 - 4) * view.scale
    assert np.abs((drawn.min(axis=0) + drawn.max(axis=0)) / 2 - middle).max() <= 2 * view.scale


def test_the_right_side_is_at_the_left_and_the_front_at_the_top(view):
    x, y = view.position("axial", (44, 40, 18))
    other_x, other_y = view.position("axial", (20, 18, 10))

    assert x < SIDE / 2 < other_x
    assert y < SIDE / 2 < other_y
    assert view.position("coronal", (44, 40, 25))[1] < view.position("coronal", (44, 40, 18))[1]
    assert view.position("sagittal", (44, 40, 18))[0] < view.position("sagittal", (44, 18, 18))[0]
    assert LETTERS == {"axial": "ALPR", "coronal": "SLIR", "sagittal": "SPIA"}


def test_a_place_is_where_its_voxel_is_drawn(view):
    array = np.zeros_like(view.volume.array)
    array[44, 40, 18] = 1
    dot = replace(view, volume=replace(view.volume, array=array), mask=np.zeros(array.shape, np.uint8), window=(0, 1))
    for plane, axis in PLANES.items():
        inner = dot.draw(plane, (44, 40, 18)[axis])[EDGE:-EDGE, EDGE:-EDGE, 0].astype(float)
        rows, columns = np.indices(inner.shape)
        found = np.array([(columns * inner).sum(), (rows * inner).sum()]) / inner.sum() + EDGE + 0.5
        assert found == pytest.approx(view.position(plane, (44, 40, 18)), abs=1)


@pytest.mark.parametrize("spacing", [(1.5, 2.0, 4.0), (0.4, 0.5, 0.6), (1.0, 1.0, 9.0)])
def test_the_bar_has_its_length_within_a_pixel(spacing):
    values = head()
    volume = Volume(values, np.diag([*spacing, 1.0]), "v", "NIfTI", values.shape, "RAS")
    view = View.of(volume, np.zeros(values.shape, np.uint8))
    extents = [(last - first + 1) * size for first, last, size in zip(view.first, view.last, spacing, strict=True)]
    assert view.scale == pytest.approx((SIDE - 2 * EDGE) / max(extents))

    for plane in PLANES:
        row = view.draw(plane, 15)[SIDE - EDGE // 2 - 1]
        white = (row == WHITE).all(axis=1)
        start = int(white.argmax())
        length = int((~white[start:]).argmax())
        assert abs(length - view.bar * view.scale) <= 1
        assert 0.05 * SIDE < length <= 0.31 * SIDE


def test_all_planes_have_one_scale_also_where_voxels_are_long(view):
    size = {plane: view._size(plane) for plane in PLANES}
    for number, (one, other) in enumerate([("axial", "coronal"), ("coronal", "sagittal"), ("sagittal", "axial")]):
        shared = (size[one][0], size[other][0]) if number == 0 else (size[one][1], size[other][1])
        if number < 2:
            assert shared[0] == shared[1]
    assert size["axial"][1] == size["sagittal"][0]


def test_the_head_fills_the_image(view):
    cropped = [last - first + 1 for first, last in zip(view.first, view.last, strict=True)]
    assert cropped == pytest.approx([53, 53, 27], abs=4)
    everything = View.of(view.volume, np.pad(np.ones((1, 1, 1), np.uint8), [(0, 63), (0, 59), (0, 29)]))
    assert everything.first == (0, 0, 0), "what is marked is never cut off"


def test_a_single_voxel_stays_visible_at_any_size():
    for shape in ((20, 20, 5), (600, 700, 5)):
        mask = np.zeros(shape, np.uint8)
        mask[11, 9, 2] = 1
        volume = Volume(np.ones(shape, np.float32), np.eye(4), "v", "NIfTI", shape, "RAS")
        view = View.of(volume, mask)
        drawn = outlined(view.draw("axial", 2))
        assert len(drawn)
        assert np.abs(drawn.mean(axis=0) - view.position("axial", (11, 9, 2))).max() <= max(2, view.scale)


def test_classes_have_outlines_of_their_own(two):
    mask = np.where(ball((44, 40, 18), 6), 2, two).astype(np.uint8)
    view = View.of(answer_of(mask, ("oedema", "core")).volume, mask)
    image = view.draw("axial", 18)

    assert len(outlined(image, 1)) > len(outlined(image, 2)) > 0


def test_key_slices_are_the_largest_one_and_those_through_the_centre(two):
    mask = two.copy()
    mask[40:56, 40, 18] = 1  # a spur towards the right, which moves the centre but not much
    first, second = lesions(mask > 0, AFFINE)

    for lesion in (first, second):
        part = lesion_part(mask, lesion)
        assert part.sum() == lesion.voxels
        at = centre_of(part, lesion)
        assert AFFINE[:3, :3] @ at == pytest.approx(lesion.centre)
        places = dict(key_places(mask, lesion, "coronal"))
        assert list(places) == ["coronal", "axial", "sagittal"]
        assert (places["axial"], places["sagittal"]) == (round(at[2]), round(at[0]))
        areas = [int(cut(part, "coronal", index).sum()) for index in range(part.shape[1])]
        assert areas[places["coronal"] - lesion.first[1]] == max(areas)


def test_a_lesion_is_told_apart_from_others_in_its_box():
    mask = np.zeros((12, 12, 3), np.uint8)
    mask[1:10, 1, 1] = mask[1, 1:10, 1] = 1
    mask[9, 9, 1] = mask[8, 8, 1] = 1  # within the box of the first
    mask[1, 9, 1] = 1
    large, small = lesions(mask > 0, np.eye(4))

    assert lesion_part(mask, large).sum() == large.voxels == 17
    assert lesion_part(mask, small).sum() == small.voxels == 2
