"""`Scan`: a decoded image file with the facts about it that the rest of brainseg uses."""

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
        pixels: (H, W, 3) uint8, RGB, C-contiguous, read-only; upright (the file's orientation is applied).
        name: The file's base name, safe for display (see `display_name`).
        source_format: Format of the content, whatever the extension: "PNG", "JPEG", "BMP", "TIFF" or "GIF".
        mode: The pixel layout in the file, as Pillow names it: "1", "L", "LA", "P", "RGB", "RGBA", "I;16", "F", …
        size: (width, height) in pixels as stored, before the orientation is applied.
        sha256: Hash of the file's bytes, 64 hexadecimal digits.
        spacing: (row, column) distance of pixel centres in mm, or None if the format does not store it. DPI
            metadata is ignored: it is print size, not physical spacing.
        modality: For example "MR", or None if the format does not store it.
        warnings: Sentences for the user about what was left out or changed.
        orientation: The EXIF orientation of the file, 1 to 8, already applied to `pixels`; 1 if it has none.
        window: The values of the file that `pixels` shows as black and as white, see `pixels.find_window`; None for
            files with 8 bits per pixel.
        outliers: Number of values in the file that are far outside the window.
        full_range: (H, W) uint8, the file scaled from its smallest to its largest value; None if `window` is None.
        pages: Number of images in the file, of which only the first is read; counted up to `structure.MAX_PAGES`.
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
        """The warnings that differ between files: those about the window and the outliers."""
        window = (window_sentence(self.window),) if self.window else ()
        return window + ((outlier_sentence(self.outliers),) if self.outliers else ())

    def pixels_of(self, preparation_version: int) -> NDArray[np.uint8]:
        """Return the pixels that a version of the preparation uses: (H, W, 3) uint8.

        Version 1 had no window: it scaled files with more than 8 bits per pixel from their smallest to their largest
        value.
        """
        if preparation_version > 1 or self.full_range is None:
            return self.pixels
        return np.repeat(self.full_range[..., None], 3, axis=2)
