"""Volumes and masks as bytes that the viewer in the browser unpacks, and masks that come back from it."""

from __future__ import annotations

import base64
import binascii
import json
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainseg.errors import ScanError
from brainseg.scans.volumes.slices import volume_window
from brainseg.scans.volumes.volume import Volume

MOST_VOXELS = 100 * 10**6
"""Most voxels that are sent to a browser: 200 MB in its memory."""
_GZIP = 31
"""The kind of zlib's data that browsers call gzip."""
_FAST = 1
_LEVELS = 2**16
_AROUND = 8
"""Values further from the window than this many of its widths are shown as the nearest that is not."""
_BROKEN = "The corrected mask did not arrive whole: keep it once more."


@dataclass(frozen=True, eq=False)
class Coded:
    """Values as whole numbers: a value is `low + code * step`.

    Attributes:
        codes: (X, Y, Z) uint8 or uint16.
        low: The value of code 0.
        step: Difference between the values of two neighbouring codes.
    """

    codes: NDArray[np.uint8] | NDArray[np.uint16]
    low: float
    step: float


def coded(volume: Volume) -> Coded:
    """Return the values of a volume as codes: exactly for whole numbers in a range of 65,536, else in as many levels.

    A single far outlier does not take the levels from the other values: it is clipped.
    """
    values = volume.array
    low, high = float(values.min()), float(values.max())
    if high - low < _LEVELS and np.array_equal(values, np.rint(values)):
        codes = (values - low).astype(np.uint16)
        return Coded(codes.astype(np.uint8) if high - low < 256 else codes, low, 1.0)
    black, white = volume_window(volume)
    reach = _AROUND * (white - black)
    if reach > 0:
        low, high = max(low, black - reach), min(high, white + reach)
    step = (high - low) / (_LEVELS - 1) or 1.0
    scaled = (np.clip(values, low, high) - np.float32(low)) / np.float32(step)
    return Coded(np.rint(scaled).clip(0, _LEVELS - 1).astype(np.uint16), low, step)


def pack_volume(volume: Volume, key: str) -> bytes:
    """Return a volume for the browser.

    Four bytes with the length of a header, the header as JSON, and the compressed codes of the voxels, the first index
    fastest: the low bytes of all of them, then the high bytes if they have two.

    Args:
        volume: The volume.
        key: Its id in the browser.

    Raises:
        ScanError: It is too large for a browser.
    """
    if volume.array.size > MOST_VOXELS:
        raise ScanError(
            f"{volume.name} has more than {MOST_VOXELS // 10**6} million voxels, which is too large to be shown in a "
            "browser: it can still be marked."
        )
    found = coded(volume)
    codes = found.codes.ravel(order="F")
    planes = [(codes & 255).astype(np.uint8), (codes >> 8).astype(np.uint8)][: codes.dtype.itemsize]
    facts = {"id": key, "shape": volume.array.shape, "low": found.low, "step": found.step, "planes": len(planes)}
    header = json.dumps(facts).encode()
    return struct.pack("<I", len(header)) + header + _gzip(b"".join(plane.tobytes() for plane in planes), _FAST)


def pack_mask(mask: NDArray[np.uint8]) -> str:
    """Return a mask, (X, Y, Z) uint8, as text: compressed, the first index fastest, in base 64."""
    return base64.b64encode(_gzip(mask.tobytes(order="F"), _FAST)).decode()


def unpack_mask(text: object, shape: tuple[int, ...], classes: int) -> NDArray[np.uint8]:
    """Return a mask that came from the browser as `pack_mask` packs it, (X, Y, Z) uint8.

    Args:
        text: What came; anything else than such a text is refused.
        shape: The shape that it must have.
        classes: The largest class number that it may hold.

    Raises:
        ScanError: It is damaged, of another size, or holds other values.
    """
    count = int(np.prod(shape))
    if not isinstance(text, str):
        raise ScanError(_BROKEN)
    try:
        unpacker = zlib.decompressobj(_GZIP)
        content = unpacker.decompress(base64.b64decode(text, validate=True), count + 1)  # never more than it should be
    except (binascii.Error, zlib.error, ValueError) as error:
        raise ScanError(_BROKEN) from error
    if len(content) != count or not unpacker.eof:
        raise ScanError(_BROKEN)
    mask = np.frombuffer(content, np.uint8).reshape(shape, order="F")
    if mask.max(initial=0) > classes:
        raise ScanError(_BROKEN)
    return np.ascontiguousarray(mask)


def _gzip(content: bytes, level: int) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, _GZIP)
    return packer.compress(content) + packer.flush()
