"""The Data page: what it shows, and how datasets are added and forgotten on it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from brainseg.app.data.adding import NO_FILE, added_sentence, removed_sentence
from brainseg.app.data.folder_upload import NO_CLASS_FOLDERS, NO_FOLDER, add_uploaded_folder
from brainseg.app.data.images import copy_groups
from brainseg.app.data.page import HIDDEN, NO_DATASETS, SOURCES
from brainseg.app.data.views import NO_COPIES, leaks
from brainseg.app.data.volumes_form import BOTH, NOTHING
from brainseg.app.messages import on_page
from brainseg.app.widgets.dataset_reading import SYNTHETIC, read_dataset
from brainseg.config import RunConfig
from brainseg.datasets.access import permitted
from brainseg.datasets.inspection import open_any
from brainseg.datasets.library import add_folder, add_phantom, add_zip, find, known_datasets, set_groups
from brainseg.datasets.near_decisions import different_pairs
from brainseg.datasets.patient_messages import UNKNOWN, as_sentence, patients_sentence
from brainseg.datasets.report import dataset_report
from brainseg.files import sha256_file
from brainseg.jobs.removal import refuse_if_needed
from brainseg.runs import RunStore
from tests.app.page_text import message, plain
from tests.conftest import PROJECT_ROOT
from tests.datasets.conftest import write_images
from tests.datasets.test_near_copies import as_jpeg, brain
from tests.datasets.volumes.studies import brats
from tests.datasets.zips import images, make_zip


def texts(elements: object) -> str:
    return "\n".join(str(element.value) for element in elements)


def captions(app: AppTest) -> str:
    """Everything that stands below pictures; AppTest keeps pictures' captions in their messages."""
    return "\n".join(str(element.proto) for element in app.get("image"))


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception
    return app


def turn_to(app: AppTest, view: str) -> AppTest:
    app.session_state["data-view"] = view
    app.run()
    assert not app.exception
    return app


@pytest.fixture
def leaky(tmp_path: Path) -> Path:
    """A set with a given split, a leak, a copy under two labels, two unreadable files and odd names."""
    names = [f"{split}/{label}/{n}.png" for split in ("train", "test") for label in ("no", "yes") for n in range(3)]
    root = write_images(tmp_path / "leaky", [*names, "train/no/a*b_[c](d).png"])
    shutil.copy(root / "train/yes/0.png", root / "test/yes/leak.png")
    shutil.copy(root / "train/yes/1.png", root / "train/no/mislabelled.png")
    (root / "train/no/empty.png").write_bytes(b"")
    (root / "test/no/broken.png").write_bytes(b"no image")
    (root / "notes.txt").write_text("x")
    return root


def test_without_datasets_it_says_how_to_begin(home, open_page):
    app = open_page("data")
    assert plain(app.info) == [NO_DATASETS]
    assert not app.metric
    assert not app.error


@pytest.mark.parametrize("count", [1, 50])
def test_runs_are_counted_and_their_folders_offered(home, tiny_set, open_page, count):
    store = RunStore()
    for number in range(count):
        store.create(RunConfig.from_preset("quick", {"data.path": str(tiny_set)}), f"run {number}", "KILLED")
    app = open_page("data")
    (offer,) = [button for button in app.button if button.key and button.key.startswith("data-add-")]
    assert offer.key == f"data-add-{tiny_set}"
    assert f" {count} run" in offer.label
    offer.click().run()
    assert [known.name for known in known_datasets()] == ["tiny"]
    assert list(app.dataframe[0].value["Runs"]) == [count]
    assert plain(app.toast) == [added_sentence(find("tiny"))]
    assert (find("tiny").images, len(find("tiny").counts)) == (40, 2)


def test_a_folder_is_added_and_described(home, leaky, open_page):
    app = open_page("data")
    app.text_input[0].set_value(str(leaky))
    press(app, "data-folder-add")
    assert {metric.label: metric.value for metric in app.metric} == {
        "Images": "15",
        "Classes": "2",
        "Unreadable files": "2",
        "Duplicate groups": "2",
        "Duplicates": "2",
    }
    report = dataset_report(open_any(leaky))
    assert set(leaks(report)) <= set(plain(app.warning))
    assert any("1 of 7 " in sentence and "14.3 %" in sentence for sentence in leaks(report))
    assert report["duplicates"]["across_labels"] == 1
    assert len(leaks(report)) == 2
    assert "leaky" in app.query_params["data"]
    assert len(app.get("plotly_chart")) == 3


