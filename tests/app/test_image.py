"""Images on pages: nothing is lost, and grey ones need a third of the bytes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from brainseg.app.widgets.image import png

GREY = np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8)
COLOURED = np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8)


@pytest.mark.parametrize(
    ("pixels", "mode"),
    [(GREY, "L"), (np.repeat(GREY[..., None], 3, axis=2), "L"), (COLOURED, "RGB"), (COLOURED[::2, ::-1], "RGB")],
)
def test_a_png_has_every_pixel(pixels: np.ndarray, mode: str) -> None:
    opened = Image.open(io.BytesIO(png(pixels)))
    assert (opened.format, opened.mode) == ("PNG", mode)
    wanted = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    np.testing.assert_array_equal(np.asarray(opened.convert("RGB")), wanted)
