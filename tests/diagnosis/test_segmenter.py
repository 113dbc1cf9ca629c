from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from brainseg.diagnosis.images import save_png
from brainseg.diagnosis.mask_images import CAPTION, class_colour, mask_image, mask_overlay, segmentation_sheet
from brainseg.diagnosis.predictor import Predictor
from brainseg.diagnosis.segmenter import Segmenter
from brainseg.errors import BundleError, ScanError
from brainseg.models.unet import UNet, build_unet
from tests.models.conftest import live, make_classifier, one_sentence, store

FACTS = {"task": "segment", "head": "u-net", "dropout": 0.0, "positive": None}


def marking(classes: int = 2) -> UNet:
    """A U-Net that marks about half of each image."""
    torch.manual_seed(3)
    model = live(build_unet("resnet18", classes, (2,)))
    with torch.no_grad():
        model.head.scores.bias.zero_()
        logits = model(torch.randn(4, 3, 64, 64))
        model.head.scores.bias.copy_(-logits.mean((0, 2, 3)))
    return model


@pytest.fixture(scope="session")
def make_segmenter(tmp_path_factory: pytest.TempPathFactory):
    def make(classes: tuple[str, ...] = ("background", "tumour"), **facts: object) -> Segmenter:
        folder = tmp_path_factory.mktemp("bundle")
        return Segmenter.open(store(folder, marking(len(classes)), classes, **FACTS, **facts))

    return make


@pytest.fixture(scope="session")
def segmenter(make_segmenter) -> Segmenter:
    return make_segmenter()


def test_the_mask_is_on_the_scans_own_grid(segmenter, scans) -> None:
    for scan in scans:
        found = segmenter.segment(scan)
        assert found.mask.shape == scan.pixels.shape[:2]
        assert found.mask.dtype == np.uint8
        assert found.probabilities.shape == (2, *found.mask.shape)
        np.testing.assert_allclose(found.probabilities.sum(axis=0), 1, atol=1e-5)
        assert (found.mask == found.probabilities.argmax(axis=0)).all()
        assert found.areas == {"tumour": found.area}
        assert found.area == (found.mask > 0).sum() == sum(region.pixels for region in found.regions)
        assert found.area > 0
        assert (found.area_unit, found.length_unit) == ("pixels", "pixels")
        assert found.diameter == max(region.diameter for region in found.regions)
        # The model saw only the head, so nothing can be marked outside it.
        assert not found.mask[:3].any()
        assert not found.mask[:, :3].any()


def test_with_a_spacing_areas_are_in_square_millimetres(segmenter, scans) -> None:
    plain = segmenter.segment(scans[0])
    found = segmenter.segment(dataclasses.replace(scans[0], spacing=(0.5, 2.0)))
    assert (found.mask == plain.mask).all()
    assert found.area == plain.area  # 0.5 mm x 2 mm is 1 mm2
    assert (found.area_unit, found.length_unit) == ("mm²", "mm")
    assert found.regions[0].diameter != plain.regions[0].diameter
    assert "mm²" in found.sentence
    assert segmenter.name in found.sentence


def test_eight_threads_get_the_serial_answers(segmenter, scans) -> None:
    serial = [segmenter.segment(scan) for scan in scans]
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: [segmenter.segment(scan) for scan in scans], range(8)):
            for one, expected in zip(found, serial, strict=True):
                np.testing.assert_allclose(one.probabilities, expected.probabilities, atol=1e-5)
                assert (one.mask != expected.mask).mean() < 1e-3


def test_several_classes_have_an_area_each(make_segmenter, scans) -> None:
    found = make_segmenter(("background", "core", "oedema")).segment(scans[0])
    assert list(found.areas) == ["core", "oedema"]
    assert found.areas["oedema"] == (found.mask == 2).sum()
    assert found.area == (found.mask > 0).sum()
    assert "core" in found.sentence


def test_nothing_marked_is_said(segmenter, scans) -> None:
    black = dataclasses.replace(scans[0], pixels=np.zeros_like(scans[0].pixels))
    quiet = segmenter.segment(black)
    empty = dataclasses.replace(quiet, mask=np.zeros_like(quiet.mask), regions=(), areas={"tumour": 0.0})
    assert empty.finding == "Nothing is marked."
    assert empty.diameter == 0


