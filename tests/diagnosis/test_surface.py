from __future__ import annotations

import numpy as np
import pytest

from brainseg.diagnosis.lesions import lesions
from brainseg.diagnosis.surface import Surface, head_surface, lesion_surfaces, surface
from brainseg.scans.volumes.volume import Volume

AFFINE = np.array([[0, -2.0, 0, 5], [1.5, 0, 0, -7], [0, 0, 4.0, 3], [0, 0, 0, 1]])


def enclosed(found: Surface) -> float:
    """Return the volume that a closed surface encloses, by the divergence theorem; negative if it is inside out."""
    one, two, three = (found.vertices[found.triangles[:, place]].astype(float) for place in range(3))
    return float((one * np.cross(two, three)).sum() / 6)


def closed(found: Surface) -> bool:
    """Return whether each edge is passed as often one way as the other, which only a closed surface has."""
    edges = np.concatenate([found.triangles[:, pair] for pair in ([0, 1], [1, 2], [2, 0])])
    ways, counts = np.unique(edges, axis=0, return_counts=True)
    known = {tuple(way): count for way, count in zip(ways.tolist(), counts.tolist(), strict=True)}
    return all(known.get((b, a)) == count for (a, b), count in known.items())


def ball(size: int, radius: float) -> np.ndarray:
    grid = np.indices((size, size, size)) - (size - 1) / 2
    return (np.sqrt((grid**2).sum(axis=0)) < radius).astype(np.float32)


@pytest.mark.parametrize("affine", [np.eye(4), AFFINE, np.diag([-1.0, 2.0, 3.0, 1.0])])
@pytest.mark.parametrize(("most", "tolerance"), [(64, 0.05), (16, 0.08)])
def test_a_ball_has_a_closed_surface_around_its_volume_and_at_its_place(affine, most, tolerance):
    values = ball(41, 15)

    found = surface(values, affine, most)

    true = 4 / 3 * np.pi * 15**3 * abs(np.linalg.det(affine[:3, :3]))
    assert closed(found)
    assert enclosed(found) == pytest.approx(true, rel=tolerance)
    assert np.allclose(found.vertices.mean(axis=0), (affine @ [20, 20, 20, 1])[:3], atol=0.5)


def test_lesions_come_largest_first_each_at_its_own_place():
    mask = np.zeros((30, 30, 12), bool)
    mask[2:4, 3:5, 2:4] = True
    mask[10:25, 12:20, 5:10] = True

    surfaces, known = list(lesion_surfaces(mask, AFFINE)), lesions(mask, AFFINE)

    assert len(surfaces) == len(known) == 2
    for found, lesion in zip(surfaces, known, strict=True):
        assert closed(found)
        assert 0.4 < enclosed(found) / 1000 / lesion.ml <= 1.01
        assert np.allclose((found.vertices.min(axis=0) + found.vertices.max(axis=0)) / 2, lesion.centre, atol=1e-3)


def test_nothing_marked_has_no_surface():
    assert list(lesion_surfaces(np.zeros((5, 5, 5), bool), AFFINE)) == []


def test_the_head_is_one_surface_without_its_holes():
    values = 100 * ball(80, 30) - 100 * ball(80, 10)
    values[2, 2, 2] = 100  # noise outside the head
    volume = Volume(values, np.diag([2.0, 2.0, 2.0, 1.0]), "head", "NIfTI", values.shape, "RAS")

    found = head_surface(volume)

    assert closed(found)
    assert enclosed(found) == pytest.approx(4 / 3 * np.pi * 60**3, rel=0.06)


def test_an_even_volume_has_no_head():
    values = np.zeros((8, 8, 8), np.float32)
    assert head_surface(Volume(values, np.eye(4), "none", "NIfTI", values.shape, "RAS")) is None
