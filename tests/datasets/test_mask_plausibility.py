from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from brainseg.datasets.inspection import open_any
from tests.datasets.test_mask_meaning import COUNT, SIDE, disc, white, write


def frame(marked: np.ndarray) -> np.ndarray:
    return np.pad(white(marked)[2:-2, 2:-2], 2, constant_values=255)


def brain(marked: np.ndarray) -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return white(marked | ((rows - 24) ** 2 + (columns - 24) ** 2 < 300))


@pytest.mark.parametrize(
    ("mask", "kind", "count", "words"),
    [
        (lambda marked: 255 - white(marked), "mask-inverted", 18, "they look inverted"),
        (lambda marked: np.full((SIDE, SIDE), 255, np.uint8), "mask-inverted", 18, "they look inverted"),
        (frame, "mask-border", 18, "cover much of the image's border"),
        (brain, "mask-large", 18, "cover more than half of the head"),
        (lambda marked: np.roll(white(marked), 22, 1), "mask-outside", 3, "are partly outside the head"),
    ],
    ids=["inverted", "all", "frame", "brain", "outside"],
)
def test_implausible_masks_are_named_file_by_file(tmp_path, mask, kind, count, words):
    dataset = open_any(write(tmp_path, mask))
    assert dataset.bad == ()
    found = {finding.kind: finding for finding in dataset.findings}
    assert kind in found
    assert words in found[kind].message
    assert len(found[kind].files) >= count
    assert all(file.startswith("masks/") for file in found[kind].files)


def test_one_wrong_mask_among_right_ones_is_named_alone(tmp_path):
    write(tmp_path, white)
    assert open_any(tmp_path).findings == ()
    Image.fromarray(255 - white(disc(3))).save(tmp_path / "masks" / "03.png")
    Image.fromarray(np.roll(white(disc(5)), (8, -8), (0, 1))).save(tmp_path / "masks" / "05.png")
    found = {finding.kind: finding.files for finding in open_any(tmp_path).findings}
    assert found == {"mask-inverted": ("masks/03.png",), "mask-moved": ("masks/05.png",)}


@pytest.mark.parametrize(
    ("move", "words"),
    [
        (lambda marked: np.roll(marked, 8, 0), "if they are moved 8 pixels up"),
        (lambda marked: np.roll(marked, (4, -8), (0, 1)), "if they are moved 4 pixels up and 8 pixels to the right"),
        (lambda marked: marked[::-1], "if they are turned top for bottom"),
    ],
)
def test_a_set_whose_masks_are_all_moved_is_told_how(tmp_path, move, words):
    dataset = open_any(write(tmp_path, lambda marked: white(move(marked))))
    (found,) = [finding for finding in dataset.findings if finding.kind == "mask-moved"]
    assert found.message.startswith(
        f"9 of 18 masks mark regions that stand out more {words}: they look shifted or mirrored"
    )


def test_images_and_masks_that_are_exchanged_are_told(tmp_path):
    write(tmp_path, white)
    for old, new in (("images", "held"), ("masks", "images"), ("held", "masks")):
        (tmp_path / old).rename(tmp_path / new)
    dataset = open_any(tmp_path)
    (reason,) = {bad.reason for bad in dataset.bad}
    assert reason.endswith("images and masks seem to be exchanged, so swap their folders or names.")
    assert len(dataset.bad) == COUNT
    found = open_any(tmp_path, mask_threshold=50).findings
    assert [len(finding.files) for finding in found if finding.kind == "mask-exchanged"] == [COUNT]
