import numpy as np
import pytest
from PIL import Image

from brainseg.datasets.inspection import open_any
from brainseg.datasets.report import dataset_report
from brainseg.datasets.sources import open_dataset
from tests.datasets.conftest import write_images


def warnings_of(root):
    return {entry["kind"]: entry for entry in dataset_report(open_dataset(root))["warnings"]}


@pytest.fixture
def odd(tmp_path):
    """Two classes of ordinary images, and one image of each kind that deserves a warning."""
    root = write_images(tmp_path, ["no/a.png", "no/b.png", "yes/c.png"], size=(70, 60))
    Image.new("L", (40, 40), 90).save(root / "no/constant.png")
    empty = np.zeros((80, 80), np.uint8)
    empty[4:7, 4:7] = 200
    Image.fromarray(empty).save(root / "yes/empty.png")
    deep = np.random.default_rng(0).integers(0, 900, (64, 64)).astype(np.uint16)
    Image.fromarray(deep).save(root / "yes/deep.png")
    deep[0, 0] = 65535
    Image.fromarray(deep).save(root / "yes/hot.png")
    return root


def test_each_kind_of_odd_pixels_is_one_warning_with_its_files(odd):
    found = warnings_of(odd)
    assert {kind: entry["files"] for kind, entry in found.items()} == {
        "window": ["yes/deep.png", "yes/hot.png"],
        "outliers": ["yes/hot.png"],
        "constant": ["no/constant.png"],
        "almost empty": ["yes/empty.png"],
    }
    assert found["window"]["message"].startswith("2 images have more than 8 bits a pixel: each is shown by a window")
    assert found["outliers"]["message"].startswith("1 image has outlier pixels")


def test_masked_images_are_checked_by_the_same_rules(odd):
    for number, file in enumerate(sorted(odd.glob("*/*.png"))):
        mask = np.zeros(Image.open(file).size[::-1], np.uint8)
        mask[10:20, 10:20] = 255 * (number % 2)
        Image.fromarray(mask).save(file.with_name(f"{file.stem}_mask.png"))
    kinds = {finding.kind for finding in open_any(odd).findings}
    assert {"window", "outliers", "constant", "almost empty"} <= kinds
