"""Landmarks of thumbnails, and which images share some: candidates for copies that were cropped, shifted or turned.

A landmark is a SIFT keypoint: a spot with its own place, size, direction and a description of its surroundings that
does not depend on brightness and contrast. A crop removes those near the border and keeps all others, so it needs no
guess of where the head ends, and text on the margin only adds a few. An index finds for each landmark the ones
that look most like it in other images. Two images are candidates if several of their landmarks look alike and agree on
one turn and one scale. The index may miss some of the nearest landmarks, which does not matter: copies share a dozen.

Source of the descriptions: D. Lowe, Distinctive image features from scale-invariant keypoints, 2004; their square
roots: R. Arandjelovic and A. Zisserman, Three things everyone should know to improve object retrieval, 2012; the check
of turns and scales: H. Jegou et al., Hamming embedding and weak geometric consistency, 2008.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace

import cv2
import numpy as np

from brainseg.datasets.near_turns import BY_ANGLE, TURNS

MOST = 32
"""Most landmarks of one image: those with the highest contrast."""

SHARED = 3
"""Fewest landmarks that two candidates share. Of 1,218 planted copies that were found with 3, 1 % share only 3, as most
pairs of other images do."""

_CELLS, _DIRECTIONS = 4, 8
_KEPT = 10
"""Numbers per description in the index: its principal components. More make the index slow and find hardly more."""

_NEAREST = 8
"""Landmarks that are compared with each one."""

_SLACK = 1.0
"""A landmark may be up to this much farther away than the nearest ones, as a proportion, to be taken for them."""

_SAMPLED = 2000
"""Images from which the principal components are computed."""

_BLOCK = 256
"""Images whose landmarks one thread finds at a time."""

_QUERIES = 65_536
"""Landmarks that are looked up at a time, to limit memory."""

_ANGLE, _SIZE, _SHIFT = 18.0, 0.6, 0.3
"""Largest differences of landmarks that agree: in degrees from a quarter turn, in octaves, and in sides of the image.
Cropping a tenth of each side moves and enlarges everything by up to a quarter."""


@dataclass(frozen=True)
class Landmarks:
    """The landmarks of many images, M in all.

    Attributes:
        owner: (M,) int64, the row of the image.
        place: (M, 2) float32, x and y from the middle, in sides of the image.
        angle: (M,) float32, direction in degrees, clockwise from the right.
        size: (M,) float32, binary logarithm of the size in pixels.
        mirrored: (M,) bool, whether `description` is that of the mirror image, see `_one_hand`.
        description: (M, 128) float32 of length 1, or its principal components.
    """

    owner: np.ndarray
    place: np.ndarray
    angle: np.ndarray
    size: np.ndarray
    mirrored: np.ndarray
    description: np.ndarray


@dataclass(frozen=True)
class Candidate:
    """Two images that share landmarks.

    Attributes:
        first: Row of the first image.
        second: Row of the second image, which is the larger one.
        turn: Place in `TURNS` of the turn that brings the second image to the first.
        ours: (K, 2) float64, places of the landmarks in the first image, from its middle, in sides.
        theirs: (K, 2) float64, places of the same landmarks in the turned second image.
    """

    first: int
    second: int
    turn: int
    ours: np.ndarray
    theirs: np.ndarray


def sharing(thumbnails: np.ndarray, rows: np.ndarray) -> Iterator[Candidate]:
    """Yield the pairs of images that share landmarks, sorted by row numbers.

    Args:
        thumbnails: (N, SIDE, SIDE) uint8.
        rows: The row numbers to search.
    """
    if len(rows) < 2:
        return
    found = _all_landmarks(thumbnails, rows)
    if len(found.owner) <= _NEAREST:
        return
    first, second = _alike(found)
    turn, ours, theirs, _ = _laid(found, first, second)
    keys = np.stack([found.owner[first], found.owner[second], turn], axis=1)
    order = np.lexsort((keys[:, 2], keys[:, 1], keys[:, 0]))
    keys, ours, theirs = keys[order], ours[order], theirs[order]
    if not len(keys):
        return
    starts = np.flatnonzero(np.append(True, (keys[1:] != keys[:-1]).any(axis=1)))
    ends = np.append(starts[1:], len(keys))
    enough = ends - starts >= SHARED  # nearly all pairs of images share only one or two, by chance
    for start, end in zip(starts[enough].tolist(), ends[enough].tolist(), strict=True):
        one, two, number = keys[start].tolist()
        yield Candidate(one, two, number, ours[start:end], theirs[start:end])


def landmarks(thumbnails: np.ndarray, rows: np.ndarray) -> Landmarks:
    """Return the landmarks of some thumbnails with their whole descriptions.

    Args:
        thumbnails: (N, SIDE, SIDE) uint8.
        rows: The row numbers of those to use.
    """
    finder = cv2.SIFT.create(nfeatures=MOST, contrastThreshold=0.005, edgeThreshold=40, sigma=1.3)
    owner, spots, descriptions = [], [], [np.empty((0, _CELLS * _CELLS * _DIRECTIONS), np.float32)]
    for row in rows:
        points, described = finder.detectAndCompute(thumbnails[row], None)
        points = points[:MOST]  # one place may have two directions, which count twice
        owner += [row] * len(points)
        spots += [(*point.pt, point.angle, point.size) for point in points]
        if len(points):
            descriptions.append(described[: len(points)])
    table = np.array(spots, dtype=np.float32).reshape(-1, 4)
    whole = np.concatenate(descriptions)
    whole = np.sqrt(whole / np.maximum(whole.sum(axis=1, keepdims=True), 1e-6))
    description, mirrored = _one_hand(whole)
    place = (table[:, :2] + 0.5) / thumbnails.shape[1] - 0.5
    size = np.log2(np.maximum(table[:, 3], 1e-3))
    return Landmarks(np.array(owner, dtype=np.int64), place, table[:, 2], size, mirrored, description)


def _one_hand(descriptions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return descriptions that an image and its mirror image share, and which of them were mirrored for that.

    Of a description and that of the mirror image, the one with more contrast on its second side is used. If both sides
    are about equal, the two images may choose differently, and the landmark is lost.
    """
    cells = descriptions.reshape(-1, _CELLS, _CELLS, _DIRECTIONS)
    mirrored = (cells[:, : _CELLS // 2] ** 2).sum(axis=(1, 2, 3)) < 0.5
    other = cells[:, ::-1][..., -np.arange(_DIRECTIONS) % _DIRECTIONS].reshape(descriptions.shape)
    return np.where(mirrored[:, None], other, descriptions), mirrored


def _all_landmarks(thumbnails: np.ndarray, rows: np.ndarray) -> Landmarks:
    """Return the landmarks of the rows with the principal components of their descriptions."""
    step = max(1, len(rows) // _SAMPLED)
    with ThreadPoolExecutor(max_workers=4) as pool:  # OpenCV releases the interpreter lock

        def found(some: np.ndarray, change: Callable[[Landmarks], Landmarks]) -> Landmarks:
            starts = range(0, len(some), _BLOCK)
            return _joined(
                list(pool.map(lambda start: change(landmarks(thumbnails, some[start : start + _BLOCK])), starts))
            )

        whole = found(rows[::step], lambda part: part)
        middle = whole.description.mean(axis=0) if len(whole.owner) else np.zeros(whole.description.shape[1])
        scatter = (whole.description - middle).T @ (whole.description - middle)
        axes = np.linalg.eigh(scatter.astype(np.float64))[1][:, ::-1][:, :_KEPT].astype(np.float32)

        def short(part: Landmarks) -> Landmarks:
            return replace(part, description=((part.description - middle) @ axes).astype(np.float32))

        rest = np.delete(rows, np.s_[::step])
        if not len(rest):
            return short(whole)
        return _sorted_by_owner(_joined([short(whole), found(rest, short)]))


def _joined(parts: Sequence[Landmarks]) -> Landmarks:
    return Landmarks(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Landmarks)))


def _sorted_by_owner(found: Landmarks) -> Landmarks:
    order = np.argsort(found.owner, kind="stable")
    return Landmarks(*(getattr(found, field.name)[order] for field in fields(Landmarks)))


def _alike(found: Landmarks) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of landmarks of different images that look alike and may lie on each other, smaller row first."""
    from scipy.spatial import KDTree  # imported here, since it is slow to import

    index = KDTree(found.description, balanced_tree=False, compact_nodes=False)
    count = len(found.owner)
    pairs = []
    for start in range(0, count, _QUERIES):
        asked = np.arange(start, min(start + _QUERIES, count))
        _, nearest = index.query(found.description[asked], k=_NEAREST + 1, eps=_SLACK, workers=-1)
        ends = np.stack([np.repeat(asked, _NEAREST + 1), nearest.ravel()])
        ends = ends[:, found.owner[ends[0]] != found.owner[ends[1]]]
        ends = np.where(found.owner[ends[0]] < found.owner[ends[1]], ends, ends[::-1])
        ends = ends[:, _laid(found, *ends)[-1]]
        pairs.append(ends[0] * count + ends[1])
    both = np.unique(np.concatenate(pairs))
    return both // count, both % count


def _laid(
    found: Landmarks, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Turn each second landmark by quarter turns so that it points like the first one.

    Returns:
        The turns as places in `TURNS`; the places of the first landmarks and of the turned second ones, (K, 2) float64;
        and whether direction, size and place agree.
    """
    mirrored = found.mirrored[first] != found.mirrored[second]
    turned = found.angle[first] - np.where(mirrored, 180 - found.angle[second], found.angle[second])
    quarters = np.round(turned / 90)
    turn: np.ndarray = BY_ANGLE[mirrored.astype(np.int64), quarters.astype(np.int64) % 4]
    matrices = np.stack([each.matrix for each in TURNS])
    ours = found.place[first].astype(np.float64)
    theirs = np.einsum("nij,nj->ni", matrices[turn], found.place[second])
    agree = (np.abs(turned - 90 * quarters) < _ANGLE) & (np.abs(found.size[first] - found.size[second]) < _SIZE)
    return turn, ours, theirs, agree & (np.abs(ours - theirs) < _SHIFT).all(axis=1)
