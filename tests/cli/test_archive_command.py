"""`predict --archive` with real models: killed and resumed, and the same answers as `predict` gives for its files."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image
from typer.testing import CliRunner

from brainseg.cli.app import app
from brainseg.diagnosis.archive.journal import journal_of
from brainseg.errors import ConfigError
from brainseg.jobs.workspace import child_environment
from brainseg.monitoring import AnswerLog
from brainseg.runs import RunStore
from tests.conftest import draw_slice, fresh_home, opened_home, tiny_config
from tests.diagnosis.test_segmenter import FACTS, marking
from tests.models.conftest import make_classifier, one_sentence, store

COUNT = 300


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, store_template: Path, tiny_set: Path) -> Path:
    """A home with a classifier and two segmentations, the second with two classes."""
    home = fresh_home(tmp_path_factory.mktemp("archive") / "home", store_template)
    with opened_home(home):
        opened = RunStore()
        for name, model, classes, facts in (
            ("classes", make_classifier(stages=(2,)), ("no", "yes"), {}),
            ("marks", marking(), ("background", "tumour"), FACTS),
            ("two", marking(3), ("background", "core", "oedema"), FACTS),
        ):
            folder = tmp_path_factory.mktemp("bundle")
            store(folder / "bundle", model, classes, name=name, **facts)
            run = opened.create(tiny_config(tiny_set), name, "RUNNING")
            opened.log_folder(run.id, folder)
            opened.set_status(run.id, "FINISHED")
    return home


@pytest.fixture
def home(models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BRAINSEG_HOME", str(models))
    return models


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 different slices in folders, and one damaged file."""
    root, random = tmp_path_factory.mktemp("images") / "slices", np.random.default_rng(0)
    for number in range(COUNT):
        folder = root / f"{number % 7}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw_slice(random, number % 2 == 0, 48)).save(folder / f"{number:04d}.png")
    (root / "3" / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return root


def ask(*args: object) -> dict:
    done = CliRunner().invoke(app, ["predict", *map(str, args), "--json"])
    assert isinstance(done.exception, SystemExit | None), done.exception
    return json.loads(done.stdout)


def refused(*args: object) -> str:
    done = CliRunner().invoke(app, ["predict", *map(str, args)])
    assert isinstance(done.exception, ConfigError), done.output
    return one_sentence(done.exception)


def rows_of(out: Path) -> list[dict]:
    with out.open(encoding="utf-8", newline="") as stream:
        return [{**row, "seconds": ""} for row in csv.DictReader(stream)]


def test_a_killed_process_is_resumed_with_the_answers_of_one_that_was_not(home, images, tmp_path) -> None:
    whole, out = tmp_path / "whole.csv", tmp_path / "answers.parquet"
    said = ask("--run", "classes", "--archive", images, "--out", whole)
    assert (said["files"], said["answered"], said["failed"], said["answered_now"]) == (COUNT + 1, COUNT, 1, COUNT + 1)
    assert said["images_per_second"] == pytest.approx((COUNT + 1) / said["seconds"])
    assert said["peak_memory"] > 10_000_000
    assert (said["backend"], said["precision"], said["out"]) == ("torch", "fp32", str(whole))

    command = [sys.executable, "-m", "brainseg", "predict", "--run", "classes", "--archive", images, "--out", out]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=child_environment()) as process:
        line = process.stderr.readline()
        process.send_signal(signal.SIGKILL)
    assert " s left" in line, line
    assert journal_of(out).exists()
    assert not out.exists()
    assert "add --resume" in refused("--run", "classes", "--archive", images, "--out", out)
    assert "another run" in refused("--run", "marks", "--archive", images, "--out", out, "--resume")
    said = ask("--run", "classes", "--archive", images, "--out", out, "--resume")
    assert 0 < said["answered_now"] < said["files"]
    assert [file.name for file in tmp_path.iterdir() if file.name != whole.name] == [out.name]

    rows, table = rows_of(whole), pyarrow.parquet.read_table(out)
    assert len({row["file"] for row in rows}) == COUNT + 1
    assert table.column_names == list(rows[0])
    words = {None: "", True: "true", False: "false"}
    found = [
        {name: str(words.get(value, value) if value in (None, True, False) else value) for name, value in row.items()}
        for row in table.to_pylist()
    ]
    numbers = {"p_no", "p_yes", "margin"}
    for row, other in zip(rows, found, strict=True):
        assert {name: row[name] for name in row if name not in {*numbers, "seconds"}} == {
            name: other[name] for name in row if name not in {*numbers, "seconds"}
        }
        assert [row[name] and float(row[name]) for name in numbers] == [
            other[name] and float(other[name]) for name in numbers
        ]


def test_answers_and_columns_are_those_of_predict(home, images, tmp_path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for number in range(3):
        (few / f"{number}.png").write_bytes((images / "0" / f"{number * 7:04d}.png").read_bytes())
    (few / "notes.txt").write_text("no image")
    for run in ("classes", "marks", "two"):
        ask("--run", run, "--archive", few, "--out", tmp_path / f"{run}.csv")
        ask("--run", run, *sorted(few.iterdir()), "--csv", tmp_path / "expected.csv")
        expected = [{**row, "file": Path(row["file"]).name} for row in rows_of(tmp_path / "expected.csv")]
        assert rows_of(tmp_path / f"{run}.csv") == expected
    row = rows_of(tmp_path / "two.csv")[0]
    assert float(row["area_of_core"]) + float(row["area_of_oedema"]) == pytest.approx(float(row["area"])) != 0
    assert "area_of_tumour" not in rows_of(tmp_path / "marks.csv")[0]
    assert "heatmap" not in rows_of(tmp_path / "classes.csv")[0]["warnings"], "none is drawn, so none is empty"


def test_several_runs_answer_an_archive_together(home, images, tmp_path) -> None:
    said = ask("--run", "classes", "--run", "classes", "--archive", images / "3", "--out", tmp_path / "a.parquet")
    assert said["model"].count("classes (") == 2
    table = pyarrow.parquet.read_table(tmp_path / "a.parquet")
    assert str(table.schema.field("dissenters").type) == "int64"
    assert set(table["spread"].to_pylist()) == {0.0, None}


def test_the_answers_are_logged(home, images, tmp_path) -> None:
    before = len(AnswerLog().read())
    ask("--run", "classes", "--archive", images / "3", "--out", tmp_path / "a.csv")
    assert len(AnswerLog().read()) - before == len(rows_of(tmp_path / "a.csv")) - 1


def test_what_does_not_go_with_an_archive_is_one_sentence(home, images, tmp_path) -> None:
    out = ["--run", "marks", "--archive", images, "--out", tmp_path / "a.csv"]
    assert "--mask is for images, and --archive for a table" in refused(*out, "--mask", tmp_path / "m.png")
    assert "--plane is for a study" in refused(*out, "--plane", "coronal")
    assert "is named too" in refused(*out, images / "0" / "0000.png")
    assert "name images, or a folder tree with --archive" in refused("--run", "marks")
    assert "--resume is for --archive" in refused("--run", "marks", images / "0" / "0000.png", "--resume")
    assert "--workers is for --archive" in refused("--run", "marks", images / "0" / "0000.png", "--workers", "2")
    assert "ends in .parquet or .csv" in refused("--run", "marks", "--archive", images)
    assert not list(tmp_path.iterdir())
