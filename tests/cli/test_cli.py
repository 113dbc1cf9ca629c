"""The program as a user runs it: real processes, what they print, and how they end."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import shutil
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from copy import copy
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from brainseg.cli.app import main
from brainseg.jobs.workspace import child_environment
from tests.conftest import fresh_home
from tests.jobs.helpers import end_processes


def here(*args: object, home: Path) -> subprocess.CompletedProcess[str]:
    """Run the whole program in this process, which spares the start of another interpreter."""
    printed, complaints, code = io.StringIO(), io.StringIO(), 0
    logger = logging.getLogger("brainseg")
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed), redirect_stderr(complaints):
        patch.setenv("BRAINSEG_HOME", str(home))
        patch.setattr(sys, "argv", ["brainseg", *map(str, args)])
        for name in ("handlers", "propagate", "level"):  # the program sets up its log
            patch.setattr(logger, name, copy(getattr(logger, name)))
        try:
            main()
        except SystemExit as stop:
            code = stop.code
    return subprocess.CompletedProcess(args, code, printed.getvalue(), complaints.getvalue())


def brainseg(*args: object, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the program in a separate process, as a user does."""
    environment = child_environment()
    if home:
        environment["BRAINSEG_HOME"] = str(home)
    return subprocess.run(
        [sys.executable, "-m", "brainseg", *map(str, args)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
    )


TINY = ["--preset", "quick", "--weights", "none", "--set", "preparation.size=40", "--set", "compute.threads=1",
        "--set", "training.epochs=1", "--set", "data.valid_fraction=0.3", "--set", "model.stages=[2]",
        "--set", "compute.export=none"]  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, store_template: Path, tiny_set: Path) -> tuple[Path, dict]:
    """A home with one finished run, and what `train --json` said of it."""
    home = fresh_home(tmp_path_factory.mktemp("cli") / "home", store_template)
    done = brainseg("train", "--data", tiny_set, "--name", "tiny", *TINY, "--json", home=home)
    assert done.returncode == 0, done.stderr
    return home, json.loads(done.stdout)


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """One sentence on stderr, nothing on stdout, exit code 2."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_train_json_names_run_metrics_and_bundle(trained) -> None:
    _, answer = trained
    assert len(answer["run_id"]) == 32
    assert 0 <= answer["metrics"]["accuracy"] <= 1
    files = {path.name for path in Path(answer["bundle"]).iterdir()}
    assert files == {"model.safetensors", "bundle.json", "guard.safetensors"}


def test_predict_answers_for_good_files_and_names_the_bad_one(trained, tiny_set: Path, tmp_path: Path) -> None:
    home, _ = trained
    bad = tmp_path / "notes.png"
    bad.write_text("no image")
    good = sorted((tiny_set / "yes").iterdir())[:2]
    done = brainseg(
        "predict",
        "--run",
        "tiny",
        *good,
        bad,
        "--json",
        "--cam",
        tmp_path / "cam.png",
        "--csv",
        tmp_path / "out.csv",
        home=home,
    )
    assert done.returncode == 1
    answers = json.loads(done.stdout)
    assert [answer.get("error") is None for answer in answers] == [True, True, False]
    assert "notes.png" in answers[2]["error"]
    for answer in answers[:2]:
        assert sum(answer["probabilities"].values()) == pytest.approx(1)
        assert answer["label"] == max(answer["probabilities"], key=answer["probabilities"].get)
        assert answer["model"].startswith("tiny (")
        assert answer["seconds"] > 0
        assert Image.open(answer["cam"]).text["Disclaimer"].startswith("Research use only")
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert [bool(row["error"]) for row in rows] == [False, False, True]
    assert float(rows[0]["p_yes"]) == pytest.approx(answers[0]["probabilities"]["yes"])


@pytest.mark.parametrize("option", ["--cam", "--csv"])
def test_an_answer_that_cannot_be_written_is_one_sentence(trained, tiny_set: Path, tmp_path: Path, option: str) -> None:
    (tmp_path / "folder").mkdir()
    image = tiny_set / "yes" / "000.png"
    done = here("predict", "--run", "tiny", image, option, tmp_path / "folder", "--json", home=trained[0])
    assert_refused(done, "cannot be read or written", "name another place")


def test_predict_agrees_with_the_evaluation(trained, tiny_set: Path) -> None:
    home, answer = trained
    table = pd.read_parquet(Path(answer["bundle"]).parent / "predictions.parquet").head(4)
    done = here(
        "predict", "--run", answer["run_id"][:8], *(tiny_set / path for path in table["path"]), "--json", home=home
    )
    shares = [entry["probabilities"]["yes"] for entry in json.loads(done.stdout)]
    assert shares == pytest.approx(table["p_yes"].tolist(), abs=1e-5)


def test_show_and_runs_tell_all(trained, tmp_path: Path) -> None:
    home, answer = trained
    listed = json.loads(here("runs", "--json", home=home).stdout)
    assert [run["run_id"] for run in listed] == [answer["run_id"]]
    done = here("show", "tiny", "--json", "--figures", tmp_path / "figures", home=home)
    shown = json.loads(done.stdout)
    assert [row["epoch"] for row in shown["epochs"]] == [1, 2]
    assert len(shown["hardest"]) == 6
    assert shown["evaluation"]["accuracy"] == answer["metrics"]["accuracy"]
    names = {Path(file).name for file in shown["figures"]}
    assert names == {
        "reliability.html",
        "training_curves.html",
        "confusion_matrix.html",
        "metrics.html",
        "roc.html",
        "precision_recall.html",
        "thresholds.html",
        "coverage.html",
        "hardest.png",
    }
    assert all(Path(file).stat().st_size > 1000 for file in shown["figures"])
    plain = here("show", "tiny", home=home).stdout
    assert "accuracy" in plain
    assert "hard: " in plain


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["train"], ["No dataset was named"]),
        (["train", "--data", "/nowhere"], ["/nowhere does not exist"]),
        (["train", "--data", ".", "--set", "training.epochs=many"], ["training.epochs", "'many'", "integer"]),
        (["train", "--data", ".", "--set", "training.epoch=3"], ["training.epoch is not a setting", "epochs"]),
        (["train", "--data", ".", "--set", "nonsense"], ["section.field=value"]),
        (["train", "--data", ".", "--preset", "best"], ["preset: 'best' is unknown", "paper"]),
        (["train", "--data", ".", "--arch", "vgg16"], ["model.arch", "'vgg16'", "resnet34"]),
        (["train", "--data", ".", "--weights", "lost.pth"], ["lost.pth does not exist"]),
        (["train", "--data", ".", "--weights", "run:lost"], ["There is no run 'lost'"]),
        (["data", "inspect", "/nowhere"], ["/nowhere does not exist"]),
        (["data", "phantom", "--out", "x", "--n", "1"], ["1"]),
        (["data", "phantom", "--out", "x", "--modality", "T3"], ["T3", "T1, T1ce, T2, FLAIR"]),
        (["data", "phantom", "--out", "x", "--difficulty", "hard"], ["hard", "realistic, clear"]),
        (["show", "nobody"], ["There is no run 'nobody'"]),
        (["cancel", "nobody"], ["There is no run"]),
        (["resume", "nobody"], ["There is no run"]),
        (["predict", "x.png", "--run", "nobody"], ["There is no run"]),
        (["worker", "--device", "tpu"], ["tpu"]),
        (["dance"], ["dance"]),
    ],
)
def test_a_users_error_is_one_sentence_and_code_2(trained, args: list[str], words: list[str]) -> None:
    assert_refused(here(*args, home=trained[0]), *words)


def test_a_run_that_cannot_train_ends_with_its_sentence(trained, tmp_path: Path, tiny_set: Path) -> None:
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "x.png").write_bytes((tiny_set / "no" / "000.png").read_bytes())
    done = here("train", "--data", tmp_path, *TINY, home=trained[0])
    assert done.returncode == 2
    assert "has only one class" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_finished_run_is_not_resumed(trained) -> None:
    assert_refused(here("resume", "tiny", home=trained[0]), "only a FAILED or KILLED run")


def test_skip_bad_leaves_the_bad_file_out_and_says_so(trained, tmp_path: Path, tiny_set: Path) -> None:
    data = shutil.copytree(tiny_set, tmp_path / "data")
    (data / "yes" / "broken.png").write_bytes(b"")
    stopped = here("train", "--data", data, *TINY, home=trained[0])
    assert stopped.returncode == 2
    assert "broken.png" in stopped.stderr
    done = here("train", "--data", data, "--name", "skipped", "--skip-bad", *TINY, "--json", home=trained[0])
    assert done.returncode == 0, done.stderr
    report = json.loads((Path(json.loads(done.stdout)["bundle"]).parent / "dataset.json").read_text())
    assert [bad["path"] for bad in report["unreadable"]] == ["yes/broken.png"]


def test_inspect_on_a_real_set(shared: Path, trained) -> None:
    report = json.loads(here("data", "inspect", shared / "data" / "kaggle253", "--json", home=trained[0]).stdout)
    assert report["images"] == 253
    assert report["classes"] == {"no": 98, "yes": 155}
    assert report["modes"] == {"RGB": 217, "L": 30, "RGBA": 5, "P": 1}
    assert (report["duplicates"]["groups"], report["duplicates"]["surplus"]) == (22, 25)


def test_inspect_names_copies_on_both_sides_of_a_given_split(trained, tiny_set: Path, tmp_path: Path) -> None:
    data = shutil.copytree(tiny_set, tmp_path / "data" / "train").parent
    for label in ("no", "yes"):
        (data / "test" / label).mkdir(parents=True)
        shutil.copy(data / "train" / label / "003.png", data / "test" / label / "copy.png")
        (data / "train" / label / "004.png").rename(data / "test" / label / "004.png")
    plain = here("data", "inspect", data, home=trained[0]).stdout
    assert "LEAK: 2 of 4 test files are byte-identical to a train file" in plain


def test_lr_find_answers_with_its_curve(trained, tiny_set: Path) -> None:
    done = here("lr-find", "--data", tiny_set, *TINY, "--set", "training.finder_steps=20", "--json", home=trained[0])
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert 1e-7 < answer["suggestion"] < 1
    assert len(answer["curve"]["loss"]) == len(answer["curve"]["learning_rate"])
    first = Path(answer["figure"])
    written = first.read_bytes()
    again = here("lr-find", "--data", tiny_set, *TINY, "--set", "training.finder_steps=24", "--json", home=trained[0])
    assert again.returncode == 0, again.stderr
    assert Path(json.loads(again.stdout)["figure"]) != first
    assert first.read_bytes() == written


def test_a_queued_finder_is_told_apart_in_the_list(trained, tiny_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ["--data", tiny_set, *TINY, "--set", "training.finder_steps=20"]
    done = here("lr-find", *options, "--queue", "--json", home=trained[0])
    assert done.returncode == 0, done.stderr
    queued = json.loads(done.stdout)
    assert (queued["kind"], queued["name"]) == ("find-lr", "resnet18-quick-rate")
    limit = time.monotonic() + 90
    while (shown := json.loads(here("show", queued["run_id"], "--json", home=trained[0]).stdout))["ended"] is None:
        assert time.monotonic() < limit
        time.sleep(1)
    assert shown["status"] == "FINISHED", shown["reason"]
    assert shown["learning_rate"]["suggestion"] == shown["metrics"]["final_learning_rate"]
    assert "find-lr" in here("runs", home=trained[0]).stdout
    assert "Suggested learning rate" in here("show", queued["run_id"], home=trained[0]).stdout
    refused = here("lr-find", *options, "--set", "model.head=svm", home=trained[0])
    assert_refused(refused, "no learning rate to find")
    assert_refused(here("predict", "x.png", "--run", queued["run_id"], home=trained[0]), "has no model")
    monkeypatch.setenv("BRAINSEG_HOME", str(trained[0]))
    end_processes(trained[0])


def test_doctor_finds_this_machine_fit(trained) -> None:
    done = here("doctor", "--json", home=trained[0])
    assert done.returncode == 0, done.stdout
    assert {check["name"] for check in json.loads(done.stdout)} >= {"torch", "processor", "home", "run store"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_home_is_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert_refused(brainseg("runs", home=tmp_path), "read-only")


def test_a_home_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert_refused(brainseg("runs", home=tmp_path / "file"), "set BRAINSEG_HOME")