def test_a_folder_that_is_not_there_or_not_for_the_pages_is_said_in_a_sentence(home, open_page):
    app = open_page("data")
    refused = {}
    for path in ("/nowhere/at/all", "/etc", ""):
        app.text_input[0].set_value(path)
        press(app, "data-folder-add")
        (refused[path],) = plain(app.error)
        assert refused[path] == message(permitted, path)
    assert refused["/etc"].replace("etc", "all", 1) == refused["/nowhere/at/all"], "it does not tell what exists"
    assert known_datasets() == []


def test_copies_are_shown_side_by_side_with_what_is_wrong(home, leaky, open_page):
    add_folder(leaky)
    app = turn_to(open_page("data"), "Duplicates")
    faults = [fault for group in copy_groups(open_any(leaky)) for fault in group.faults]
    assert ["no, yes" in faults[0], "train and test" in faults[1]] == [True, True]
    marked = [text for text in plain(app.markdown) if text.startswith(":material/error:")]
    assert marked == [f":material/error: **{fault}**" for fault in faults]
    assert len(app.get("image")) == 4
    pictures = captions(app)
    for path, label in (("train/yes/1", "label yes, training"), ("train/no/mislabelled", "label no, training")):
        assert path in pictures
        assert label in pictures
    assert "label yes, test" in pictures


def test_a_near_copy_is_told_apart_and_the_decision_can_be_taken_back(home, tmp_path, open_page):
    for seed, label in ((0, "no"), (1, "yes")):
        (tmp_path / "set" / label).mkdir(parents=True)
        brain(seed).save(tmp_path / "set" / label / "first.png")
        as_jpeg(brain(seed)).save(tmp_path / "set" / label / "again.png")
    add_folder(tmp_path / "set")
    app = turn_to(open_page("data"), "Duplicates")

    def buttons(label):
        return [button for button in app.button if button.label == label]

    assert len(buttons("Not a copy")) == 4
    buttons("Not a copy")[0].click().run()
    assert not app.exception
    assert len(buttons("Not a copy")) == 2
    assert any("judged to be different" in text for text in plain(app.warning))
    buttons("They are copies")[0].click().run()
    assert len(buttons("Not a copy")) == 4
    assert different_pairs() == frozenset()


def test_no_copies_are_said_too(home, tiny_set, open_page):
    add_folder(tiny_set)
    assert plain(turn_to(open_page("data"), "Duplicates").success) == [NO_COPIES]


def test_unreadable_and_odd_files_are_listed_with_reasons(home, leaky, open_page):
    add_folder(leaky)
    app = turn_to(open_page("data"), "Problem files")
    tables = [table.value for table in app.dataframe if "reason" in table.value]
    (unreadable,) = tables
    assert set(unreadable["path"]) == {"train/no/empty.png", "test/no/broken.png"}
    assert all(unreadable["reason"].str.endswith("."))
    assert any("notes.txt" in table.value.to_string() for table in app.dataframe)


def test_the_guess_of_patients_is_shown_and_can_be_refused_and_set(home, tmp_path, open_page):
    add_folder(write_images(tmp_path / "set", [f"{label}/P{n}/{k}.png" for label in "ab" for n in "12" for k in "xy"]))
    app = open_page("data")
    shown = as_sentence(patients_sentence({"count": 4, "source": "folder"}))
    assert shown in plain(app.markdown), "P1 of another class may be another person"
    app.selectbox(key="data-groups-set-kind").set_value("none").run()
    press(app, "data-groups-set-store")
    assert any(text.startswith(as_sentence(UNKNOWN)) for text in plain(app.info))
    assert find("set").groups == "none"
    app.selectbox(key="data-groups-set-kind").set_value("name").run()
    app.text_input(key="data-groups-set-name").set_value("(nobody)").run()
    press(app, "data-groups-set-store")
    assert [on_page(text) for text in plain(app.error)] == [message(set_groups, "set", "name:(nobody)")]
    assert find("set").groups == "none"
    app.text_input(key="data-groups-set-name").set_value("(.)").run()
    press(app, "data-groups-set-store")
    (shown,) = [text for text in plain(app.markdown) if "data.groups=name:(.)" in text]
    assert shown.startswith(as_sentence(patients_sentence({"count": 2, "source": "file name"})))
    assert find("set").groups == "name:(.)"


