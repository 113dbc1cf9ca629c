from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from brainseg.datasets.inspection import open_any
from brainseg.datasets.mask_names import is_mask_name, part_of, strip
from brainseg.datasets.mask_sources import open_masked_dataset
from brainseg.datasets.masks import MaskedDataset
from brainseg.datasets.sources import open_dataset
from brainseg.errors import DataError
from tests.datasets.masked import picture, save, spot

COUNT = 8


def write(root: Path, image: str, mask: str = "", count: int = COUNT) -> Path:
    """Write slices with a tumour on every second one.

    Args:
        root: Where to.
        image: The images' path, with {i} the number, {s} and {S} the split, {P} the patient and {k} the class.
        mask: The masks' path; "" writes none.
        count: Number of slices.
    """
    for number in range(count):
        split = "train" if number < 6 else "test"
        words = {
            "i": number,
            "s": split,
            "S": split.title(),
            "P": f"P{number // 2:02d}",
            "k": ("no", "yes")[number % 2],
        }
        save(root / image.format(**words), picture(f"{number}"))
        if mask:
            save(root / mask.format(**words), spot() * (number % 2))
    return root


ALONE = [  # in the root or below one folder
    ("images/{i}.png", "masks/{i}.png"),
    ("images/case{i}.png", "masks/case{i}_seg.png"),
    ("Images/{i}.png", "MASKS/{i}_MASK.PNG"),
    ("image/{i}.png", "label/{i}.png"),
    ("imgs/{i}.png", "labels/{i}-label.png"),
    ("img/{i}.tif", "segmentations/{i}_Segmentation.png"),
    ("scans/{i}.png", "Ground Truth/{i}_gt.png"),
    ("slices/{i}.png", "segs/{i}_SEG.png"),
    ("inputs/{i}.png", "targets/{i}.png"),
    ("x/{i}.png", "y/{i}.png"),
    ("data/{i}.png", "groundtruth/{i}.png"),
    ("input/{i}.png", "annotations/{i}_roi.png"),
    ("images/image_{i:03d}.png", "masks/mask_{i:03d}.png"),
    ("images/img{i}.png", "gt/seg{i}.png"),
    ("tumour/images/{i}.png", "tumour/masks/{i}.png"),
    ("train_images/{i}.png", "train_masks/{i}.png"),
    ("imagesTr/c_{i:03d}_0000.png", "labelsTr/c_{i:03d}.png"),
    ("brain_mri/{i}.png", "mask/{i}.png"),
    ("{i}.png", "masks/{i}.png"),
    ("first/{i}.png", "second/{i}.png"),
]


@pytest.mark.parametrize(("image", "mask"), ALONE)
def test_folders_of_images_and_masks_are_paired_and_no_classes(tmp_path, image, mask):
    dataset = open_any(write(tmp_path, image, mask))
    assert isinstance(dataset, MaskedDataset)
    assert (len(dataset.table), dataset.bad, dataset.mask_classes) == (COUNT, (), ("background", "tumour"))
    assert dataset.table["mask_pixels"].gt(0).sum() == COUNT // 2
    assert set(dataset.table["split"]) == {""}
    marked = dataset.table.index[dataset.table["mask_pixels"] > 0][0]
    np.testing.assert_array_equal(dataset.read_mask(marked), spot(value=1))
    with pytest.raises(DataError, match=r"like images with masks .*, not like classes: learn from the masks with"):
        open_dataset(tmp_path)


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("{i}.png", "{i}_mask.png"),
        ("{i}.png", "{i}-label.png"),
        ("image_{i}.png", "mask_{i}.png"),
        ("image_{i}.png", "image_{i}_mask.png"),
        ("IMG_{i}.PNG", "IMG_{i}_Segmentation.PNG"),
        ("slice{i}.png", "slice{i}_gt.png"),
        ("all/{i}.png", "all/{i}_ROI.png"),
        ("{i}.png", "{i}_tumour.png"),
    ],
)
def test_masks_beside_their_images_are_paired(tmp_path, image, mask):
    dataset = open_any(write(tmp_path, image, mask, 12))
    assert isinstance(dataset, MaskedDataset)
    assert (len(dataset.table), dataset.bad) == (12, ())
    assert all(not is_mask_name(Path(path).stem) for path in dataset.table["path"])


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("{s}/images/{i}.png", "{s}/masks/{i}.png"),
        ("images/{s}/{i}.png", "masks/{s}/{i}.png"),
        ("{S}/Image/{i}.png", "{S}/Segmentation/{i}_Segmentation.png"),
        ("images_{s}/{i}.png", "labels_{s}/{i}.png"),
    ],
)
def test_split_folders_around_and_inside_give_the_split(tmp_path, image, mask):
    dataset = open_any(write(tmp_path, image, mask))
    assert dataset.table["split"].value_counts().to_dict() == {"train": 6, "test": 2}
    assert set(dataset.table["group"]) == {""}


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("{P}/images/{i}.png", "{P}/masks/{i}.png"),
        ("{P}/s{i}.png", "{P}/s{i}_segmentation.png"),
        ("images/{P}/{i}.png", "masks/{P}/{i}.png"),
    ],
)
def test_folder_of_a_patient_is_the_patient(tmp_path, image, mask):
    dataset = open_any(write(tmp_path, image, mask))
    assert (len(dataset.table), dataset.patients_from, dataset.table["group"].nunique()) == (COUNT, "folder", 4)
    if "images/{P}" not in image:
        with pytest.raises(DataError, match=r"look like patients with images and masks, such as P00, not like classes"):
            open_dataset(tmp_path)


