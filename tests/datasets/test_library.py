from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from brainseg.datasets import inspection, uploads
from brainseg.datasets.library import (
    add_folder,
    add_phantom,
    add_zip,
    current_path,
    find,
    forget,
    inspect_known_dataset,
    known_datasets,
    resolve,
    set_groups,
    set_mask_threshold,
    stored_settings,
)
from brainseg.datasets.sources import open_dataset
from brainseg.errors import ConfigError, DataError
from tests.datasets.conftest import write_images
from tests.datasets.test_mask_meaning import soft
from tests.datasets.test_mask_meaning import write as write_heads
from tests.datasets.zips import LINK, images, make_zip, of_kind, save


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_images(tmp_path / "slices", ["no/a.png", "no/b.png", "yes/c.png"])


def content(home: Path) -> list[str]:
    """The contents of the folder of datasets, including hidden files, except the list and its lock."""
    place = home / "datasets"
    return sorted(item.name for item in place.iterdir() if item.name not in ("library.json", ".library.lock"))


def test_a_folder_is_known_by_its_name_and_stays_where_it_is(folder):
    added = add_folder(folder)
    assert (added.name, added.path, added.source) == ("slices", str(folder), "folder")
    assert added.counts == {"no": 2, "yes": 1}
    assert added.images == 3
    assert known_datasets() == [added]
    assert find("SLICES") == added


def test_a_manifest_is_a_dataset_too(folder):
    (folder / "list.csv").write_text("path,label\nno/a.png,none\nyes/c.png,some\n")
    assert add_folder(folder / "list.csv").counts == {"none": 1, "some": 1}
    assert known_datasets()[0].name == "list"


def test_a_folder_added_twice_keeps_its_name_and_can_be_given_another(folder):
    add_folder(folder, "first")
    assert add_folder(folder).name == "first"
    assert add_folder(folder, "second").name == "second"
    assert [known.name for known in known_datasets()] == ["second"]


def test_two_folders_of_one_name_get_two_names(tmp_path, folder):
    other = write_images(tmp_path / "other" / "slices", ["a/a.png", "b/b.png"])
    assert [add_folder(folder).name, add_folder(other).name] == ["slices", "slices 2"]


@pytest.mark.parametrize("name", ["", "a/b", "../up", ".hidden", "[x](http://a.b)", "x" * 61, "<b>", "a\nb\\c", "`c`"])
def test_names_that_could_mislead_are_refused(folder, name):
    with pytest.raises(DataError, match="cannot be a dataset's name"):
        add_zip(make_zip(images()), name)
    assert known_datasets() == []


def test_a_name_is_given_once(tmp_path, folder, home):
    add_folder(folder)
    other = write_images(tmp_path / "other", ["a/a.png", "b/b.png"])
    with pytest.raises(DataError, match="already"):
        add_folder(other, "SLICES")
    with pytest.raises(DataError, match="already"):
        add_zip(make_zip(images()), "Slices")
    assert content(home) == []


@pytest.mark.parametrize("path", ["", "   ", "nowhere", "~nobody-of-this-name/x", "a\0b"])
def test_a_folder_that_is_not_there_is_refused(path):
    with pytest.raises(DataError):
        add_folder(path)
    assert known_datasets() == []


def test_a_folder_without_classes_is_refused(tmp_path):
    write_images(tmp_path / "flat", ["a.png"])
    with pytest.raises(DataError, match="no class folders"):
        add_folder(tmp_path / "flat")


def test_an_upload_is_unpacked_and_found_by_name(home):
    added = add_zip(make_zip(images("set/")), "My upload")
    assert (added.source, added.counts) == ("upload", {"no": 3, "yes": 3})
    assert Path(added.path).parent == home / "datasets"
    assert sorted(item.name for item in Path(added.path).iterdir()) == ["no", "yes"]
    assert resolve("my upload") == added.path


def test_an_upload_from_a_file(tmp_path):
    assert add_zip(save(make_zip(images()), tmp_path / "a.zip"), "one").images == 6


@pytest.mark.parametrize(
    "stream",
    [
        make_zip(images() | {"../x.png": b""}),
        of_kind("yes/link.png", LINK),
        make_zip({"a.txt": b"text"}),
        make_zip({"flat.png": images()["yes/0.png"]}),
        io.BytesIO(b"no zip"),
    ],
    ids=["leads out", "link", "no images", "no classes", "no zip"],
)
def test_a_refused_upload_leaves_nothing_behind(home, stream):
    with pytest.raises(DataError):
        add_zip(stream, "bad")
    assert content(home) == []
    assert known_datasets() == []


