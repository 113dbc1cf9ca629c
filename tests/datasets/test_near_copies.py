import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from brainseg.config import DataConfig
from brainseg.datasets import near_memory
from brainseg.datasets.inspection import cache_dataset, cached_dataset, open_any, signature
from brainseg.datasets.near_copies import NearPair, near_pairs, summary, thumbnail, twin_names
from brainseg.datasets.near_memory import remembered
from brainseg.datasets.report import dataset_report
from brainseg.datasets.sources import open_dataset
from brainseg.datasets.splits import leak_groups, split_dataset
from brainseg.phantom import write_phantom
from brainseg.scans import read_scan


@pytest.fixture(autouse=True)
def nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search each time, since these tests compare searches of the same images."""
    monkeypatch.setattr(near_memory, "MOST", 0)


def brain(seed, size=96):
    """A slice of a simple phantom: the same ellipse for all, its own texture and noise, sometimes a tumour."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size]
    middle = size / 2
    head = ((columns - middle) / (0.4 * size)) ** 2 + ((rows - middle) / (0.46 * size)) ** 2 < 1
    pixels = np.where(head, 90, 0) + random.normal(0, 6, (size, size))
    if seed % 2:
        place, radius = random.integers(34, 62, 2), random.integers(6, 11)
        pixels += 90 * ((columns - place[0]) ** 2 + (rows - place[1]) ** 2 < radius**2)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def as_jpeg(image, quality=85):
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream)


def images_table(images, groups=None):
    names = [f"{number:03d}" for number in range(len(images))]
    squares = [thumbnail(np.array(image.convert("RGB"))) for image in images]
    return pd.DataFrame({"path": names, "sha256": names, "group": groups or [""] * len(images), "thumbnail": squares})


