"""Key images of a volume: slices with the outline of what is marked, letters for the sides and a bar for the scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import scipy
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from brainseg.diagnosis.images import text_font
from brainseg.diagnosis.lesions import Lesion
from brainseg.diagnosis.mask_images import mask_overlay
from brainseg.scans.pixels import stretch
from brainseg.scans.volumes.slices import PLANES, cut, pixel_spacing, volume_window
from brainseg.scans.volumes.volume import Volume

SIDE, EDGE = 560, 34
"""Pixels of the side of a key image, and of the black edge around its slice, which has the letters and the bar."""
LETTERS = {"axial": "ALPR", "coronal": "SLIR", "sagittal": "SPIA"}
"""Plane -> the sides of the patient at the top, right, bottom and left, as `slices.cut` returns slices."""
BARS = (200, 100, 50, 20, 10, 5, 2, 1)
"""Lengths of the bar in mm, of which the longest that fits is drawn."""
WHITE = (255, 255, 255)
_START, _LONGEST = 12, 0.3
_TICK = 10
_HEAD, _SHARE, _MARGIN = 0.08, 0.002, 0.02
_SAMPLE = 2**22
Place = tuple[float, float, float]
"""Indices of a voxel of `Volume.array`; halves lie between voxels."""


@dataclass(frozen=True, eq=False)
class View:
    """How the slices of a volume are drawn: all planes at the same scale.

    Attributes:
        volume: The volume.
        mask: (X, Y, Z) uint8 class numbers.
        window: Values shown as black and as white.
        first: First index along each axis that is drawn.
        last: Last index along each axis that is drawn.
        scale: Pixels per mm.
        bar: Length of the bar, in mm.
    """

    volume: Volume
    mask: NDArray[np.uint8]
    window: tuple[float, float]
    first: tuple[int, ...]
    last: tuple[int, ...]
    scale: float
    bar: int

    @classmethod
    def of(cls, volume: Volume, mask: NDArray[np.uint8]) -> View:
        """Choose window and scale so that the head, and all that is marked, fill the images.

        Args:
            volume: A volume that says how large its voxels are.
            mask: (X, Y, Z) uint8 class numbers.

        Raises:
            ValueError: It does not say so.
        """
        if volume.spacing is None:
            raise ValueError("A volume without a spacing has no key images.")
        window = volume_window(volume)
        first, last = _extent(volume.array, mask, window)
        sides = [(end - start + 1) * size for start, end, size in zip(first, last, volume.spacing, strict=True)]
        scale = (SIDE - 2 * EDGE) / max(sides)
        bar = next((length for length in BARS if length * scale <= _LONGEST * SIDE), BARS[-1])
        return cls(volume, mask, window, first, last, scale, bar)

    def draw(self, plane: str, index: int, at: Place | None = None) -> NDArray[np.uint8]:
        """Draw a slice, centred on black.

        Args:
            plane: A key of `PLANES`.
            index: Place along the plane's axis.
            at: A place in the volume that ticks at the edges point to.

        Returns:
            (SIDE, SIDE, 3) uint8 RGB.
        """
        box = tuple(slice(start, end + 1) for start, end in zip(self.first, self.last, strict=True))
        place = index - self.first[PLANES[plane]]
        grey = stretch(cut(self.volume.array[box], plane, place), *self.window)
        size = self._size(plane)
        left, top = (SIDE - size[0]) // 2, (SIDE - size[1]) // 2
        inner = slice(top, top + size[1]), slice(left, left + size[0])
        square, marks = np.zeros((SIDE, SIDE, 3), np.uint8), np.zeros((SIDE, SIDE), np.uint8)
        square[inner] = _fitted(grey, size)[..., None]
        marks[inner] = _fitted_mask(cut(self.mask[box], plane, place), size)
        square = mask_overlay(square, marks, fill=False)
        return self._labelled(square, plane, self.position(plane, at) if at else None)

    def position(self, plane: str, place: Place) -> tuple[float, float]:
        """Return where a place of the volume lies on the image of a plane, (x, y) in pixels from the top left."""
        width, height = self._size(plane)
        across, along = (axis for axis in range(3) if axis != PLANES[plane])
        # The slice is mirrored both ways: its columns and rows run towards smaller indices.
        x = (self.last[across] + 0.5 - place[across]) / (self.last[across] - self.first[across] + 1)
        y = (self.last[along] + 0.5 - place[along]) / (self.last[along] - self.first[along] + 1)
        return (SIDE - width) // 2 + x * width, (SIDE - height) // 2 + y * height

    def _size(self, plane: str) -> tuple[int, int]:
        """Return the width and height of the slice on the image, in pixels."""
        spacing = pixel_spacing(self.volume, plane) or (1.0, 1.0)
        across, along = (self.last[axis] - self.first[axis] + 1 for axis in range(3) if axis != PLANES[plane])
        return max(1, round(across * spacing[1] * self.scale)), max(1, round(along * spacing[0] * self.scale))

    def _labelled(self, square: NDArray[np.uint8], plane: str, at: tuple[float, float] | None) -> NDArray[np.uint8]:
        image = Image.fromarray(square)
        draw, font = ImageDraw.Draw(image), text_font(24)
        middle, near, far = SIDE // 2, EDGE // 2, SIDE - EDGE // 2 - 1
        places = ((middle, near), (far, middle), (middle, far), (near, middle))
        for letter, place in zip(LETTERS[plane], places, strict=True):
            draw.text(place, letter, WHITE, font, anchor="mm")
        length = round(self.bar * self.scale)
        draw.rectangle((_START, far - 1, _START + length - 1, far + 1), WHITE)
        draw.text((_START + length + 8, far), f"{self.bar} mm", WHITE, text_font(20), anchor="lm")
        if at:
            x, y = round(at[0]), round(at[1])
            for start, end in (
                ((x, EDGE), (x, EDGE + _TICK)),
                ((x, SIDE - EDGE - _TICK - 1), (x, SIDE - EDGE - 1)),
                ((EDGE, y), (EDGE + _TICK, y)),
                ((SIDE - EDGE - _TICK - 1, y), (SIDE - EDGE - 1, y)),
            ):
                draw.line((start, end), WHITE, 2)
        return np.asarray(image)


def key_places(mask: NDArray[np.uint8], lesion: Lesion, plane: str) -> Iterator[tuple[str, int]]:
    """Yield the plane and the place of the three slices that show a lesion.

    In the given plane, the slice on which its area is largest (the middle one of equals); in the others, the slice
    through its centre.

    Args:
        mask: (X, Y, Z) uint8 class numbers.
        lesion: One of its lesions.
        plane: The plane in which the slices were marked.
    """
    part = lesion_part(mask, lesion)
    centre = centre_of(part, lesion)
    for name in (plane, *(other for other in PLANES if other != plane)):
        axis = PLANES[name]
        areas = part.sum(axis=tuple(other for other in range(3) if other != axis))
        largest = np.flatnonzero(areas == areas.max())
        yield name, lesion.first[axis] + int(largest[len(largest) // 2]) if name == plane else round(centre[axis])


def lesion_part(mask: NDArray[np.uint8], lesion: Lesion) -> NDArray[np.bool_]:
    """Return a lesion alone, as bool within the box from its first to its last voxel."""
    box = tuple(slice(start, end + 1) for start, end in zip(lesion.first, lesion.last, strict=True))
    numbers, _ = scipy.ndimage.label(mask[box] > 0, structure=np.ones((3, 3, 3)))
    whole = tuple(slice(0, size) for size in numbers.shape)
    for number, place in enumerate(scipy.ndimage.find_objects(numbers), start=1):
        part: NDArray[np.bool_] = numbers == number
        # Parts of other lesions may lie in the box; only the lesion itself fills it from side to side.
        if place == whole and int(part.sum()) == lesion.voxels:
            return part
    raise ValueError("The mask does not have this lesion.")


def centre_of(part: NDArray[np.bool_], lesion: Lesion) -> Place:
    """Return the centre of mass of a lesion, from `lesion_part`, as indices of the volume."""
    x, y, z = (start + middle for start, middle in zip(lesion.first, scipy.ndimage.center_of_mass(part), strict=True))
    return float(x), float(y), float(z)


def _extent(
    array: NDArray[np.float32], mask: NDArray[np.uint8], window: tuple[float, float]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the first and the last index along each axis of the head and of all that is marked."""
    step = max(1, round((array.size / _SAMPLE) ** (1 / 3)))
    bright = array[::step, ::step, ::step] > window[0] + _HEAD * (window[1] - window[0])
    first, last = [], []
    for axis, count in enumerate(array.shape):
        others = tuple(other for other in range(3) if other != axis)
        seen = np.flatnonzero(bright.mean(axis=others) > _SHARE) * step
        marked = np.flatnonzero((mask > 0).any(axis=others))
        places = np.concatenate([seen, seen + step - 1, marked]) if len(seen) else np.array([0, count - 1])
        margin = round(_MARGIN * count)
        first.append(max(0, int(places.min()) - margin))
        last.append(min(count - 1, int(places.max()) + margin))
    return tuple(first), tuple(last)


def _fitted(grey: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a grey slice in another size, (width, height)."""
    shrinks = size[0] < grey.shape[1] or size[1] < grey.shape[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(np.ascontiguousarray(grey), size, interpolation=method), np.uint8)


def _fitted_mask(mask: NDArray[np.generic], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a mask in another size, one class after the other: a value between two numbers could be a third class."""
    smooth = size[0] >= 2 * mask.shape[1] and size[1] >= 2 * mask.shape[0]
    fitted = np.zeros((size[1], size[0]), np.uint8)
    for number in sorted(set(np.unique(mask).tolist()) - {0}):
        part = (mask == number).astype(np.float32)
        share = cv2.resize(part, size, interpolation=cv2.INTER_LINEAR if smooth else cv2.INTER_AREA)
        # A single voxel has to stay visible: where the slice hardly grows, or shrinks, whatever has a share counts.
        fitted[share >= 0.5 if smooth else share > 0] = number
    return fitted