def test_an_upload_that_is_given_up_half_way_leaves_nothing_behind(home):
    def give_up(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add_zip(make_zip(images()), "half", give_up)
    assert content(home) == []


def test_a_full_disk_is_said_in_a_sentence(home, monkeypatch):
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(uploads, "unpack_zip", full)
    with pytest.raises(DataError, match="No space left on device"):
        add_zip(make_zip(images()), "large")
    assert content(home) == []


def test_what_a_killed_upload_left_is_removed_a_day_later(home, monkeypatch):
    left = home / "datasets" / ".partial-dead"
    left.mkdir(parents=True)
    add_zip(make_zip(images()), "one")
    assert left.is_dir()
    os.utime(left, (time.time() - 90_000,) * 2)
    add_zip(make_zip(images()), "two")
    assert not left.exists()


def test_forgetting_an_upload_deletes_it(home):
    add_zip(make_zip(images()), "one")
    assert forget("one").name == "one"
    assert known_datasets() == []
    assert content(home) == []
    assert list((home / "cache" / "inspections").iterdir()) == []


def test_forgetting_a_folder_never_touches_it(folder):
    add_folder(folder)
    forget("slices")
    assert known_datasets() == []
    assert len(list(folder.rglob("*.png"))) == 3


def test_nothing_but_uploads_is_deleted_whatever_the_list_says(home, folder):
    """The list is a file that people can change."""
    add_folder(folder)
    file = home / "datasets" / "library.json"
    entries = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps([{**entries[0], "source": "upload"}]), encoding="utf-8")
    forget("slices")
    assert len(list(folder.rglob("*.png"))) == 3


def test_forgetting_what_is_unknown_is_refused():
    with pytest.raises(DataError, match=r"no dataset named 'x'; known datasets: none yet\."):
        forget("x")


@pytest.mark.slow
def test_synthetic_sets_below_home_are_known_without_being_added(home):
    from brainseg.phantom import write_phantom

    write_phantom(home / "datasets" / "phantom-demo", 4, size=64)
    (found,) = known_datasets()
    assert (found.name, found.source, found.counts) == ("phantom-demo", "synthetic", None)
    forget("phantom-demo")
    assert known_datasets() == []
    assert content(home) == []


@pytest.mark.slow
def test_synthetic_sets_are_drawn_and_counted():
    steps = []
    made = add_phantom(4, 3, lambda *step: steps.append(step))
    assert made == replace(add_phantom(4, 3), added=made.added)  # a second may have passed
    assert (made.source, made.counts) == ("synthetic", {"no_tumour": 2, "tumour": 2})
    assert (4, 4) in steps
    with pytest.raises(DataError, match="at least 4 slices"):
        add_phantom(1, 0)


@pytest.mark.slow
def test_synthetic_sets_of_other_settings_live_side_by_side():
    plain, clear = add_phantom(4, 3), add_phantom(4, 3, modalities=("T1ce",), difficulty="clear", slices_per_subject=1)
    assert [plain.name, clear.name] == ["phantom-4-seed-3-v2", "phantom-4-seed-3-T1ce-clear-1-each-v2"]
    table = pd.read_csv(Path(clear.path) / "manifest.csv")
    assert set(table["modality"]) == {"T1ce"}
    assert table["subject"].nunique() == 4
    with pytest.raises(DataError, match="at least one sequence"):
        add_phantom(4, 3, modalities=())


def test_a_name_stands_for_a_path_and_paths_stand_for_themselves(folder, tmp_path, monkeypatch):
    add_folder(folder, "brains")
    assert resolve("Brains") == str(folder)
    assert resolve(str(folder)) == str(folder)
    assert resolve("unknown") == "unknown"
    (tmp_path / "brains").mkdir()
    monkeypatch.chdir(tmp_path)
    assert resolve("brains") == "brains"


def test_a_damaged_list_is_said_in_a_sentence(home):
    (home / "datasets").mkdir(parents=True)
    for text in ("{", '[{"name": "x"}]', "[1]"):
        (home / "datasets" / "library.json").write_text(text)
        with pytest.raises(DataError, match="is damaged: move the file away"):
            known_datasets()


def test_visitors_who_add_at_once_lose_nothing(tmp_path):
    folders = [write_images(tmp_path / f"set{number}", ["a/a.png", "b/b.png"]) for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add_folder, folders))
    assert len(known_datasets()) == 12


def test_a_dataset_is_read_once_until_a_file_changes(folder, monkeypatch):
    reads = []
    real = inspection.open_dataset
    monkeypatch.setattr(inspection, "open_dataset", lambda *args, **named: reads.append(args) or real(*args, **named))
    known = add_folder(folder)
    first = inspect_known_dataset(known)
    assert len(reads) == 1
    assert first.table.equals(real(folder).table)
    assert first.fingerprint == real(folder).fingerprint
    write_images(folder, ["yes/d.png"])
    assert len(inspect_known_dataset(known).table) == 4
    assert len(reads) == 2
    assert known_datasets()[0].counts == {"no": 2, "yes": 2}
    (folder / "no" / "a.png").write_bytes(b"broken")
    assert [bad.path for bad in inspect_known_dataset(known).bad] == ["no/a.png"]
    assert known_datasets()[0].unreadable == 1


