from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from brainseg import DISCLAIMER
from brainseg.diagnosis.answer import Diagnosis
from brainseg.diagnosis.calibrated import write_value
from brainseg.diagnosis.images import (
    CAPTION,
    TEXT_SIZE,
    diagnosis_sheet,
    heat_colours,
    overlay,
    save_png,
    shorten,
    text_font,
)

GREY = np.repeat(np.random.default_rng(0).integers(0, 256, (80, 60, 1), dtype=np.uint8), 3, axis=2)
LONG = "a rather long name " * 12


def make_diagnosis(shape: tuple[int, int] = (80, 60), **changes: object) -> Diagnosis:
    y, x = np.mgrid[: shape[0], : shape[1]]
    heatmap = np.exp(-((y - shape[0] / 2) ** 2 + (x - shape[1] / 2) ** 2) / 200).astype(np.float32)
    made = Diagnosis("yes", {"no": 0.125, "yes": 0.875}, "yes", heatmap, heatmap, 0.1, "a run (0123456789ab)")
    return replace(made, **changes)


def draws(sheet: Image.Image, text: str) -> bool:
    """Return whether a complete text is somewhere on a sheet, in its font."""
    font = text_font(TEXT_SIZE)
    left, top, right, bottom = map(round, font.getbbox(text))
    template = Image.new("RGB", (right - left, bottom - top), sheet.getpixel((0, 0)))
    ImageDraw.Draw(template).text((-left, -top), text, (235, 235, 235), font)
    found = cv2.matchTemplate(np.asarray(sheet.convert("L")), np.asarray(template.convert("L")), cv2.TM_CCOEFF_NORMED)
    return bool(found.max() > 0.9)


# -------------------------------------------------------------------------------------------------------------- overlay


def test_overlay_leaves_pixels_where_the_heat_is_zero():
    heatmap = np.zeros((80, 60), dtype=np.float32)
    heatmap[20:40, 10:30] = 0.7
    result = overlay(GREY, heatmap)
    assert np.array_equal(result[heatmap == 0], GREY[heatmap == 0])
    assert (result[heatmap > 0] != GREY[heatmap > 0]).any(axis=1).mean() > 0.99
    assert result.shape == GREY.shape
    assert result.dtype == np.uint8


def test_overlay_without_opacity_is_the_scan():
    assert np.array_equal(overlay(GREY, np.ones((80, 60)), opacity=0), GREY)


def test_overlay_at_full_opacity_is_the_colour():
    heatmap = np.ones((80, 60), dtype=np.float32)
    assert np.array_equal(overlay(GREY, heatmap, opacity=1), heat_colours(heatmap))


@pytest.mark.parametrize("value", [0, 255])
def test_overlay_stays_between_scan_and_colour(value):
    heatmap = np.linspace(0, 1, 256, dtype=np.float32)[None]
    pixels, colours = np.full((1, 256, 3), value, dtype=np.uint8), heat_colours(heatmap)
    result = overlay(pixels, heatmap)
    assert (result >= np.minimum(pixels, colours)).all()
    assert (result <= np.maximum(pixels, colours)).all()


def test_heat_outside_its_range_is_cut():
    heatmap = np.array([[-1.0, 0.0, 1.0, 2.0]])
    colours = heat_colours(heatmap)[0]
    assert np.array_equal(colours[0], colours[1])
    assert np.array_equal(colours[2], colours[3])
    pixels = np.full((1, 4, 3), 100, dtype=np.uint8)
    assert np.array_equal(overlay(pixels, heatmap)[0, 0], pixels[0, 0])


def test_colours_grow_brighter_with_the_heat_so_that_they_read_in_grey():
    colours = heat_colours(np.linspace(0, 1, 256)[None])
    brightness = cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY)[0].astype(int)
    assert (np.diff(brightness) >= -1).all()
    assert brightness[-1] - brightness[0] > 200


# ---------------------------------------------------------------------------------------------------------------- sheet


@pytest.fixture(scope="module")
def sheet() -> Image.Image:
    return diagnosis_sheet(GREY, "scan.png", make_diagnosis())


@pytest.mark.parametrize(
    "text",
    [
        "scan.png",
        "Prediction:  yes 87.5 %,  no 12.5 %",
        "Heatmap for class yes by Grad-CAM on layer4;  model a run (0123456789ab)",
        CAPTION,
        DISCLAIMER,
    ],
)
def test_sheet_says(text, sheet):
    assert draws(sheet, text)


def test_texts_that_are_not_there_are_not_found(sheet):
    assert not draws(sheet, "Prediction:  no 87.5 %,  yes 12.5 %")
    assert not draws(sheet, "Approved for clinical use.")


