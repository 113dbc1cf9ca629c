import numpy as np
import pandas as pd
import pytest
from PIL import Image

from brainseg.datasets.inspection import open_any
from brainseg.datasets.report import dataset_report
from brainseg.datasets.shortcuts import shortcut_findings
from brainseg.datasets.sources import open_dataset
from tests.datasets.conftest import write_images


def warnings_of(root):
    return {entry["kind"]: entry for entry in dataset_report(open_dataset(root))["warnings"]}


@pytest.fixture
def odd(tmp_path):
    """Two classes of ordinary images, and one image of each kind that causes a warning."""
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
    assert found["window"]["message"].startswith(
        "2 images have more than 8 bits per pixel: each is shown with its own window"
    )
    assert found["outliers"]["message"].startswith("1 image has outlier pixels")


def test_a_dark_image_with_a_head_on_it_is_not_almost_empty(tmp_path):
    root = write_images(tmp_path, ["no/a.png", "no/b.png", "yes/c.png"], size=(70, 60))
    dark = np.zeros((80, 80), np.uint8)
    dark[15:65, 20:60] = np.random.default_rng(0).integers(6, 15, (50, 40))
    Image.fromarray(dark).save(root / "yes/dark.png")
    noise = np.random.default_rng(1).integers(0, 4, (80, 80)).astype(np.uint8)
    Image.fromarray(noise).save(root / "yes/noise.png")
    assert warnings_of(root)["almost empty"]["files"] == ["yes/noise.png"]


def test_masked_images_are_checked_by_the_same_rules(odd):
    for number, file in enumerate(sorted(odd.glob("*/*.png"))):
        mask = np.zeros(Image.open(file).size[::-1], np.uint8)
        mask[10:20, 10:20] = 255 * (number % 2)
        Image.fromarray(mask).save(file.with_name(f"{file.stem}_mask.png"))
    kinds = {finding.kind for finding in open_any(odd).findings}
    assert {"window", "outliers", "constant", "almost empty"} <= kinds


def facts_table(count=60, classes=("no", "yes"), **facts):
    """A table of independent images with the same facts, except those that are given."""
    random = np.random.default_rng(0)
    labels = np.array(classes)[np.arange(count) % len(classes)]
    names = [f"{number:03d}" for number in range(count)]
    table = pd.DataFrame({"path": names, "label": labels, "sha256": names, "twin": "", "group": ""})
    usual = {
        "width": 200,
        "height": 200,
        "mode": "L",
        "source_format": "PNG",
        "brightness": random.normal(60, 9, count),
        "border": random.uniform(0, 0.2, count),
    }
    return table.assign(**usual).assign(**{name: value(table) for name, value in facts.items()})


@pytest.mark.parametrize(
    ("facts", "beginning"),
    [
        (
            {"width": lambda table: 200 + 40 * (table["label"] == "yes")},
            "Image size alone predicts the class with a balanced accuracy of 100 %",
        ),
        ({"mode": lambda table: np.where(table["label"] == "yes", "L", "RGB")}, "The colour mode alone predicts"),
        ({"brightness": lambda table: 50 + 30 * (table["label"] == "yes")}, "Mean brightness alone predicts"),
    ],
)
def test_a_fact_that_predicts_the_class_is_said(facts, beginning):
    (finding,) = shortcut_findings(facts_table(**facts))
    assert finding.kind == "shortcut"
    assert finding.message.startswith(beginning)


def test_of_several_classes_the_one_is_named_that_stands_out():
    table = facts_table(90, ("a", "b", "c"), width=lambda table: 200 + 40 * (table["label"] == "b"))
    (finding,) = shortcut_findings(table)
    assert finding.message.startswith(
        "Image size alone separates 'b' from the other classes with a balanced accuracy of 100 %"
    )


def test_facts_that_say_nothing_and_small_sets_give_no_warning():
    assert shortcut_findings(facts_table()) == []
    telling = {"width": lambda table: 200 + 40 * (table["label"] == "yes")}
    assert shortcut_findings(facts_table(30, **telling)) == []
    assert shortcut_findings(facts_table(60, ("one",), **telling)) == []
    one_patient = facts_table(**telling).assign(group=lambda table: table["label"])
    assert shortcut_findings(one_patient) == []  # two patients with many slices count as two
    assert shortcut_findings(facts_table(0)) == []


def linked(root, name, files):
    (root / name).mkdir()
    for file in files:
        (root / name / file.name).symlink_to(file)


def test_tumours_of_one_set_and_healthy_heads_of_another_are_noticed(shared, tmp_path):
    data = shared / "data"
    if not (data / "mc7023").is_dir():
        pytest.skip(f"{data / 'mc7023'} does not exist")
    linked(tmp_path, "tumour", sorted((data / "kaggle253" / "yes").iterdir()))
    linked(tmp_path, "healthy", sorted((data / "mc7023" / "Training" / "notumor").iterdir())[::10])
    found = [finding.message for finding in open_any(tmp_path).findings if finding.kind == "shortcut"]
    assert any(
        message.startswith("Image size alone predicts the class with a balanced accuracy of 9") for message in found
    )


def test_kaggle253_alone_has_no_clear_shortcut(kaggle):
    assert [finding for finding in kaggle.findings if finding.kind == "shortcut"] == []


def test_a_source_folder_that_predicts_the_class_is_said():
    sources = {"no": ("siteA", "siteB"), "yes": ("siteB", "siteA")}
    table = facts_table()
    own = [sources[label][number % 10 == 9] for number, label in enumerate(table["label"])]

    def is_reported(paths: list[str], **columns: list[str]) -> bool:
        found = shortcut_findings(table.assign(path=paths, **columns))
        return any(finding.message.startswith("The source folder alone predicts the class with") for finding in found)

    def paths(form: str) -> list[str]:
        labels = table["label"]
        return [form.format(k=k, s=s, n=n) for n, (k, s) in enumerate(zip(labels, own, strict=True))]

    assert is_reported(paths("{k}/{s}/{n}.png"))
    assert not is_reported(paths("{k}/{n}.png"))
    assert not is_reported(
        paths("{s}_{k}/{n}.png").copy(), label=[f"class {k}" for k in own]
    )  # a manifest's class folders
    assert not is_reported(paths("{k}/{s}/{n}.png"), group=own)


def test_near_copies_with_different_labels_are_a_warning(tmp_path):
    write_images(tmp_path, ["no/a.png", "no/b.png", "yes/c.png"], (64, 64))
    Image.open(tmp_path / "no" / "a.png").resize((128, 128), Image.Resampling.NEAREST).save(tmp_path / "yes" / "d.png")
    (entry,) = [each for each in warnings_of(tmp_path).values() if each["kind"] == "near-copies-across-labels"]
    assert entry["message"].startswith("1 pair of near copies has different labels, such as no/a.png (no) and")
    assert entry["files"] == ["no/a.png", "yes/d.png"]
