"""The hardest cases of a run on one sheet: each image with its true class, its predicted class and its loss."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
from PIL import Image, ImageDraw

from brainseg import DISCLAIMER
from brainseg.diagnosis.calibrated import write_value
from brainseg.diagnosis.images import shorten, text_font

SIDE = 260
"""Width and height of the space for an image, in pixels."""
IMAGE_SIDE = SIDE - 12
"""Side of an image, in pixels."""
TEXT = 66
"""Height of the text below an image, in pixels."""
COLUMNS = 3
GREY, WHITE, DARK = (170, 170, 175), (235, 235, 235), (24, 24, 28)


def hardest_sheet(cases: pd.DataFrame, images: Sequence[Image.Image | None]) -> Image.Image:
    """Draw the hardest cases.

    Args:
        cases: From `evaluation.hardest.hardest_cases`.
        images: For each case its image, `IMAGE_SIDE` pixels wide and high; None leaves its place empty.
    """
    rows = -(-len(cases) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * SIDE, rows * (SIDE + TEXT) + 24), DARK)
    for place, (case, image) in enumerate(zip(cases.to_dict(orient="records"), images, strict=True)):
        left, top = place % COLUMNS * SIDE, place // COLUMNS * (SIDE + TEXT)
        _draw_case(sheet, left, top, image, case)
    ImageDraw.Draw(sheet).text((8, sheet.height - 22), DISCLAIMER, GREY, text_font(12))
    return sheet


def _draw_case(
    sheet: Image.Image, left: int, top: int, image: Image.Image | None, case: Mapping[Hashable, Any]
) -> None:
    font = text_font(13)
    if image:
        sheet.paste(image, (left + 6, top + 6))
    else:
        ImageDraw.Draw(sheet).text((left + 12, top + SIDE // 2), "image moved or changed", GREY, font)
    score = case[f"p_{case['prediction']}"]
    lines = [
        str(case["path"]),
        f"actual {case['label']}, predicted {case['prediction']}",
        f"score {write_value(score)}, loss {case['loss']:.2f}",
    ]
    for row, line in enumerate(lines):
        text = shorten(line, font, SIDE - 16)
        ImageDraw.Draw(sheet).text((left + 8, top + SIDE + row * 20), text, WHITE if row else GREY, font)
