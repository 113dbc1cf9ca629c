"""`Scan`: what the rest of brainseg knows of an image file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainseg.scans.pixels import outlier_sentence, window_sentence


@dataclass(frozen=True, eq=False, slots=True)
class Scan:
    """One two-dimensional image and where it came from.

    All downstream code assumes 2-D slices.

    Attributes:
        pixels: (H, W, 3) uint8, RGB, C-contiguous, read-only; upright, that is with the file's orientation applied.
        name: The file's base name, fit for display (see `display_name`).
        source_format: What the content is, whatever the extension says: "PNG", "JPEG", "BMP", "TIFF" or "GIF".
        mode: The pixel layout in the file, as Pillow names it: "1", "L", "LA", "P", "RGB", "RGBA", "I;16", "F", …
        size: (width, height) in pixels as stored, before the orientation is applied.
        sha256: Hash of the file's bytes, 64 hexadecimal digits.
        spacing: (row, column) distance of pixel centres in mm, or None where the format does not know. DPI
            metadata is ignored: it is print size, not physical spacing.
        modality: Such as "MR", or None where the format does not know.
        warnings: Sentences for the user about what was left out or changed.
        orientation: The EXIF orientation of the file, 1 to 8, which `pixels` have applied; 1 where it has none.
        window: The values of the file that `pixels` show as black and as white, see `pixels.find_window`; None where it
            has 8 bits per pixel.
        outliers: How many single values of the file lie far outside the window.
        full_range: (H, W) uint8, such a file from its smallest to its largest value; None where `window` is.
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
    window: tuple[float, float] | None = None
    outliers: int = 0
    full_range: NDArray[np.uint8] | None = None

    @property
    def pixel_warnings(self) -> tuple[str, ...]:
        """Those of the warnings that differ from file to file: the window and the outliers."""
        window = (window_sentence(self.window),) if self.window else ()
        return window + ((outlier_sentence(self.outliers),) if self.outliers else ())

    def pixels_of(self, preparation_version: int) -> NDArray[np.uint8]:
        """Return the pixels as a version of the preparation sees them: (H, W, 3) uint8.

        Version 1 knew no window: it showed files with more than 8 bits a pixel from their smallest to largest value.
        """
        if preparation_version > 1 or self.full_range is None:
            return self.pixels
        return np.repeat(self.full_range[..., None], 3, axis=2)
