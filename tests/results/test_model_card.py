from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

from brainseg import DISCLAIMER
from brainseg.config import RunConfig
from brainseg.datasets.report import dataset_report
from brainseg.evaluation.classification import evaluate
from brainseg.models.description import BundleDescription
from brainseg.results.markdown import literal
from brainseg.results.model_card import model_card
from tests.datasets.conftest import make_dataset
from tests.evaluation.tables import random_table

HOSTILE = "a|b](http://evil) <img src=x> `c` :red[d]\n# e"


def describe(classes: tuple[str, ...] = ("no", "yes"), **facts: object) -> BundleDescription:
    values = {
        "name": "first",
        "arch": "resnet34",
        "head": "concat-pool",
        "stages": (3,),
        "dropout": 0.5,
        "classes": classes,
        "positive": classes[1] if len(classes) == 2 else None,
        "preparation": {},
        "preparation_version": 1,
        "weights_sha256": "f" * 64,
        "pretraining": {"source": "partial.safetensors", "sha256": "e" * 64, "taken": 9, "total": 12,
                        "random_stages": ["layer4"]},
        "data": {"fingerprint": "d" * 64, "images": 253},
        "validation": {"count": 50, "accuracy": 0.88, "accuracy_interval": [0.762, 0.944]},
        "libraries": {"torch": "2.14.1"},
        "created": "2026-11-23T08:38:42+00:00",
    }  # fmt: skip
    return BundleDescription.model_validate({**values, **facts})


def evaluated(size: int = 2, **caveats: object) -> dict:
    table, classes = random_table(np.random.default_rng(0), size, 60, "plain")
    report = evaluate(table, classes, classes[1] if size == 2 else None).to_dict()
    facts = {"split": "grouped", "evaluated_on": "valid", "selected_on_these_images": False, "copies_in_training": 0}
    return {**report, **facts, **caveats}


CONFIG = RunConfig.from_preset("paper", {"data.path": "/home/jane/private/slices", "model.weights": "/home/jane/w.pth"})


def section(card: str, title: str) -> str:
    return card.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_a_card_says_what_a_reader_must_know():
    report = evaluated()
    found = dataset_report(make_dataset(["no"] * 3 + ["yes"] * 2, hashes=["a", "a", "b", "c", "d"]))
    dataset = {**found, "synthetic": False, "sides": {"train": 203, "valid": 60}}
    card = model_card(describe(), report, CONFIG, dataset, "abc123")
    assert card.startswith("# Model card: first\n\n**" + DISCLAIMER)
    titles = re.findall(r"^## (.*)$", card, re.MULTILINE)
    assert titles[:4] == ["Purpose", "Intended users", "What it is not for", "Data"]
    assert "where the model looked, not where the tumour is" in section(card, "What it is not for")
    assert "d" * 64 in section(card, "Data")
    assert "1 groups of byte-identical files, 1 duplicates" in section(card, "Data")
    assert "Learnt from 203 images" in section(card, "Split and leakage")
    assert "Started at random: layer4" in section(card, "Weights that it started from")
    assert "`abc123`" in section(card, "How it was made")
    assert RunConfig.from_yaml(card.split("```yaml\n")[1].split("```")[0]).training == CONFIG.training


def test_figures_carry_their_interval_and_count():
    report = evaluated()
    figures = section(model_card(describe(), report, CONFIG), "How often it is right")
    low, high = report["intervals"]["accuracy"]
    assert f"| Accuracy | {report['accuracy']:.3f} | {low:.3f} to {high:.3f} |" in figures
    assert "| F1 | " in figures
    assert "of 60 held-out images" in figures
    for row in report["matrix"]:
        assert f"| {row[0]} | {row[1]} |" in figures


def test_more_than_two_classes_have_no_positive_one():
    report = evaluated(4)
    card = model_card(describe(tuple(report["classes"])), report, CONFIG)
    assert "counts as tumour" not in card
    assert "unweighted means over the classes" in card


@pytest.mark.parametrize(
    ("caveats", "words"),
    [
        ({"copies_in_training": 11}, "11 of these are byte-identical to a training image"),
        ({"selected_on_these_images": True}, "chosen by the loss on these same images"),
        ({"evaluated_on": "test"}, "60 test images"),
    ],
)
def test_what_flatters_the_figures_is_said(caveats, words):
    assert words in section(model_card(describe(), evaluated(**caveats), CONFIG), "Split and leakage")


def test_a_random_split_is_said_to_leak():
    assert "so metrics are too good" in section(model_card(describe(), evaluated(), CONFIG), "Split and leakage")


def test_synthetic_images_are_said_to_be():
    dataset = {**dataset_report(make_dataset(["no", "yes"])), "synthetic": False, "sides": None}
    assert "images are synthetic" not in model_card(describe(), evaluated(), CONFIG, dataset)
    assert "**The images are synthetic**" in model_card(describe(), evaluated(), CONFIG, {**dataset, "synthetic": True})


def test_undefined_figures_are_not_numbers():
    report = evaluated()
    report.update(precision=None)
    report["intervals"]["precision"] = None
    assert "| Precision | not defined | none |" in model_card(describe(), report, CONFIG)


def test_without_its_files_a_card_says_what_is_lost():
    card = model_card(describe(), {}, CONFIG)
    assert "Correct on 44 of 50 held-out images" in card
    assert "`evaluation.json` is missing" in card
    assert "`dataset.json` is missing" in card


def test_random_weights_are_said_to_be():
    card = model_card(describe(pretraining={"taken": 0}), evaluated(), CONFIG)
    assert "Random weights" in section(card, "Weights that it started from")


def test_values_of_another_type_in_a_bundle_count_as_unknown():
    strange = describe(pretraining={"taken": 9, "random_stages": 4, "more": 1}, data={"images": "many", "before": 3})
    assert (strange.pretraining["more"], strange.data) == (1, {"images": None, "before": None})
    card = model_card(strange, evaluated(), CONFIG)
    assert "an unknown number of readable images" in section(card, "Data")
    assert "9 of None tensors" in section(card, "Weights that it started from")


def test_folders_of_the_machine_are_kept_out():
    assert "jane" not in model_card(describe(), evaluated(), CONFIG)


def test_names_are_no_markup():
    card = model_card(describe(("no", HOSTILE), name=HOSTILE), {}, CONFIG)
    assert "\n# e" not in card
    assert "<img" not in card.replace("\\<img", "")
    assert "](http" not in card.replace("\\](http", "")
    assert literal("a_b\n|c") == "a\\_b \\|c"


@pytest.mark.slow
def test_a_card_is_written_without_torch():
    code = "import sys; import brainseg.results.model_card; print({'torch', 'mlflow', 'fastai'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_checklist_has_every_item_once_and_names_what_is_open():
    card = model_card(describe(), evaluated(), CONFIG)
    text = section(card, "Reporting checklist")
    rows = [line.split("|")[1:4] for line in text.splitlines() if re.match(r"\| (\d+|AI) ", line)]
    numbers = [number.strip() for number, _, _ in rows]
    assert [number for number in numbers if number != "AI"] == [str(number) for number in range(1, 45)]
    answers = {number.strip(): answer.strip() for number, _, answer in rows}
    assert answers["44"] == answers["16"] == answers["33"] == "**open**"
    assert answers["19"] == f"Split `{CONFIG.data.split}`, seed {CONFIG.data.seed}"
    assert f"{sum('**open**' not in answer for _, _, answer in rows)} of {len(rows)} items are filled" in text
    lost = section(model_card(describe(), None, CONFIG), "Reporting checklist")
    assert lost.count("**open**") > text.count("**open**")
