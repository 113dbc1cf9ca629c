"""The hardest cases of a run as one picture: each image with what it is, what it was called and its loss."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from brainseg import DISCLAIMER
from brainseg.diagnosis.images import save_png, shorten, text_font
from brainseg.diagnosis.words import percent
from brainseg.errors import ScanError
from brainseg.evaluation.hardest import hardest_cases
from brainseg.results import stored_results as run_results
from brainseg.results.run_images import read_image, square
from brainseg.runs import Run, RunStore

MOST = 6
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
    report = run_results.evaluation(store, run)
    table = run_results.predictions(store, run, report["classes"]) if report else None
    if table is None or table.empty:
        return []
    cases, known = hardest_cases(table, MOST), run_results.digests(store, run)
    rows = -(-len(cases) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * SIDE, rows * (SIDE + TEXT) + 24), DARK)
    for place, case in enumerate(cases.to_dict(orient="records")):
        left, top = place % COLUMNS * SIDE, place // COLUMNS * (SIDE + TEXT)
        _draw_case(sheet, left, top, _picture(run, case["path"], known.get(case["path"])), case)
    ImageDraw.Draw(sheet).text((8, sheet.height - 22), DISCLAIMER, GREY, text_font(12))
    save_png(sheet, file)
    return [file]


def _picture(run: Run, path: str, sha256: str | None) -> Image.Image | None:
    try:
        return square(read_image(run, path, sha256).pixels, SIDE - 12)
    except ScanError:
        return None


def _draw_case(
    sheet: Image.Image, left: int, top: int, picture: Image.Image | None, case: Mapping[Hashable, Any]
) -> None:
    font = text_font(13)
    if picture:
        sheet.paste(picture, (left + 6, top + 6))
    else:
        ImageDraw.Draw(sheet).text((left + 12, top + SIDE // 2), "image moved or changed", GREY, font)
    share = case[f"p_{case['prediction']}"]
    lines = [
        str(case["path"]),
        f"is {case['label']}, called {case['prediction']}",
        f"probability {percent(share)}, loss {case['loss']:.2f}",
    ]
    for row, line in enumerate(lines):
        text = shorten(line, font, SIDE - 16)
        ImageDraw.Draw(sheet).text((left + 8, top + SIDE + row * 20), text, WHITE if row else GREY, font)