CHANGES = {
    "saved again": lambda image: as_jpeg(image, 60),
    "larger": lambda image: as_jpeg(image.resize((128, 128))),
    "other proportions": lambda image: image.resize((200, 131)),
    "mirrored": lambda image: as_jpeg(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
    "upside down": lambda image: as_jpeg(image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)),
    "turned": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "turned and mirrored": lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    "brighter": lambda image: image.point(lambda value: 10 + 1.2 * value),
    "of a palette": lambda image: image.convert("P"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_and_nothing_else_among_slices_of_one_outline(change):
    images = [brain(seed) for seed in range(12)]
    pairs = near_pairs(images_table(images + [CHANGES[change](image) for image in images]))
    mirrored = change in ("mirrored", "upside down", "turned", "turned and mirrored")
    assert pairs == [NearPair(f"{place:03d}", f"{place + 12:03d}", mirrored) for place in range(12)]


def test_blocks_find_what_one_block_finds(monkeypatch):
    images = [brain(seed) for seed in range(11)]
    table = images_table(images + [image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for image in images])
    whole = near_pairs(table)
    for place in ("near_search._BLOCK", "near_frames._BLOCK", "near_landmarks._BLOCK", "near_landmarks._QUERIES"):
        monkeypatch.setattr(f"brainseg.datasets.{place}", 5)
    monkeypatch.setattr("brainseg.datasets.near_landmarks._SAMPLED", 10)
    assert near_pairs(table) == whole
    assert len(whole) == 11


def test_of_very_many_pairs_those_are_kept_that_hold_the_groups_together(monkeypatch):
    images = [as_jpeg(brain(seed), quality) for seed in (0, 1) for quality in range(60, 90, 3)]
    table = images_table(images)
    whole = near_pairs(table)
    assert len(whole) == 2 * 45
    monkeypatch.setattr("brainseg.datasets.near_search._MOST_PAIRS", 20)
    few = near_pairs(table)
    assert len(few) < 45
    assert twin_names(table, few) == twin_names(table, whole)


def test_blank_images_and_single_images_are_no_copies():
    blank = Image.new("L", (50, 50), 7)
    assert near_pairs(images_table([blank, blank.point(lambda value: value + 1), brain(1)])) == []
    assert near_pairs(images_table([brain(1)])) == []
    assert near_pairs(images_table([])) == []


@pytest.mark.slow
@pytest.mark.parametrize(("plane", "slices", "difficulty"), [("axial", 8, "clear"), ("mixed", 2, "realistic")])
def test_no_slice_of_a_phantom_is_a_near_copy_of_another(tmp_path, plane, slices, difficulty):
    write_phantom(
        tmp_path / "p",
        48,
        5,
        size=96,
        plane=plane,
        modalities=("T1",),
        slices_per_subject=slices,
        difficulty=difficulty,
    )
    assert dataset_report(open_dataset(tmp_path / "p"))["near_copies"]["pairs"] == 0


def test_neighbouring_slices_of_one_patient_are_no_copies_but_a_slice_saved_again_is():
    still = np.array(brain(3).resize((64, 64)).resize((96, 96), Image.Resampling.BICUBIC)).astype(float)
    moved = np.clip(still + 6 * np.sin(np.arange(96) / 9), 0, 255)  # changes from slice to slice are smooth
    images = [Image.fromarray(still.astype(np.uint8)), Image.fromarray(moved.astype(np.uint8))]
    assert len(near_pairs(images_table(images))) == 1
    assert near_pairs(images_table(images, ["one", "one"])) == []
    assert len(near_pairs(images_table(images, ["one", "two"]))) == 1
    assert len(near_pairs(images_table([brain(3), as_jpeg(brain(3), 80)], ["one", "one"]))) == 1


@pytest.fixture
def leaky(tmp_path):
    """Train and test folders: 3 of 6 training slices are also in test, one with a wrong label, one mirrored."""
    for seed in range(6):
        file = tmp_path / "train" / ("yes" if seed % 2 else "no") / f"{seed}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        brain(seed).save(file)
    for name, image in {
        "yes/again.jpg": as_jpeg(brain(1)),
        "yes/wrong.jpg": as_jpeg(brain(2)),
        "yes/new.png": brain(7),
        "no/mirrored.jpg": as_jpeg(brain(0).transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
    }.items():
        (tmp_path / "test" / name).parent.mkdir(parents=True, exist_ok=True)
        image.save(tmp_path / "test" / name)
    (tmp_path / "test/no/same.png").write_bytes((tmp_path / "train/no/4.png").read_bytes())
    return tmp_path


def test_the_report_counts_pairs_across_labels_and_splits(leaky):
    dataset = open_dataset(leaky)
    found = dataset_report(dataset)["near_copies"]
    counts = {"pairs": 3, "mirrored": 1, "across_labels": 1, "across_splits": 3, "groups": 3, "files": 6}
    assert {name: found[name] for name in counts} == counts
    assert found["listed"][0] == ["test/yes/wrong.jpg", "train/no/2.png"]
    test = next(leak for leak in found["leaks"] if leak["of"] == "test")
    assert test == {
        "of": "test", "among": "train", "files": 4, "total": 5, "identical": 1, "upright": 3,
        "labels": {"no": 2, "yes": 2},
    }  # fmt: skip
    assert summary(dataset.table.iloc[:0], ())["pairs"] == 0


def test_near_copies_are_on_one_side_of_a_grouped_split_and_of_every_fold(leaky):
    table = open_dataset(leaky).table
    numbers = dict(zip(table["path"], leak_groups(table), strict=True))
    assert numbers["test/yes/again.jpg"] == numbers["train/yes/1.png"] != numbers["train/yes/3.png"]
    assert len(set(numbers.values())) == 7


def test_a_remembered_dataset_knows_its_pairs(leaky, tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path / "home"))
    dataset = open_any(leaky)
    stamp = signature(leaky)
    cache_dataset(leaky, dataset, stamp)
    again = cached_dataset(leaky, stamp)
    assert again.near_pairs == dataset.near_pairs
    assert len(again.near_pairs) == 3
    assert again.table["twin"].tolist() == dataset.table["twin"].tolist()


def independent(files, side=32):
    """Thumbnails made in another way than in brainseg: with Pillow's grey and averaging, compared with numpy."""
    rows = []
    for file in files:
        grey = Image.fromarray(read_scan(file).pixels).convert("L").resize((side, side), Image.Resampling.BOX)
        rows.append(np.asarray(grey, dtype=np.float64).ravel())
    rows = np.array(rows) - np.mean(rows, axis=1, keepdims=True)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def twins_in_training(dataset, likeness, seed, split="grouped"):
    sides = split_dataset(dataset, DataConfig(path="x", split=split, seed=seed)).to_numpy()
    across = likeness[np.ix_(sides == "valid", sides == "train")]
    return int((across > 0.995).any(axis=1).sum()), int((sides == "valid").sum())


def test_kaggle253_no_validation_image_has_a_twin_in_training(kaggle):
    found = dataset_report(kaggle)["near_copies"]
    assert (found["pairs"] - found["aligned"], found["across_labels"], found["mirrored"]) == (30, 0, 0)
    assert found["aligned"] == 19  # cropped, shifted, or with other margins or brightness
    squares = independent([kaggle.file(path) for path in kaggle.table["path"]])
    for seed in range(10):
        assert twins_in_training(kaggle, squares @ squares.T, seed) == (0, 50)
    leaky = [twins_in_training(kaggle, squares @ squares.T, seed, "random")[0] for seed in range(10)]
    assert min(leaky) > 4  # this check finds leaks if nothing is kept together


def test_mc7023_no_validation_image_has_a_twin_in_training(shared, tmp_path):
    """Uses every fourth pituitary tumour, named after its folder, to take only seconds."""
    root = shared / "data" / "mc7023"
    if not root.is_dir():
        pytest.skip(f"{root} does not exist")
    files = [file for part in ("Training", "Testing") for file in sorted((root / part / "pituitary").iterdir())[::4]]
    for number, file in enumerate(files):
        link = tmp_path / f"class {number % 2}" / file.name
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(file)
    dataset = open_dataset(tmp_path)
    assert dataset_report(dataset)["near_copies"]["pairs"] > 20
    squares = independent([dataset.file(path) for path in dataset.table["path"]])
    assert [twins_in_training(dataset, squares @ squares.T, seed)[0] for seed in range(10)] == [0] * 10


def test_a_set_that_was_searched_is_not_searched_again_unless_anything_changed(monkeypatch):
    monkeypatch.setattr(near_memory, "MOST", 4)
    searched = []

    def search() -> np.ndarray:
        searched.append(1)
        return np.array([[0, 1]])

    images = np.random.default_rng(0).integers(0, 255, (2, 8, 8), dtype=np.uint8)
    patients = np.array([0, 0])
    first = remembered(search, images, patients)
    assert remembered(search, images.copy(), patients) is first
    assert len(searched) == 1
    remembered(search, images, np.array([0, 1]))
    remembered(search, images.reshape(2, 4, 16), patients)
    assert len(searched) == 3
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 5
    for number in range(4):
        remembered(search, images, np.array([number, number + 2]))
    remembered(search, images, patients)
    assert len(searched) == 8, "the oldest is forgotten"