def test_sample_images_change_on_request_only(home, tiny_set, open_page):
    add_folder(tiny_set)
    app = turn_to(open_page("data"), "Images")
    first = captions(app)
    assert len(app.get("image")) == 16
    assert "8 of 20 " in texts(app.markdown)
    app.run()
    assert captions(app) == first
    press(app, "data-others")
    assert captions(app) != first


def test_names_of_files_are_no_markup(home, leaky, open_page):
    add_folder(leaky)
    app = turn_to(open_page("data"), "Images")
    assert "a\\\\*b" in captions(app)


def test_an_upload_is_unpacked_and_can_be_deleted(home, open_page):
    app = open_page("data")
    app.file_uploader[1].set_value(("my slices.zip", make_zip(images("set/")).getvalue(), "application/zip"))
    press(app, "data-zip-add")
    known = find("my slices")
    assert plain(app.toast) == [added_sentence(known)]
    assert (known.images, len(known.counts)) == (6, 2)
    place = Path(known.path)
    assert place.parent == home / "datasets"
    assert app.button(key="data-forget-my slices").disabled
    app.checkbox[0].check().run()
    press(app, "data-forget-my slices")
    assert plain(app.toast) == [removed_sentence(known)]
    assert not place.exists()
    assert known_datasets() == []


@pytest.mark.parametrize("entries", [{"../escape.png": b"x"}, {"readme.txt": b"x"}])
def test_a_bad_upload_is_refused_in_a_sentence(home, open_page, entries):
    app = open_page("data")
    app.file_uploader[1].set_value(("bad.zip", make_zip(entries).getvalue(), "application/zip"))
    press(app, "data-zip-add")
    assert plain(app.error) == [message(add_zip, make_zip(entries), "bad")]
    assert not list((home / "datasets").glob("*.png"))
    assert known_datasets() == []


def test_an_upload_is_offered_no_larger_than_the_server_takes(home, open_page, monkeypatch):
    for server, offered in ((25, 25), (4000, 1000)):
        monkeypatch.setattr(st, "get_option", lambda _name, server=server: server)
        assert open_page("data").file_uploader[1].proto.max_upload_size_mb == offered


def test_an_upload_without_a_file_is_said(home, open_page):
    assert plain(press(open_page("data"), "data-zip-add").error) == [NO_FILE]


def test_synthetic_slices_are_made_and_named_so(home, open_page):
    app = open_page("data")
    app.number_input(key="data-slices").set_value(4)
    press(app, "data-synthetic-add")
    known = find("phantom-4-seed-0-v2")
    assert plain(app.toast) == [added_sentence(known)]
    assert known.images == 4
    assert SYNTHETIC in plain(app.info)


def test_synthetic_slices_are_drawn_as_the_form_says(home, open_page):
    app = open_page("data")
    for key, value in (("slices", 4), ("slices-per-person", 1), ("seed", 7)):
        app.number_input(key=f"data-{key}").set_value(value)
    app.selectbox(key="data-tumours").select("clear")
    app.multiselect(key="data-synthetic-sequences").unselect("T1").unselect("T2")
    press(app, "data-synthetic-add")
    (known,) = known_datasets()
    assert known.name == "phantom-4-seed-7-T1ce-FLAIR-clear-1-each-v2"
    assert plain(app.toast) == [added_sentence(known)]
    stored = json.loads((Path(known.path) / "phantom.json").read_text())["settings"]
    assert (stored["modalities"], stored["difficulty"], stored["slices_per_subject"]) == (["T1ce", "FLAIR"], "clear", 1)


def test_synthetic_slices_without_a_contrast_are_refused(home, open_page):
    app = open_page("data")
    app.multiselect(key="data-synthetic-sequences").set_value([])
    assert plain(press(app, "data-synthetic-add").error) == [message(add_phantom, 4, 0, modalities=())]
    assert known_datasets() == []


def test_what_a_waiting_run_needs_is_not_deleted(home, open_page):
    known = add_phantom(4, 0)
    RunStore().create(RunConfig.from_preset("quick", {"data.path": known.path}), "waits")
    app = open_page("data")
    app.checkbox[0].check().run()
    press(app, f"data-forget-{known.name}")
    assert plain(app.error) == [message(refuse_if_needed, known, RunStore().list())]
    assert "'waits'" in app.error[0].value
    assert known_datasets() == [known]


