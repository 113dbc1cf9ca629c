"""Stores the masks of an evaluation as compressed bitmaps, each of which can be read separately."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from brainseg.errors import DataError
from brainseg.files import write_atomically

LARGEST = 25_000_000
"""Most pixels of a mask; larger than any scan that is read."""


class SavedMasks:
    """The masks of a file, in the order in which they were saved."""

    def __init__(self, shapes: np.ndarray, ends: np.ndarray, data: np.ndarray, planes: int) -> None:
        self._shapes, self._ends, self._data, self._planes = shapes, ends, data, planes

    def __len__(self) -> int:
        return len(self._shapes)

    def __getitem__(self, index: int) -> np.ndarray:
        """Return a mask, (H, W) uint8 class numbers.

        Raises:
            IndexError: The index is out of range.
            DataError: The file is damaged.
        """
        index = range(len(self))[index]
        height, width = (int(side) for side in self._shapes[index])
        start = int(self._ends[index - 1]) if index else 0
        size = -(-height * width // 8) * self._planes
        try:
            unpacker = zlib.decompressobj()
            packed = unpacker.decompress(self._data[start : int(self._ends[index])].tobytes(), size + 1)
        except zlib.error as error:
            raise DataError("The saved masks are damaged: evaluate the run again.") from error
        if len(packed) != size:
            raise DataError("The saved masks are damaged: evaluate the run again.")
        bits = np.frombuffer(packed, np.uint8).reshape(self._planes, -1)
        pixels = np.unpackbits(bits, axis=1, count=height * width)
        weights = (1 << np.arange(self._planes)).astype(np.uint8)
        mask: np.ndarray = (weights[:, None] * pixels).sum(axis=0, dtype=np.uint8).reshape(height, width)
        return mask


def save_masks(file: Path, masks: Iterable[np.ndarray], classes: int = 2) -> None:
    """Write masks, atomically; their sizes may differ.

    Args:
        file: The file, whose name ends in `.npz`; it holds only arrays, nothing that could run code.
        masks: (H, W) uint8 class numbers below `classes`.
        classes: Number of classes; each doubling takes one more bit per pixel, before compression.

    Raises:
        ValueError: A mask is not a two-dimensional uint8 array, or holds a class number that is too large.
    """
    planes = max(1, int(classes - 1).bit_length())
    shapes, parts = [], []
    for mask in masks:
        if mask.ndim != 2 or mask.dtype != np.uint8 or (mask.size and mask.max() >= classes):
            raise ValueError(f"A mask must be (H, W) uint8 below {classes}, got {mask.shape} {mask.dtype}.")
        shapes.append(mask.shape)
        bits = [np.packbits((mask.ravel() >> plane) & 1) for plane in range(planes)]
        parts.append(zlib.compress(b"".join(plane.tobytes() for plane in bits)))
    arrays: dict[str, np.ndarray] = {
        "shapes": np.array(shapes, dtype=np.int32).reshape(-1, 2),
        "ends": np.cumsum([len(part) for part in parts], dtype=np.int64),
        "data": np.frombuffer(b"".join(parts), np.uint8),
        "planes": np.array(planes, dtype=np.int64),
    }

    def write(temporary: Path) -> None:
        with temporary.open("wb") as stream:  # given a name, numpy would add an extension
            np.savez(stream, allow_pickle=False, **arrays)

    write_atomically(file, write)


def load_masks(file: Path) -> SavedMasks:
    """Read what `save_masks` wrote; a mask is unpacked only when it is indexed.

    Raises:
        DataError: The file does not exist, is damaged or holds something else.
    """
    try:
        with np.load(file, allow_pickle=False) as stored:
            shapes, ends, data, planes = (stored[name] for name in ("shapes", "ends", "data", "planes"))
    except FileNotFoundError as error:
        raise DataError(f"{file.name} does not exist: evaluate the run again.") from error
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
        raise DataError(f"{file.name} holds no saved masks: evaluate the run again.") from error
    sound = (
        shapes.ndim == 2
        and shapes.shape == (len(ends), 2)
        and all(array.dtype.kind in "iu" for array in (shapes, ends, planes))
        and data.dtype == np.uint8
        and (shapes > 0).all()
        and (shapes.astype(np.int64).prod(axis=1) <= LARGEST).all()
        and planes.shape == ()
        and 1 <= int(planes) <= 8
        and (np.diff(ends, prepend=0) >= 0).all()
        and (len(ends) == 0 or int(ends[-1]) == data.size)
    )
    if not sound:
        raise DataError(f"{file.name} is damaged: evaluate the run again.")
    return SavedMasks(shapes, ends, data, int(planes))
