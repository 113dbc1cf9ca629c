"""Images on pages: as PNG, so that nothing of a slice is lost, and encoded quickly."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import streamlit as st
from streamlit.elements.lib.layout_utils import Width

_QUICK = (cv2.IMWRITE_PNG_COMPRESSION, 1)
"""Streamlit's own compression takes five times as long, longer than the model's answer, and saves a seventh."""


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Return (H, W) or (H, W, 3) uint8 RGB pixels as PNG; with one channel if all three are the same."""
    grey = np.ascontiguousarray(pixels if pixels.ndim == 2 else pixels[..., 0])
    coloured = pixels.ndim == 3 and bool((pixels != grey[..., None]).any())
    _, data = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if coloured else grey, _QUICK)
    return data.tobytes()


def draw_png(
    image: npt.NDArray[np.uint8] | bytes, alt: str, caption: str | None = None, width: Width = "stretch"
) -> None:
    """Draw an image.

    Args:
        image: As for `png`, or a PNG file.
        alt: What it shows, for those who cannot see it.
        caption: Markdown below it.
        width: In pixels, "stretch" for that of its place, or "content" for its own.
    """
    data = image if isinstance(image, bytes) else png(image)
    # Without a format, Streamlit would encode PNG as JPEG at each drawing of the page.
    st.image(data, caption=caption, width=width, alt=alt, output_format="PNG")