def test_a_server_folder_is_forgotten_and_stays(home, tiny_set, open_page):
    known = add_folder(tiny_set)
    app = press(open_page("data"), f"data-forget-{known.name}")
    assert plain(app.toast) == [removed_sentence(known)]
    assert known_datasets() == []
    assert len(list(tiny_set.rglob("*.png"))) == 40


def test_a_folder_that_went_away_can_still_be_forgotten(home, leaky, open_page):
    known = add_folder(leaky)
    shutil.rmtree(leaky)
    app = open_page("data")
    assert plain(app.error) == [message(read_dataset, known)]
    assert str(leaky) in plain(app.error)[0]
    press(app, f"data-forget-{known.name}")
    assert known_datasets() == []


def test_a_dataset_is_named_by_the_address(home, tiny_set, leaky, open_page):
    add_folder(leaky)
    add_folder(tiny_set)
    assert open_page("data", data="tiny").selectbox(key="data-chosen").value == "tiny"
    assert open_page("data", data="unknown").selectbox(key="data-chosen").value == "leaky"


def test_a_changed_folder_is_read_anew(home, leaky, open_page):
    add_folder(leaky)
    write_images(leaky, ["train/yes/new.png"])
    assert open_page("data").metric[0].value == "16"
    assert find("leaky").images == 16


def test_a_damaged_list_is_said_in_a_sentence(home, open_page):
    (home / "datasets").mkdir()
    (home / "datasets" / "library.json").write_text("[")
    assert plain(open_page("data").error) == [message(known_datasets)]


def test_a_demo_session_sees_one_sentence_and_changes_nothing(home, tiny_set, open_page, monkeypatch):
    add_folder(tiny_set)
    monkeypatch.setenv("BRAINSEG_DEMO", "1")
    app = open_page("data")
    assert plain(app.info) == [HIDDEN]
    assert not app.button
    assert not app.dataframe
    assert "tiny" not in texts(app.markdown)


def test_the_papers_set_as_the_page_shows_it(home, shared, open_page):
    known = add_folder(shared / "data" / "kaggle253")
    app = open_page("data")
    values = {metric.label: metric.value for metric in app.metric}
    assert values["Images"] == "253"
    assert (values["Duplicate groups"], values["Duplicates"]) == ("22", "25")
    assert list(app.dataframe[0].value["Classes"]) == ["98 “no”, 155 “yes”"]
    modes = next(chart for chart in app.get("plotly_chart") if "Modes" in str(chart.proto))
    for mode in ("217 (86 %)", "30 (12 %)", "5 (2 %)", "1 (under 1 %)"):
        assert mode in str(modes.proto)
    report = dataset_report(read_dataset(known))
    assert set(leaks(report)) <= set(plain(app.warning))
    assert [any(sentence.startswith(number) for sentence in leaks(report)) for number in ("25 ", "49 ")] == [True, True]
    assert "group 1 of 48" in texts(turn_to(app, "Duplicates").markdown)
    assert "group 1 of 26" in texts(app.get("button_group")[0].set_value("Near copies").run().markdown)


def leaking_part(root: Path, folder: Path) -> Path:
    """Links to all test images, and to those training images that are byte-identical to one: a quarter of the set."""
    of_tests = {sha256_file(file) for file in root.glob("Testing/*/*")}
    for file in (*sorted(root.glob("Testing/*/*")), *sorted(root.glob("Training/*/*"))):
        if file.parent.parent.name == "Testing" or sha256_file(file) in of_tests:
            place = folder / file.relative_to(root)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(file)
    return folder


def test_the_leak_of_the_four_class_set(home, shared, open_page, tmp_path):
    known = add_folder(leaking_part(shared / "data" / "mc7023", tmp_path / "mc7023"))
    report = dataset_report(read_dataset(known))
    assert set(leaks(report)) <= set(plain(open_page("data").warning))
    assert any("216 of 1,311 " in sentence and "16.5 %" in sentence for sentence in leaks(report))