def test_a_damaged_memory_is_read_anew(folder, home):
    known = add_folder(folder)
    for file in (home / "cache" / "inspections").iterdir():
        file.write_text('{"signature": 1')
    assert len(inspect_known_dataset(known).table) == 3


def test_a_folder_that_went_away_is_said_in_a_sentence(folder, tmp_path):
    known = add_folder(folder)
    folder.rename(tmp_path / "elsewhere")
    assert not known.exists
    with pytest.raises(DataError, match="does not exist"):
        inspect_known_dataset(known)
    forget("slices")


@pytest.mark.slow
def test_the_library_needs_neither_torch_nor_mlflow():
    code = (
        "import sys; import brainseg.datasets.library; "
        "print({'torch', 'mlflow', 'fastai', 'streamlit'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_who_is_one_patient_is_stored_with_a_dataset(home, tmp_path):
    root = write_images(
        tmp_path / "set", [f"{label}/P{n}/{k}.png" for label in ("a", "b") for n in (1, 2) for k in "xy"]
    )
    assert inspect_known_dataset(add_folder(root)).patients_from == "folder"
    assert stored_settings(str(root)) == {"data.groups": "auto"}
    assert set_groups("set", "none").groups == "none"
    assert (stored_settings(str(root)), find("set").groups) == ({"data.groups": "none"}, "none")
    assert inspect_known_dataset(find("set")).patients_from == "none"
    assert add_folder(root).groups == "none"  # added again, it keeps the setting
    with pytest.raises(ConfigError, match="is not a rule"):
        set_groups("set", "sometimes")
    with pytest.raises(DataError, match="finds no patient"):
        set_groups("set", "folder:3")
    assert find("set").groups == "none"
    assert stored_settings("elsewhere") == {"data.groups": "auto"}


@pytest.mark.slow
def test_which_mask_values_are_tumour_is_stored_with_a_dataset(home, tmp_path):
    root = write_heads(tmp_path / "set", soft)
    known = add_folder(root)
    assert (known.mask_threshold, known.images) == (None, 9)
    assert stored_settings(str(root)) == {"data.groups": "auto"}
    known = set_mask_threshold("set", 128)
    assert (known.mask_threshold, known.images, known.unreadable) == (128, 18, 0)
    assert inspect_known_dataset(find("set")).mask_threshold == 128
    assert stored_settings(str(root)) == {"data.groups": "auto", "data.mask_threshold": 128}
    assert add_folder(root).mask_threshold == 128  # added again, it keeps the setting
    assert set_groups("set", "none").mask_threshold == 128
    for wrong in (0, -5, 65536, float("nan")):
        with pytest.raises(DataError, match="is not allowed: give a number above 0"):
            set_mask_threshold("set", wrong)
    assert set_mask_threshold("set", None).images == 9
    assert add_folder(root, mask_threshold=100).mask_threshold == 100


def test_a_threshold_for_a_set_without_masks_is_refused(home, tmp_path):
    root = write_images(tmp_path / "set", [f"{label}/{k}.png" for label in "ab" for k in "xy"])
    with pytest.raises(DataError, match="has no masks, so a mask threshold"):
        add_folder(root, mask_threshold=128)
    assert not known_datasets()


def test_a_zip_with_a_rule_for_patients_that_is_none_is_refused_before_it_is_unpacked(home, tmp_path):
    upload = save(make_zip(images("set/")), tmp_path / "slices.zip")
    with pytest.raises(ConfigError, match="'patients' is not a rule for patients"):
        add_zip(upload, "slices", lambda done, total: pytest.fail("unpacked"), groups="patients")
    assert not (home / "datasets").exists()
    assert add_zip(upload, "slices", groups="none").groups == "none"


def test_a_dataset_is_found_again_whoever_is_guessed_to_be_a_patient(tmp_path):
    names = [f"{label}/P{n}/{k}.png" for label in ("no", "yes") for n in (1, 2) for k in "ab"]
    known = add_folder(write_images(tmp_path / "set", names))
    unknown, guessed = (open_dataset(Path(known.path), groups=rule) for rule in ("none", "auto"))
    for fingerprint in (unknown.fingerprint, guessed.fingerprint, guessed.grouped_fingerprint):
        assert current_path(str(tmp_path / "gone"), fingerprint) == known.path
