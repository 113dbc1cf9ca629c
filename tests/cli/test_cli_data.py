"""`data add`, `data list` and `data forget`, as a user runs them."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brainseg.cli.data import app, cut, phantom
from brainseg.cli.options import RunOptions
from brainseg.config import RunConfig
from brainseg.datasets.volumes.settings import CutSettings
from brainseg.errors import ConfigError, DataError
from brainseg.phantom import write_phantom
from brainseg.runs import RunStore
from tests.datasets.conftest import write_images
from tests.datasets.test_mask_meaning import soft
from tests.datasets.test_mask_meaning import write as write_heads
from tests.datasets.volumes.studies import brats
from tests.datasets.zips import images, make_zip, save


def data(*args: object, answer: str = "") -> str:
    """Return what a command prints; its error, if it has one, is raised."""
    done = CliRunner().invoke(app, [str(arg) for arg in args], input=answer, catch_exceptions=False)
    return done.stdout


@pytest.fixture
def upload(home, tmp_path) -> Path:
    return save(make_zip(images("set/")), tmp_path / "slices.zip")


def test_a_folder_is_added_listed_and_forgotten(home, tiny_set):
    added = json.loads(data("add", tiny_set, "--json"))
    assert (added["name"], added["source"], added["counts"]) == ("tiny", "folder", {"no": 20, "yes": 20})
    assert [entry["name"] for entry in json.loads(data("list", "--json"))] == ["tiny"]
    assert "tiny: folder, 40 images (no 20, yes 20)" in data("list")
    assert "its folder stays" in data("forget", "tiny")
    assert tiny_set.is_dir()
    assert "`data add PATH`" in data("list")


def test_a_known_name_can_be_inspected(home, tiny_set):
    data("add", tiny_set, "--name", "Small ones")
    assert json.loads(data("inspect", "small ones", "--json"))["images"] == 40


def test_a_zip_file_is_added_and_deleted_only_when_that_is_confirmed(home, upload):
    added = json.loads(data("add", upload, "--json"))
    assert (added["name"], added["source"]) == ("slices", "upload")
    data("forget", "slices", answer="n\n")
    assert Path(added["path"]).is_dir()
    assert "was deleted" in data("forget", "slices", answer="y\n")
    assert not Path(added["path"]).exists()


def test_what_a_waiting_run_needs_is_not_deleted(home, upload):
    added = json.loads(data("add", upload, "--json"))
    store = RunStore()
    run = store.create(RunConfig.from_preset("quick", {"data.path": added["path"]}), "waits")
    with pytest.raises(DataError, match="run 'waits' still needs it"):
        data("forget", "slices", "--yes")
    store.set_status(run.id, "KILLED")
    assert "was deleted" in data("forget", "slices", "--yes")


def test_a_zip_file_that_is_not_there(home, tmp_path):
    with pytest.raises(DataError, match="does not exist, or you may not read it"):
        data("add", tmp_path / "lost.zip")


def test_a_zip_file_is_added_with_a_rule_for_patients(home, upload):
    with pytest.raises(ConfigError, match="not a rule for patients"):
        data("add", upload, "--groups", "patients")
    assert json.loads(data("add", upload, "--groups", "none", "--json"))["groups"] == "none"


def test_a_threshold_for_masks_is_stored_and_used(home, tmp_path):
    root = write_heads(tmp_path / "set", soft)
    assert json.loads(data("add", root, "--mask-threshold", "128", "--json"))["mask_threshold"] == 128
    assert json.loads(data("inspect", "set", "--json"))["masks"]["threshold"] == 128
    assert json.loads(data("inspect", "set", "--mask-threshold", "99", "--json"))["masks"]["threshold"] == 99
    assert RunOptions(Path("set"), settings=["task=segment"]).config().data.mask_threshold == 128
    assert RunOptions(Path("set")).config().data.mask_threshold is None
    with pytest.raises(DataError, match="not allowed"):
        data("inspect", "set", "--mask-threshold", "0")


def test_the_phantoms_options_stand_as_in_the_library():
    command, library = (inspect.signature(function).parameters for function in (phantom, write_phantom))
    for name in ("seed", "size", "plane", "difficulty", "slices_per_subject", "volumes", "dicom"):
        assert command[name].default == library[name].default


def test_patients_are_told_and_set_on_the_command_line(home, tmp_path):
    root = write_images(tmp_path / "set", [f"{label}/P{n}/{k}.png" for label in "ab" for n in "12" for k in "xy"])
    assert "Patients: 4 patients, from folder names" in data("inspect", root)
    unknown = "Patients: patients unknown: slices of one patient may be on both sides"
    assert unknown in data("inspect", root, "--groups", "none")
    assert json.loads(data("add", root, "--groups", "per-class:folder", "--json"))["groups"] == "per-class:folder"
    assert "Patients: 4 patients, from folder names" in data("inspect", "set")
    assert RunOptions(Path("set"), preset="quick").config().data.groups == "per-class:folder"
    assert RunOptions(Path("set"), preset="quick", settings=["data.groups=none"]).config().data.groups == "none"


def test_volumes_are_cut_into_a_folder_or_into_the_list(home, tmp_path):
    brats(tmp_path / "set", "BraTS2021_00001")
    out = tmp_path / "slices"
    made = json.loads(
        data("cut", tmp_path / "set", "--out", out, "--sequence", "flair", "--plane", "coronal", "--json")
    )
    assert (made["folder"], made["studies"], made["sequences"]) == (str(out), 1, {"FLAIR": 1})
    assert json.loads(data("inspect", out, "--json"))["images"] == made["images"]
    said = data("cut", tmp_path / "set", "--name", "glioma", "--every", 2)
    assert "studies 1; patients 1" in said
    (known,) = json.loads(data("list", "--json"))
    assert (known["name"], known["source"]) == ("glioma", "volumes")
    with pytest.raises(DataError, match="is not empty: choose a new or empty folder"):
        data("cut", tmp_path / "set", "--out", out)
    with pytest.raises(ConfigError, match="--name is for the list"):
        data("cut", tmp_path / "set", "--out", tmp_path / "other", "--name", "x")


def test_the_options_of_cutting_stand_as_in_the_library():
    command = inspect.signature(cut).parameters
    defaults = vars(CutSettings())
    for name in ("plane", "every", "masks", "class_folders", "keep_names"):
        assert command[name].default == defaults[name]