def test_the_pages_data_and_about_need_no_torch(home):
    code = (
        "import sys; from streamlit.testing.v1 import AppTest\n"
        "for name in ('data', 'about'):\n"
        "    app = AppTest.from_file(f'pages/{name}.py', default_timeout=60).run()\n"
        "    assert not app.exception and not app.error\n"
        "print({'torch', 'fastai'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT_ROOT)
    assert done.stdout.strip() == "set()"


def sent(names: list[str]) -> list[tuple[str, bytes, str]]:
    """What a browser sends of a folder: each file with its path from that folder on."""
    (content, *_) = images("").values()
    return [(name, content + b"%d" % number, "image/png") for number, name in enumerate(names)]


def test_a_folder_is_sent_with_its_class_folders(home, open_page):
    app = open_page("data")
    names = [f"heads/{label}/{number}.png" for label in ("no", "yes") for number in range(2)]
    app.file_uploader(key="data-sent-files").set_value(sent(names))
    app.session_state["data-view"] = "Problem files"
    press(app, "data-sent-add")
    known = find("heads")
    assert plain(app.toast) == [added_sentence(known)]
    assert (known.images, len(known.counts)) == (4, 2)
    place = Path(known.path)
    assert place.parent == home / "datasets"
    assert sorted(file.relative_to(place).as_posix() for file in place.rglob("*.png")) == [
        "no/0.png",
        "no/1.png",
        "yes/0.png",
        "yes/1.png",
    ]
    assert app.session_state["data-view"] == "Overview"


@dataclass
class SentFile:
    """A file of an uploaded folder, as the uploader gives it."""

    name: str
    content: bytes

    def getbuffer(self) -> memoryview:
        return memoryview(self.content)


@pytest.mark.parametrize(
    ("names", "fragment"),
    [
        ([], NO_FOLDER),
        (["1.png", "2.png"], NO_CLASS_FOLDERS),
        (["heads/../../no/1.png", "heads/yes/1.png"], "'1.png'"),
        (["heads/no/1.png", "heads/NO/1.PNG"], "1.PNG"),
        ([f"heads/no/{number}.png" for number in range(1200)], "1,200 "),
    ],
)
def test_a_sent_folder_that_cannot_be_is_refused_in_a_sentence(home, open_page, names, fragment):
    app = open_page("data")
    if names:
        app.file_uploader(key="data-sent-files").set_value(sent(names))
    press(app, "data-sent-add")
    files = [SentFile(name, content) for name, content, _ in sent(names)] if names else []
    (error,) = plain(app.error)
    assert error == message(add_uploaded_folder, files)
    assert fragment in error
    assert not error.startswith("The zip file"), "it was a folder"
    assert known_datasets() == []


def test_a_set_that_was_never_scanned_is_counted_by_looking_and_says_all_that_it_is_for(home, open_page):
    add_phantom(4, 0)
    library = home / "datasets" / "library.json"
    kept = json.loads(library.read_text())
    library.write_text(json.dumps([{**entry, "counts": None} for entry in kept]))
    assert known_datasets()[0].counts is None
    table = open_page("data").dataframe[0].value
    assert list(table["Images"]) == [4]
    assert list(table["For"]) == ["classification and segmentation"]


def test_volumes_are_cut_into_slices_and_added(home, open_page):
    brats(home / "set", "BraTS2021_00001")
    brats(home / "set", "BraTS2021_00002")
    (home / "set/BraTS2021_00002/BraTS2021_00002_seg.nii.gz").unlink()
    app = open_page("data")
    app.text_input(key="data-volumes-path").set_value(str(home / "set"))
    press(app, "data-volumes-add")
    known = find("set")
    assert plain(app.toast) == [added_sentence(known)]
    assert (known.source, known.images) == ("volumes", 24)
    assert "1 study has no mask and is left out." in plain(app.info)
    assert list(app.dataframe[0].value["Kind"]) == [SOURCES["volumes"]]
    app.run()
    assert "1 study has no mask and is left out." not in plain(app.info)


def test_volumes_are_refused_in_a_sentence(home, open_page):
    assert plain(press(open_page("data"), "data-volumes-add").error) == [NOTHING]
    app = open_page("data")
    app.text_input(key="data-volumes-path").set_value(str(home))
    app.file_uploader[2].set_value(("set.zip", make_zip(images()).getvalue(), "application/zip"))
    assert plain(press(app, "data-volumes-add").error) == [BOTH]
    app = open_page("data")
    app.file_uploader[2].set_value(("set.zip", make_zip(images()).getvalue(), "application/zip"))
    (error,) = plain(press(app, "data-volumes-add").error)
    assert "holds no volumes" in error
    assert known_datasets() == []
