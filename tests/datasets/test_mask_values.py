from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brainseg.datasets.mask_classes import class_numbers, in_colours, number_classes
from brainseg.datasets.mask_sources import open_masked_dataset
from brainseg.datasets.mask_values import read_values
from brainseg.errors import DataError
from tests.datasets.masked import picture, save, spot, write_manifest, write_pairs


def read_mask(file: Path, values: dict[int, int]) -> np.ndarray:
    return class_numbers(read_values(file.parent, file.name, in_colours(values)).values, values, file.name)


def as_palette(indices: np.ndarray, colours: list[int]) -> Image.Image:
    image = Image.fromarray(indices, "P")
    image.putpalette(colours)
    return image


def files() -> dict[str, Image.Image]:
    ones = spot(value=1)
    return {
        "grey.png": Image.fromarray(spot()),
        "ones.png": Image.fromarray(ones),
        "bits.png": Image.fromarray(spot()).convert("1"),
        "rgb.png": Image.fromarray(spot()).convert("RGB"),
        "rgba.png": Image.fromarray(spot()).convert("RGBA"),
        "alpha.png": Image.fromarray(spot()).convert("LA"),
        "wide.png": Image.fromarray(ones.astype(np.uint16)),
        "wide.tif": Image.fromarray(ones.astype(np.int32)),
        "float.tif": Image.fromarray(ones.astype(np.float32)),
        "coloured.png": as_palette(ones, [0, 0, 0, 200, 30, 30]),
        "black.gif": as_palette(ones, [0, 0, 0, 255, 255, 255]),
        "white_first.png": as_palette(1 - ones, [255, 255, 255, 0, 0, 0]),
    }


@pytest.mark.parametrize("name", files())
def test_every_way_to_store_two_classes_gives_the_same_mask(tmp_path, name):
    files()[name].save(tmp_path / name)
    mask = read_mask(tmp_path / name, {0: 0, 255: 1})
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, spot(value=1))


def test_palette_and_grey_hold_class_numbers(tmp_path):
    save(tmp_path / "images" / "a.png", picture("a"))
    save(tmp_path / "images" / "b.png", picture("b"))
    indices = spot(value=1) + spot(value=1)[::-1] * 3
    as_palette(indices, [0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9]).save(tmp_path / "a.png")
    (tmp_path / "masks").mkdir()
    (tmp_path / "a.png").rename(tmp_path / "masks" / "a.png")
    save(tmp_path / "masks" / "b.png", spot(value=4))
    dataset = open_masked_dataset(tmp_path).usable(False)
    present = sorted(set(np.unique(indices)) | {4})
    assert dataset.mask_classes == ("background", *(f"class {value}" for value in present[1:]))
    np.testing.assert_array_equal(dataset.read_mask(0), np.searchsorted(present, indices))
    np.testing.assert_array_equal(np.unique(dataset.read_mask(1)), [0, present.index(4)])


def test_classes_file_names_values_and_their_order(tmp_path):
    write_pairs(tmp_path, ["a", "b", "c"])
    save(tmp_path / "masks" / "a.png", spot(value=128))
    save(tmp_path / "masks" / "b.png", spot(value=64))
    rows = [{"value": 128, "name": "oedema"}, {"value": 64, "name": "core"}]
    write_manifest(tmp_path, rows, "classes.csv")
    dataset = open_masked_dataset(tmp_path)
    assert dataset.mask_classes == ("background", "core", "oedema")
    assert dataset.mask_values == {0: 0, 64: 1, 128: 2}
    assert (dataset.read_mask(0).max(), dataset.read_mask(1).max()) == (2, 1)
    (bad,) = dataset.bad
    assert bad.reason.startswith("masks/c.png contains the unknown value 255 (known: 0, 64, 128): ")


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([{"value": "x", "name": "core"}], "classes.csv, line 2: write a whole number from 0 to 65535 and a name"),
        ([{"value": 1, "name": "a"}, {"value": 1, "name": "b"}], "classes.csv, line 3: the value 1 or the name 'b'"),
        ([{"value": 1, "name": "a"}, {"value": 2, "name": "a"}], "classes.csv, line 3: the value 2 or the name 'a'"),
        ([{"value": 0, "name": "nothing"}], "classes.csv must name 1 to 20 values besides 0."),
    ],
)
def test_damaged_classes_file_is_one_sentence(tmp_path, rows, sentence):
    write_manifest(write_pairs(tmp_path, ["a", "b"]), rows, "classes.csv")
    with pytest.raises(DataError) as caught:
        open_masked_dataset(tmp_path)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("found", "numbers"),
    [
        ([{0}, {0, 255}], {0: 0, 255: 1}),
        ([{0}, {0, 1}], {0: 0, 1: 1}),
        ([{0, 1}, {0, 255}], {0: 0, 255: 1}),
        ([{0, 1}, {0, 2}, {0, 1, 4}], {0: 0, 1: 1, 2: 2, 4: 3}),
        ([{0, 128}], {0: 0, 128: 1}),
        ([{0}], {0: 0, 255: 1}),
        ([{0, 1, 2}, {0, 90}], {0: 0, 1: 1, 2: 2}),
        ([{0, 1, 255}], {0: 0, 255: 1}),
    ],
)
def test_meaning_of_values_without_names(found, numbers):
    assert number_classes(found, {})[0] == numbers


def test_fractions_and_negative_values_are_refused(tmp_path):
    Image.fromarray(np.full((4, 4), 0.5, np.float32)).save(tmp_path / "half.tif")
    Image.fromarray(np.full((4, 4), -1, np.int32)).save(tmp_path / "minus.tif")
    with pytest.raises(DataError, match=r"^half\.tif contains fractions"):
        read_mask(tmp_path / "half.tif", {0: 0, 255: 1})
    with pytest.raises(DataError, match=r"^minus\.tif contains values outside 0 to 65,535"):
        read_mask(tmp_path / "minus.tif", {0: 0, 255: 1})
