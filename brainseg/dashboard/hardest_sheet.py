"""The hardest cases of a run as one picture: each image with what it is, what it was called and its loss."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from PIL import Image, ImageDraw

from brainseg import DISCLAIMER
from brainseg.diagnosis.picture import save_png, shorten, text_font
from brainseg.diagnosis.words import percent
from brainseg.errors import ScanError
from brainseg.jobs.reading import run_file
from brainseg.runs import Run, RunStore
from brainseg.scans import read_scan

SIDE = 260
TEXT = 66
COLUMNS = 3
GREY, WHITE, DARK = (170, 170, 175), (235, 235, 235), (24, 24, 28)


def hardest_sheet(store: RunStore, run: Run, file: Path) -> list[Path]:
    """Draw the hardest cases of a run.

    Returns:
        The file, or nothing where the run has no evaluation yet. An image that is not there any more leaves its place
        empty and keeps its text.
    """
    found = run_file(store, run, "hardest.csv")
    if not found:
        return []
    cases = pd.read_csv(found, keep_default_na=False)
    root = Path(run.config.data.path)
    root = root.parent if root.is_file() else root
    rows = -(-len(cases) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * SIDE, rows * (SIDE + TEXT) + 24), DARK)
    for place, case in enumerate(cases.to_dict(orient="records")):
        left, top = place % COLUMNS * SIDE, place // COLUMNS * (SIDE + TEXT)
        _draw_case(sheet, left, top, root / str(case["path"]), case)
    ImageDraw.Draw(sheet).text((8, sheet.height - 22), DISCLAIMER, GREY, text_font(12))
    save_png(sheet, file)
    return [file]


def _draw_case(sheet: Image.Image, left: int, top: int, image: Path, case: dict) -> None:
    try:
        picture = Image.fromarray(read_scan(image).pixels)
        picture.thumbnail((SIDE - 12, SIDE - 12), Image.Resampling.BICUBIC)
        sheet.paste(picture, (left + (SIDE - picture.width) // 2, top + (SIDE - picture.height) // 2))
    except ScanError:
        ImageDraw.Draw(sheet).text((left + 12, top + SIDE // 2), "image not found", GREY, text_font(13))
    font = text_font(13)
    share = case[f"p_{case['prediction']}"]
    lines = [
        str(case["path"]),
        f"is {case['label']}, called {case['prediction']}",
        f"probability {percent(share)}, loss {case['loss']:.2f}",
    ]
    for row, line in enumerate(lines):
        text = shorten(line, font, SIDE - 16)
        ImageDraw.Draw(sheet).text((left + 8, top + SIDE + row * 20), text, WHITE if row else GREY, font)