@pytest.mark.parametrize(
    "images",
    [
        ["imagesTr/c_{i:03d}_0000.png", "imagesTr/c_{i:03d}_0001.png"],
        ["T1/{i}.png", "FLAIR/{i}.png"],
        ["b_{i:03d}_t1.png", "b_{i:03d}_flair.png"],
    ],
)
def test_several_sequences_of_a_slice_share_its_mask_and_its_side(tmp_path, images):
    masks = {"i": "labelsTr/c_{i:03d}.png", "T": "mask/{i}.png", "b": "b_{i:03d}_seg.png"}
    if images[0].startswith("i"):
        (tmp_path / "dataset.json").write_text('{"channel_names": {"0": "T1", "1": "FLAIR"}}')
    for name in images:
        write(tmp_path, name, masks[name[0] if name[0] != "F" else "T"])
    dataset = open_masked_dataset(tmp_path)
    assert (len(dataset.table), dataset.bad, dataset.table["group"].nunique()) == (2 * COUNT, (), COUNT)
    stacked = open_masked_dataset(tmp_path, ("FLAIR", "T1"))
    assert (len(stacked.table), stacked.channels) == (COUNT, ("FLAIR", "T1", "FLAIR"))


def test_classes_with_equal_file_names_stay_classes(tmp_path):
    for number in range(6):
        save(tmp_path / "glioma" / f"{number}.png", picture(f"g{number}"))
        save(tmp_path / "notumor" / f"{number}.png", picture(f"n{number}"))
    dataset = open_any(tmp_path)
    assert not isinstance(dataset, MaskedDataset)
    assert (dataset.classes, len(dataset.table)) == (("glioma", "notumor"), 12)


@pytest.mark.parametrize("mask", ["masks/{i}.png", "Segmentation/{i}_seg.png"])
def test_a_folder_of_masks_beside_classes_is_no_class(tmp_path, mask):
    dataset = open_any(write(tmp_path, "{k}/{i}.png", mask))
    assert (dataset.classes, len(dataset.table)) == (("no", "yes"), COUNT)
    (found,) = [finding for finding in dataset.findings if finding.kind == "masks-left-out"]
    assert len(found.files) == COUNT


@pytest.mark.parametrize("mask", ["{k}/{i}_mask.png", "{k}/masks/{i}.png"])
def test_masks_of_classified_images_are_left_out_and_said(tmp_path, mask):
    image = "{k}/{i}.png" if "masks" not in mask else "{k}/images/{i}.png"
    dataset = open_dataset(write(tmp_path, image, mask))
    assert (dataset.classes, len(dataset.table)) == (("no", "yes"), COUNT)
    (found,) = [finding for finding in dataset.findings if finding.kind == "masks-left-out"]
    assert len(found.files) == COUNT
    assert found.message.startswith(f"{COUNT} images are masks of other images and are left out")


