from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brainseg.datasets.report import dataset_report
from brainseg.datasets.sources import open_dataset
from brainseg.files import sha256_file
from brainseg.scans.burnt_text import SENTENCE
from tests.datasets.conftest import write_images


def test_report_counts_what_is_there_and_json_can_hold_it(tmp_path):
    root = write_images(tmp_path, ["no/a.png", "no/b.png", "yes/c.png"])
    write_images(root, ["yes/wide.tif"], size=(30, 20))  # a PNG by its content
    Image.linear_gradient("L").resize((5, 50)).convert("RGB").save(root / "yes" / "high.jpeg")
    (root / "yes" / "copy.png").write_bytes((root / "no" / "a.png").read_bytes())
    (root / "yes" / "bad.png").write_bytes(b"")
    (root / "notes.txt").write_text("x")
    report = dataset_report(open_dataset(root))
    assert json.loads(json.dumps(report)) == report
    assert len(report.pop("fingerprint")) == 64
    (warning,) = report.pop("warnings")
    assert (warning["kind"], warning["files"]) == ("conflicting-labels", ["no/a.png", "yes/copy.png"])
    assert report == {
        "path": str(root),
        "images": 6,
        "classes": {"no": 2, "yes": 4},
        "groups": 0,
        "patients": {"source": "none", "count": 0},
        "splits": {},
        "modes": {"L": 5, "RGB": 1},
        "formats": {"PNG": 5, "JPEG": 1},
        "sizes": {"distinct": 3, "width": [5, 30], "height": [8, 50]},
        "wrong_extension": ["yes/wide.tif"],
        "unreadable": [{"path": "yes/bad.png", "reason": "yes/bad.png is empty (0 bytes)."}],
        "ignored": ["notes.txt"],
        "duplicates": {"groups": 1, "surplus": 1, "across_labels": 1, "across_splits": []},
        "near_copies": {
            **dict.fromkeys(("pairs", "mirrored", "aligned", "across_labels", "across_splits", "groups", "files"), 0),
            **{"leaks": [], "listed": []},
        },
    }


def test_pages_that_are_not_used_are_counted(tmp_path):
    root = write_images(tmp_path, ["no/a.png", "no/c.png", "yes/b.png"])
    frames = [Image.new("L", (4, 4), level) for level in (10, 200, 30)]
    for name in ("moving.gif", "stack.tif"):
        frames[0].save(root / "yes" / name, save_all=True, append_images=frames[1:])
    warning, _constant = dataset_report(open_dataset(root))["warnings"]
    assert (warning["kind"], warning["files"]) == ("pages", ["yes/moving.gif", "yes/stack.tif"])
    assert warning["message"].startswith("2 files contain 6 pages, but only the first page of each is used: ")


def test_warnings_of_reading_are_passed_on(tmp_path):
    root = write_images(tmp_path, ["no/a.png", "yes/b.png"])
    values = np.full((4, 4), 7, np.float32)
    values[0, :2] = np.nan, 9
    Image.fromarray(values).save(root / "yes" / "gaps.tif")
    warnings = dataset_report(open_dataset(root))["warnings"]
    (gaps,) = [warning for warning in warnings if warning["kind"] == "reading"]
    assert gaps["files"] == ["yes/gaps.tif"]
    assert "1 of its values are infinite or not numbers" in gaps["message"]


def test_dataset_of_bad_files_alone_still_has_a_report(tmp_path):
    (tmp_path / "yes").mkdir()
    (tmp_path / "yes" / "bad.png").write_bytes(b"")
    report = dataset_report(open_dataset(tmp_path))
    assert (report["images"], report["classes"]) == (0, {"yes": 0})
    assert report["sizes"] == {"distinct": 0, "width": [], "height": []}
    assert len(report["unreadable"]) == 1


def test_images_without_a_split_are_no_split(tmp_path):
    write_images(tmp_path, ["a.png", "b.png", "c.png", "d.png"])
    (tmp_path / "d.png").write_bytes((tmp_path / "a.png").read_bytes())
    rows = ["path,label,group,split", "a.png,no,p1,train", "b.png,yes,p1,test", "c.png,no,p2,", "d.png,no,,"]
    (tmp_path / "manifest.csv").write_text("\n".join(rows))
    report = dataset_report(open_dataset(tmp_path))
    assert report["splits"] == {"train": 1, "test": 1}
    assert report["patients"]["count"] == 2
    assert report["duplicates"]["groups"] == 1
    assert {(pair["of"], pair["among"]) for pair in report["duplicates"]["across_splits"]} == {
        ("train", "test"),
        ("test", "train"),
    }


# ----------------------------------------------------------------------------------------------------------- real data


def test_kaggle253(kaggle):
    report = dataset_report(kaggle)
    assert report["images"] == 253
    assert report["classes"] == {"no": 98, "yes": 155}
    assert report["modes"] == {"RGB": 217, "L": 30, "RGBA": 5, "P": 1}
    assert report["sizes"]["distinct"] == 184
    assert report["duplicates"] == {"groups": 22, "surplus": 25, "across_labels": 0, "across_splits": []}
    lying = report["wrong_extension"]
    assert len(lying) == 6
    assert {Path(path).suffix.lower() for path in lying} <= {".jpg", ".jpeg"}
    assert all((kaggle.root / path).read_bytes().startswith(b"\x89PNG") for path in lying)
    assert (report["unreadable"], report["ignored"]) == ([], [])
    assert [(each["message"], len(each["files"])) for each in report["warnings"]] == [(SENTENCE, 9)]


def test_test_images_of_mc7023_that_are_training_images(shared, tmp_path):
    """Only the files with a copy in the other split are linked and read: decoding all 7,019 takes too long."""
    root = shared / "data" / "mc7023"
    if not root.is_dir():
        pytest.skip(f"{root} does not exist")
    digests = {
        part: {file: sha256_file(file) for file in (root / part).rglob("*.jpg")} for part in ("Training", "Testing")
    }
    shared_digests = set(digests["Training"].values()) & set(digests["Testing"].values())
    for files in digests.values():
        for file, digest in files.items():
            if digest in shared_digests:
                link = tmp_path / file.relative_to(root)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(file)
    report = dataset_report(open_dataset(tmp_path))
    pairs = {(pair["of"], pair["among"]): pair for pair in report["duplicates"]["across_splits"]}
    assert report["splits"]["test"] == pairs["test", "train"]["files"] == 216
    assert pairs["test", "train"]["labels"] == {"meningioma": 106, "notumor": 105, "pituitary": 5}
    assert report["duplicates"]["across_labels"] == 0
