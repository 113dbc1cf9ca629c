"""`brainseg read`: make, list, end and check studies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from brainseg.cli.app import app as program
from brainseg.errors import BrainsegError, ConfigError, ReadingError
from brainseg.reading.library import find_study, study_folder
from brainseg.reading.session import ReaderSession
from tests.reading.conftest import read_all


def read(*arguments: str) -> Result:
    return CliRunner().invoke(program, ["read", *arguments])


def refused(*arguments: str) -> BrainsegError:
    """Return the error of a command that ends in one."""
    error = read(*arguments).exception
    assert isinstance(error, BrainsegError)
    return error


def test_a_phantom_study_from_the_command_line(home: Path, tmp_path: Path) -> None:
    wanted = ("create", "--phantom", "8", "--run", "none", "--cases", "4", "--name", "first")
    made = json.loads(read(*wanted, "--teaching", "--json").stdout)
    assert (made["classes"], made["positive"]) == ({"no_tumour": 2, "tumour": 2}, "tumour")
    assert (made["model"], made["teaching"], made["readers"], made["over"]) == (None, True, [], False)
    study = find_study("first")
    assert study.id == made["study"]
    assert "first" in read("list").stdout
    assert "Nobody has begun" in str(refused("end", "first"))
    assert "Nobody has read" in str(refused("results", "first"))
    read_all(study, "owl", lambda _: ("tumour", 80))
    ReaderSession(study, "fox", "x").begin()
    assert "Still reading: fox" in str(refused("export", "first", "--log", str(tmp_path / "log")))
    assert not (tmp_path / "log").exists()
    ended = json.loads(read("end", "first", "--json").stdout)
    assert (ended["ended"], ended["over"]) == (True, True)
    text = read("results", "first").stdout
    assert "The study was ended early before fox had finished" in text
    assert "agreement 2 of 4 (50 %; 15 to 85 %)" in text
    assert "sensitivity 2 of 2 (100 %; 34 to 100 %)" in text
    found = json.loads(read("results", "first", "--json").stdout)
    assert [each["readers"] for each in found["readers"]] == [["owl"]]
    assert found["pooled"] is None
    assert read("verify", "first").exit_code == 0
    assert read("verify", "first", "--hash", "0" * 64).exit_code == 1


@pytest.mark.parametrize("options", [(), ("--data", "x", "--phantom", "4")])
def test_one_source_of_images_is_needed(home: Path, options: tuple[str, ...]) -> None:
    assert isinstance(refused("create", *options), ConfigError)


def test_without_a_classifier_the_model_has_to_be_none(home: Path) -> None:
    error = refused("create", "--phantom", "4")
    assert isinstance(error, ReadingError)
    assert "--run none" in str(error)
    assert read("list", "--json").stdout.strip() == "[]"


def test_a_study_that_cannot_be_read_is_listed(home: Path) -> None:
    read("create", "--phantom", "4", "--run", "none", "--cases", "2", "--name", "first")
    study = find_study("first")
    (study_folder(study.id) / "study.json").write_text("{")
    (listed,) = json.loads(read("list", "--json").stdout)
    assert listed["study"] == study.id
    assert "is damaged" in listed["unreadable"]