def test_images_of_a_side_without_masks_are_left_out_and_said(tmp_path):
    write(tmp_path, "imagesTs/t_{i:03d}_0000.png", count=3)
    write(tmp_path, "pred/{i}.png", count=2)
    dataset = open_any(write(tmp_path, "imagesTr/c_{i:03d}_0000.png", "labelsTr/c_{i:03d}.png"))
    assert (len(dataset.table), dataset.bad) == (COUNT, ())
    (found,) = [finding for finding in dataset.findings if finding.kind == "unlabelled"]
    assert found.message == "5 images are in folders without masks (imagesTs, pred) and are left out."
    assert len(found.files) == 5


def test_many_lonely_files_are_one_sentence(tmp_path):
    write(tmp_path, "images/{i}.png", "masks/{i}.png", 14)
    for number in range(0, 10, 2):
        (tmp_path / "masks" / f"{number}.png").unlink()
        (tmp_path / "images" / f"{number + 1}.png").unlink()
    dataset = open_any(tmp_path)
    assert isinstance(dataset, MaskedDataset)  # although most files have no partner
    assert {bad.reason for bad in dataset.bad} == {
        "5 images have no mask, such as images/0.png: add the masks, or remove the images.",
        "5 masks have no image, such as masks/1.png: add the images, or remove the masks.",
    }
    assert (len(dataset.bad), len(dataset.table)) == (10, 4)
    with pytest.raises(DataError) as caught:
        dataset.usable(False)
    assert str(caught.value).count("have no mask") == 1


def test_folders_in_which_no_names_fit_are_told(tmp_path):
    write(tmp_path / "a", "images/a{i}.png")
    write(tmp_path / "a", "masks/b{i}.png")
    with pytest.raises(
        DataError, match=r"no file names match, such as a0\.png and b0\.png: name the mask of NAME either NAME"
    ):
        open_any(tmp_path / "a")
    write(tmp_path / "boxes", "images/{i}.png")
    (tmp_path / "boxes" / "labels").mkdir()
    (tmp_path / "boxes" / "labels" / "0.txt").write_text("0 0.5 0.5 0.1 0.1")
    with pytest.raises(
        DataError, match=r"labels should contain the masks of images, but contains no images, only \.txt files"
    ):
        open_any(tmp_path / "boxes")


@pytest.mark.parametrize("name", ["glioma", "with_mask", "no_tumor", "test", "P01", "lesion", "normal"])
def test_names_of_classes_splits_and_patients_say_nothing_of_masks(name):
    assert part_of(name) is None


@pytest.mark.parametrize(
    ("stem", "left"),
    [
        ("a_Mask", "a"),
        ("12-seg", "12"),
        ("seg_12", "12"),
        ("7_mask_seg", "7"),
        ("damask_1", "damask_1"),
        ("p/mask", "p/"),
    ],
)
def test_words_for_masks_are_stripped_from_names(stem, left):
    assert strip(stem, "mask") == left


def test_a_manifest_of_masks_may_have_another_name(tmp_path):
    write(tmp_path, "a/{i}.png", "b/{i}.png")
    rows = [f"a/{number}.png,b/{number}.png,P{number // 2}" for number in range(COUNT)]
    (tmp_path / "pairs.csv").write_text("\n".join(["path,mask,patient", *rows]))
    dataset = open_any(tmp_path)
    assert (len(dataset.table), dataset.patients_from) == (COUNT, "column")
    assert "pairs.csv has the columns of a manifest" in dataset.findings[0].message
    (tmp_path / "pairs.csv").write_text("path,mask\nlost.png,gone.png\n")  # then the folders decide
    assert (len(open_any(tmp_path).table), open_any(tmp_path).patients_from) == (COUNT, "none")


def test_masks_that_mark_nothing_are_said(tmp_path):
    for number in range(4):
        save(tmp_path / "images" / f"{number}.png", picture(str(number)))
        save(tmp_path / "masks" / f"{number}.png", spot(value=0))
    assert [finding.kind for finding in open_any(tmp_path).findings if "No mask marks" in finding.message] == [
        "no-tumour"
    ]