def test_modalities_are_given_one_by_one_in_their_order(make_segmenter, scans) -> None:
    two = make_segmenter(modalities=("FLAIR", "T1"))
    first = scans[0]
    second = dataclasses.replace(first, pixels=np.ascontiguousarray(255 - first.pixels), name="t1.png")
    stacked = np.dstack([first.pixels[..., 0], second.pixels[..., 0], first.pixels[..., 0]])
    plain = make_segmenter().segment(dataclasses.replace(first, pixels=stacked))
    np.testing.assert_allclose(two.segment(first, second).probabilities, plain.probabilities, atol=1e-6)
    coloured = dataclasses.replace(first, pixels=stacked)
    smaller = dataclasses.replace(first, pixels=first.pixels[:-1])
    for given in ((first,), (first, coloured), (first, smaller)):
        with pytest.raises(ScanError) as caught:
            two.segment(*given)
        one_sentence(caught.value)


def test_a_grey_image_is_doubted_where_channels_are_different_sequences(make_segmenter, scans) -> None:
    coloured = dataclasses.replace(
        scans[0], pixels=np.roll(scans[0].pixels, 1, axis=0) // np.array([1, 2, 3], np.uint8)
    )
    several = make_segmenter(channels=("T1", "FLAIR", "T1ce"))
    assert "T1, FLAIR, T1ce" in several.segment(scans[0]).warnings[0]
    assert several.segment(coloured).warnings == ()
    assert make_segmenter(channels=("FLAIR",) * 3).segment(scans[0]).warnings == ()


def test_a_model_of_images_as_stored_takes_one(segmenter, scans) -> None:
    with pytest.raises(ScanError, match="one image at a time"):
        segmenter.segment(*scans[:2])


def test_a_bundle_of_the_other_task_is_refused(segmenter, tmp_path: Path) -> None:
    classifier = store(tmp_path / "classifier", make_classifier())
    with pytest.raises(BundleError, match="classifies images: choose a run that marks tumours") as caught:
        Segmenter.open(classifier)
    one_sentence(caught.value)
    unet = store(tmp_path / "unet", marking(), ("background", "tumour"), **FACTS)
    with pytest.raises(BundleError, match="marks tumours: choose a run that classifies images") as caught:
        Predictor.open(unet)
    one_sentence(caught.value)


# --------------------------------------------------------------------------------------------------------------- images


def test_fill_and_outline_are_where_the_mask_is(scans) -> None:
    pixels = scans[0].pixels
    mask = np.zeros(pixels.shape[:2], np.uint8)
    mask[30:60, 40:80] = 1
    outlined = mask_overlay(pixels, mask, fill=False)
    inner = (slice(33, 57), slice(43, 77))
    assert (outlined[inner] == pixels[inner]).all()
    assert tuple(outlined[30, 50]) == class_colour(1)
    filled = mask_overlay(pixels, mask, opacity=1, outline=False)
    assert (filled[mask == 1] == class_colour(1)).all()
    assert (filled[mask == 0] == pixels[mask == 0]).all()
    half = mask_overlay(pixels, mask, opacity=0.5, outline=False)
    expected = (pixels[45, 50].astype(float) + class_colour(1)) / 2
    np.testing.assert_allclose(half[45, 50], expected, atol=0.51)
    assert (mask_overlay(pixels, np.zeros_like(mask)) == pixels).all()
    with pytest.raises(ValueError, match="the same size"):
        mask_overlay(pixels, mask[1:])


def test_the_sheet_and_the_mask_can_be_saved(segmenter, scans, tmp_path: Path) -> None:
    found = segmenter.segment(scans[0])
    save_png(segmentation_sheet(scans[0].pixels, "héad.png", found), tmp_path / "sheet.png")
    save_png(mask_image(found), tmp_path / "mask.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.info["Caption"] == CAPTION
        assert "not a medical device" in sheet.info["Disclaimer"]
    with Image.open(tmp_path / "mask.png") as stored:
        assert stored.mode == "L"
        assert (np.array(stored) == found.mask * 255).all()


def test_masks_of_several_classes_keep_them_apart(make_segmenter, scans) -> None:
    found = make_segmenter(("background", "core", "oedema")).segment(scans[0])
    levels = np.array(mask_image(found))
    assert (levels == np.array([0, 128, 255])[found.mask]).all()
