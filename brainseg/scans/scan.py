"""What the rest of brainseg knows of an image file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, slots=True)
class Scan:
    """One two-dimensional image and where it came from.

    A reader of volumes yields one `Scan` a slice and adds the slice's number here; nothing below this line of the house
    sees anything but slices.

    Attributes:
        pixels: (H, W, 3) uint8, RGB, C-contiguous, read-only; upright, that is with the file's orientation applied.
        name: The file's base name, fit for display (see `display_name`).
        source_format: What the content is, whatever the extension says: "PNG", "JPEG", "BMP", "TIFF" or "GIF".
        mode: The pixel layout in the file, as Pillow names it: "1", "L", "LA", "P", "RGB", "RGBA", "I;16", "F", …
        size: (width, height) in pixels as stored, before the orientation is applied.
        sha256: Hash of the file's bytes, 64 hexadecimal digits.
        spacing: (row, column) distance of pixel centres in mm, or None where the format does not know. The dots
            per inch of a picture file are a wish about printing and never end up here.
        modality: Such as "MR", or None where the format does not know.
        warnings: Sentences for the user about what was left out or changed.
        orientation: The EXIF orientation of the file, 1 to 8, which `pixels` have applied; 1 where it has none.
        pages: Pictures in the file, of which only the first is read; counted up to `structure.MAX_PAGES`.
    """

    pixels: NDArray[np.uint8]
    name: str
    source_format: str
    mode: str
    size: tuple[int, int]
    sha256: str
    spacing: tuple[float, float] | None = None
    modality: str | None = None
    warnings: tuple[str, ...] = ()
    orientation: int = 1
    pages: int = 1
