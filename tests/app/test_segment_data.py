"""Datasets of images with masks, on the Data page and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brainseg.app.data.page import HAS_MASKS
from brainseg.cli.data import app as command_line
from brainseg.config import RunConfig
from brainseg.datasets.inspection import cached_dataset, inspect_dataset, open_any, signature
from brainseg.datasets.library import add_folder, add_phantom, find, stored_settings
from brainseg.datasets.masks import MaskedDataset
from brainseg.datasets.patient_messages import UNKNOWN, as_sentence, patients_sentence
from brainseg.datasets.report import dataset_report, mask_sentence
from tests.app.page_text import plain
from tests.app.run_pages import texts
from tests.conftest import write_set
from tests.datasets.masked import write_lgg, write_manifest, write_pairs
from tests.datasets.test_mask_meaning import soft
from tests.datasets.test_mask_meaning import write as write_heads


def test_a_set_with_masks_is_recognised_and_counted(home: Path, masked_set: Path, open_page) -> None:
    known = add_folder(masked_set)
    assert known.task == "segment"
    assert known.counts == {"no tumour": 20, "tumour": 20}
    app = open_page("data")
    assert not app.error
    assert app.dataframe[0].value["For"].tolist() == ["segmentation"]
    report = dataset_report(open_any(masked_set))
    assert mask_sentence(report) in texts(app)
    assert "20 of 40 " in mask_sentence(report)
    assert as_sentence(patients_sentence(report["patients"])) in texts(app)
    assert report["patients"]["count"] == 10


def test_soft_masks_get_their_threshold_on_the_page(home: Path, tmp_path: Path, open_page) -> None:
    root = write_heads(tmp_path / "set", soft)
    add_folder(root)
    app = open_page("data")
    app.number_input(key="data-threshold-set").set_value(128.0).run()
    app.button(key="data-threshold-set-store").click().run()
    assert not app.error
    assert (find("set").mask_threshold, find("set").images) == (128, 18)
    run = RunConfig.from_preset("segment", {"data.path": str(root)}, stored_settings(str(root)))
    assert run.data.mask_threshold == 128
    app.number_input(key="data-threshold-set").set_value(0.0).run()
    app.button(key="data-threshold-set-store").click().run()
    assert len(app.error) == 1
    assert find("set").mask_threshold == 128


def test_a_folder_is_added_with_the_threshold_of_its_masks(home: Path, tmp_path: Path, open_page) -> None:
    app = open_page("data")
    app.text_input(key="data-folder-path").set_value(str(write_heads(home / "set", soft)))
    app.number_input(key="data-folder-threshold").set_value(128.0)
    app.button[0].click().run()
    assert find("set").mask_threshold == 128


def test_notes_on_the_whole_set_are_said(home: Path, tmp_path: Path, open_page) -> None:
    add_folder(write_pairs(tmp_path / "pairs", ["brain", "head"]))
    assert any(text.startswith(as_sentence(UNKNOWN)) for text in plain(open_page("data").info))


def test_what_has_classes_and_masks_keeps_its_classes(home: Path, open_page) -> None:
    known = add_phantom(8, 0)
    assert known.task == "classify"
    app = open_page("data")
    assert not app.error
    assert HAS_MASKS.format(8) in plain(app.caption)


@pytest.mark.parametrize("layout", ["pairs", "lgg", "manifest"])
def test_every_layout_is_recognised_and_remembered(home: Path, tmp_path: Path, layout: str) -> None:
    root = tmp_path / layout
    if layout == "lgg":
        write_lgg(root)
    else:
        write_pairs(root, ["p1_0", "p1_1", "p2_0"])
    if layout == "manifest":
        rows = [{"path": f"images/{name}.png", "mask": f"masks/{name}.png"} for name in ("p1_0", "p1_1")]
        write_manifest(root, rows)
    dataset = inspect_dataset(root)
    assert isinstance(dataset, MaskedDataset)
    again = cached_dataset(root, signature(root))
    assert isinstance(again, MaskedDataset)
    assert again.fingerprint == dataset.fingerprint
    assert (again.mask_values, again.channels, again.notes) == (dataset.mask_values, dataset.channels, dataset.notes)
    assert again.table.equals(dataset.table)
    assert (again.read_mask(0) == dataset.read_mask(0)).all()


def test_class_folders_stay_classes(tmp_path: Path) -> None:
    assert not isinstance(open_any(write_set(tmp_path / "set", ("no", "yes"), 2)), MaskedDataset)


def test_inspect_tells_what_the_masks_hold(home: Path, masked_set: Path) -> None:
    shown = CliRunner().invoke(command_line, ["inspect", str(masked_set)], catch_exceptions=False).stdout
    assert mask_sentence(dataset_report(open_any(masked_set))) in shown.replace("\n", " ")
    answer = CliRunner().invoke(command_line, ["inspect", str(masked_set), "--json"], catch_exceptions=False).stdout
    assert json.loads(answer)["masks"]["with_tumour"] == 20