def test_caption_does_not_promise_a_tumour_outline():
    assert CAPTION == "The colours show where the model looked, not where the tumour is."


def test_scan_is_on_the_left_and_the_colours_are_on_the_right(sheet):
    colour = np.ptp(np.asarray(sheet)[12:432].astype(int), axis=2)
    half = colour.shape[1] // 2
    assert colour[:, :half].max() <= 4, "the background alone is not quite grey"
    assert colour[:, half:].max() > 100


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 2), (1000, 700)])
def test_any_shape_of_scan_has_a_sheet_of_the_same_size(shape, sheet):
    pixels = np.full((*shape, 3), 90, dtype=np.uint8)
    pixels.flags.writeable = False
    assert diagnosis_sheet(pixels, "scan.png", make_diagnosis(shape)).size == sheet.size


def test_a_long_file_name_is_shortened_and_hides_nothing(sheet):
    long = diagnosis_sheet(GREY, LONG, make_diagnosis())
    assert long.size == sheet.size
    for text in (
        LONG[:75],
        "Prediction:  yes 87.5 %,  no 12.5 %",
        "Heatmap for class yes by Grad-CAM on layer4;  model",
        DISCLAIMER,
    ):
        assert draws(long, text)


def test_a_long_name_of_the_run_does_not_hide_the_explained_class():
    assert draws(diagnosis_sheet(GREY, "scan.png", make_diagnosis(model=LONG)), "Heatmap for class yes")


def test_the_decision_stays_in_sight_among_many_classes():
    probabilities = {f"a class of some length {number}": 0.02 for number in range(30)}
    probabilities["a class of some length 29"] = 0.42
    many = make_diagnosis(label="a class of some length 29", probabilities=probabilities)
    assert draws(diagnosis_sheet(GREY, "scan.png", many), "a class of some length 29 42.0 %")


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\u2028"])
def test_names_with_line_breaks_stay_on_their_line(break_):
    name = f"two{break_}lines"
    odd = make_diagnosis(label=name, explained=name, probabilities={"no": 0.25, name: 0.75}, model=name)
    drawn = diagnosis_sheet(GREY, name, odd)
    assert draws(drawn, "Prediction:  two lines 75.0 %,  no 25.0 %")
    assert draws(drawn, DISCLAIMER)


# ---------------------------------------------------------------------------------------------------------------- lines


@pytest.mark.parametrize("letter", "éßşłλж±…")
def test_letters_of_many_languages_are_drawn(letter):
    """A letter that a font lacks is drawn as a box."""

    def drawn(text: str) -> bytes:
        image = Image.new("L", (40, 40))
        ImageDraw.Draw(image).text((5, 5), text, 255, text_font(TEXT_SIZE))
        return image.tobytes()

    assert drawn(letter) not in (drawn("\uffff"), drawn(" "))


@pytest.mark.parametrize("room", [0, 1, 10, 55, 100, 300])
def test_a_line_is_cut_to_its_room(room):
    font = text_font(TEXT_SIZE)
    line = shorten("meningioma and other words", font, room)
    assert line == "…" or font.getlength(line) <= room
    assert line == "meningioma and other words" or (
        line.endswith("…") and "meningioma and other words".startswith(line[:-1])
    )


# ---------------------------------------------------------------------------------------------------------------- files


def test_png_carries_caption_and_disclaimer_in_its_text(sheet, tmp_path):
    file = tmp_path / "folder" / "sheet.png"
    save_png(sheet, file)
    with Image.open(file) as read:
        assert read.format == "PNG"
        assert (read.text["Disclaimer"], read.text["Caption"]) == (DISCLAIMER, CAPTION)
        assert np.array_equal(np.asarray(read), np.asarray(sheet))
    assert [path.name for path in file.parent.iterdir()] == ["sheet.png"]


def test_other_pictures_carry_the_disclaimer_alone(tmp_path):
    save_png(Image.new("RGB", (4, 4)), tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as read:
        assert read.text == {"Disclaimer": DISCLAIMER}


def test_a_file_is_replaced_whole(sheet, tmp_path):
    file = tmp_path / "sheet.png"
    file.write_bytes(b"an old file")
    save_png(sheet, file)
    with Image.open(file) as read:
        read.load()


def test_sheet_of_a_real_answer(predictor, scans, tmp_path):
    diagnosis = predictor.diagnose(scans[0])
    drawn = diagnosis_sheet(scans[0].pixels, scans[0].name, diagnosis)
    assert draws(drawn, f"{diagnosis.label} {write_value(diagnosis.probabilities[diagnosis.label])}")
    assert draws(drawn, f"{diagnosis.heatmap_title};  model a run ({predictor.bundle.version})")
