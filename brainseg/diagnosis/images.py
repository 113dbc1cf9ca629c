"""Images of a diagnosis: the heatmap laid over the scan, and a captioned sheet to save."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from brainseg import DISCLAIMER
from brainseg.diagnosis.doubts import decides_words
from brainseg.diagnosis.fonts import font_file
from brainseg.files import write_atomically

if TYPE_CHECKING:
    from brainseg.diagnosis.answer import Diagnosis
    from brainseg.diagnosis.ensemble import Consensus
    from brainseg.diagnosis.segmenter import Segmentation

CAPTION = "The colours show where the model looked, not where the tumour is."
OPACITY = 0.6
PANEL = 420
MARGIN = 12
LINE = 22
TEXT_SIZE = 14


def heat_colours(heatmap: np.ndarray) -> np.ndarray:
    """Colour an (H, W) map in 0..1 with "inferno", which is also legible in grey and to colour-blind readers.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    levels = np.round(np.clip(heatmap, 0, 1) * 255).astype(np.uint8)
    colours: np.ndarray = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    return colours


def overlay(pixels: np.ndarray, heatmap: np.ndarray, opacity: float = OPACITY) -> np.ndarray:
    """Lay a heatmap over a scan; where the map is 0, the scan is unchanged.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        heatmap: (H, W) float in 0..1.
        opacity: Weight of the colour where the map is 1, in 0..1.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    weight = (opacity * np.clip(heatmap, 0, 1))[..., None]
    mixed: np.ndarray = np.round(pixels * (1 - weight) + heat_colours(heatmap) * weight).astype(np.uint8)
    return mixed


def squared(values: np.ndarray, side: int) -> np.ndarray:
    """Fit an image or a map into a square, centred on black, to show images side by side.

    Args:
        values: (H, W, 3) uint8 or (H, W) float32.
        side: S, in pixels.

    Returns:
        (S, S, 3) or (S, S) of the same type.
    """
    height, width = values.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    fitted = cv2.resize(values, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = (side - size[1]) // 2, (side - size[0]) // 2
    square = np.zeros((side, side, *values.shape[2:]), values.dtype)
    square[top : top + size[1], left : left + size[0]] = fitted
    return square


def diagnosis_sheet(
    pixels: np.ndarray, name: str, diagnosis: Diagnosis | Consensus, opacity: float = OPACITY
) -> Image.Image:
    """Put scan and overlay side by side above the decision, the model, the caption and the disclaimer.

    Args:
        pixels: (H, W, 3) uint8 RGB, the scan.
        name: The file's name.
        diagnosis: The answer of one or several models.
        opacity: Opacity of the heatmap.
    """
    images = [pixels, overlay(pixels, diagnosis.heatmap, opacity)]
    return captioned_sheet(images, [name, *reliability_lines(diagnosis), *diagnosis_lines(diagnosis)], facts(diagnosis))


def reliability_lines(*answers: Diagnosis | Consensus | Segmentation, more: str = "") -> list[str]:
    """Return the lines that come before any prediction: the warnings, and what the models were trained on."""
    warnings = dict.fromkeys([*filter(None, [more]), *(sentence for each in answers for sentence in each.warnings)])
    return [*warnings, " ".join(dict.fromkeys(each.origin for each in answers))]


def facts(*answers: Diagnosis | Consensus | Segmentation, more: str = "") -> dict[str, str]:
    """Return the text fields with which a PNG file describes its answers."""
    *warnings, origin = reliability_lines(*answers, more=more)
    known = {each.in_domain for each in answers}
    in_domain = "false" if False in known else "unknown" if None in known else "true"
    return {
        "Trained on": origin,
        "In domain": in_domain,
        "Warnings": " ".join(warnings),
        "Image SHA-256": answers[0].image_sha256,
        "Bundle digest": "+".join(each.digest for each in answers),
    }


def diagnosis_lines(diagnosis: Diagnosis | Consensus) -> list[str]:
    """Return the lines below the image of an answer: the decision, the heatmap with the model, and the caption."""
    # Text that does not fit is cut off at the right, so the predicted class is first and long names are last.
    certainty = diagnosis.certainty
    noun = "probabilities" if certainty.calibrated else "scores"
    ranked = sorted(diagnosis.probabilities.items(), key=lambda item: (item[0] != diagnosis.label, -item[1]))
    return [
        "Prediction:  " + ",  ".join(f"{label} {certainty.write(probability)}" for label, probability in ranked),
        f"These are {noun}, {certainty.short}{decides_words(diagnosis)}.",
        f"{diagnosis.heatmap_title};  model {diagnosis.model}",
        CAPTION,
    ]


def heatmap_caption(answer: Diagnosis | Consensus) -> str:
    """Return what a heatmap and its colours show, and that they do not show the tumour."""
    return f"{answer.heatmap_title}, from black (not looked at) to bright yellow (looked at most). {CAPTION}"


def captioned_sheet(images: list[np.ndarray], lines: list[str], facts: Mapping[str, str] | None = None) -> Image.Image:
    """Put images, (H, W, 3) uint8, side by side above lines of text; the last line is the caption.

    `facts` become text fields of the PNG file.
    """
    lines = [*lines, DISCLAIMER]
    width = len(images) * (PANEL + MARGIN) + MARGIN
    height = PANEL + 3 * MARGIN + LINE * len(lines)
    sheet = Image.new("RGB", (width, height), (24, 24, 28))
    for column, image in enumerate(images):
        part = Image.fromarray(image)
        part = part.resize(_fit(part.size), Image.Resampling.BICUBIC)
        start = MARGIN + column * (PANEL + MARGIN)
        sheet.paste(part, (start + (PANEL - part.width) // 2, MARGIN + (PANEL - part.height) // 2))
    draw, font = ImageDraw.Draw(sheet), text_font(TEXT_SIZE)
    for row, line in enumerate(lines):
        draw.text(
            (MARGIN, PANEL + 2 * MARGIN + row * LINE), shorten(line, font, width - 2 * MARGIN), (235, 235, 235), font
        )
    sheet.info["Facts"] = {**(facts or {}), "Caption": lines[-2]}
    return sheet


def save_png(image: Image.Image, file: Path) -> None:
    """Write an image as PNG, atomically, with the disclaimer and the image's facts (if any) as text fields."""
    write_atomically(file, lambda temporary: temporary.write_bytes(png_bytes(image)))


def png_bytes(image: Image.Image) -> bytes:
    """Return what `save_png` writes."""
    text = PngImagePlugin.PngInfo()
    text.add_text("Disclaimer", DISCLAIMER)
    for name, value in image.info.get("Facts", {}).items():
        text.add_itxt(name, value) if not value.isascii() else text.add_text(name, value)
    stream = io.BytesIO()
    image.save(stream, format="PNG", pnginfo=text)
    return stream.getvalue()


def _fit(size: tuple[int, int]) -> tuple[int, int]:
    scale = PANEL / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def text_font(size: int) -> ImageFont.FreeTypeFont:
    """Return DejaVu Sans, which comes with matplotlib; Pillow's own font has no letters such as é, ß or λ."""
    return ImageFont.truetype(font_file("DejaVuSans"), size)


def shorten(line: str, font: ImageFont.FreeTypeFont, room: int) -> str:
    """Put a text on one line and cut it to `room` pixels; an ellipsis marks a cut."""
    line = " ".join(line.splitlines())
    if font.getlength(line) <= room:
        return line
    while line and font.getlength(line + "…") > room:
        line = line[:-1]
    return line + "…"
