"""`predict --archive`: each file exactly once, however the command ends, and what it refuses."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image

from brainseg.cli import archive_progress
from brainseg.diagnosis.archive import answering, journal, listing
from brainseg.diagnosis.archive.journal import journal_of, open_journal
from brainseg.diagnosis.archive.listing import list_files
from brainseg.diagnosis.table import plain_text
from brainseg.errors import ConfigError, DataError, DiskError
from brainseg.jobs.workspace import child_environment
from tests.cli.killed import MOMENTS, STEP, means, predict
from tests.conftest import PROJECT_ROOT
from tests.models.conftest import one_sentence
from tests.test_full_disk import largest_file

COUNT = 70


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "STEP", STEP)
    monkeypatch.setenv("BRAINSEG_MONITORING", "0")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """70 images in three folders, two files that are no images, and files that are left out."""
    root = tmp_path_factory.mktemp("archive") / "slices"
    random = np.random.default_rng(0)
    for number in range(COUNT):
        folder = root / f"patient{number % 3}" / "t1"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 255, (8, 8), np.uint8)).save(folder / f"{number:03d}.png")
    (root / "patient1" / "broken.png").write_bytes((root / "patient1" / "t1" / "001.png").read_bytes()[:50])
    (root / "=notes.txt").write_text("no image")
    (root / ".hidden").write_text("left out")
    (root / "__MACOSX").mkdir()
    (root / "__MACOSX" / "000.png").write_text("left out")
    return root


@pytest.fixture(scope="module")
def whole(images: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """The rows of answers that were not interrupted."""
    out = tmp_path_factory.mktemp("whole") / "answers.csv"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAINSEG_MONITORING", "0")
        assert predict(images, out) == 1
    return rows_of(out)


@pytest.fixture(scope="module")
def begun(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of a command that was killed after its first step; copy it beside an output."""
    out = tmp_path_factory.mktemp("begun") / "answers.csv"
    kill_at("after_the_first_step", images, out)
    return journal_of(out)


def rows_of(out: Path) -> list[dict[str, str]]:
    with out.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def kill_at(moment: str, images: Path, out: Path) -> None:
    command = [sys.executable, "-m", "tests.cli.killed", moment, str(images), str(out)]
    environment = {**child_environment(), "BRAINSEG_MONITORING": "0"}
    done = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_each_file_is_answered_once_in_the_order_of_paths(whole) -> None:
    files = [row["file"] for row in whole]
    assert files == sorted([*(f"patient{n % 3}/t1/{n:03d}.png" for n in range(COUNT)), "'=notes.txt",
                            "patient1/broken.png"], key=lambda name: name.removeprefix("'"))  # fmt: skip
    failed = {row["file"]: row["error"] for row in whole if row["error"]}
    assert set(failed) == {"'=notes.txt", "patient1/broken.png"}
    assert failed["patient1/broken.png"] == "broken.png is damaged or incomplete (PNG): copy or export it again."
    assert all(bool(row["area"]) != bool(row["error"]) for row in whole)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_command_is_resumed_with_the_same_answers(moment, images, whole, tmp_path) -> None:
    out = tmp_path / "answers.csv"
    kill_at(moment, images, out)
    assert journal_of(out).exists()
    if moment == "while_a_step_is_written":
        assert Path(f"{journal_of(out)}-journal").stat().st_size > 0, "the step must be half written"
    with pytest.raises(ConfigError) as refused:
        predict(images, out)
    assert "--resume" in one_sentence(refused.value)
    assert predict(images, out, resume=True) == 1
    assert rows_of(out) == whole
    assert [file.name for file in tmp_path.iterdir()] == ["answers.csv"]


def test_what_was_written_is_not_answered_again(images, begun, tmp_path, capsys) -> None:
    out = tmp_path / "answers.csv"
    shutil.copy(begun, journal_of(out))
    assert predict(images, out, resume=True) == 1
    assert f"{COUNT + 2 - STEP} files in" in " ".join(capsys.readouterr().out.split())


def test_a_finished_output_is_not_written_again(images, tmp_path) -> None:
    out = tmp_path / "answers.csv"
    predict(images, out)
    for resume in (False, True):
        with pytest.raises(ConfigError) as refused:
            predict(images, out, resume)
        assert "--resume" in one_sentence(refused.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"digest": "two"}, "was begun with another run (one, now two)"),
        ({"backend": "onnx"}, "another backend (torch (fp32), now ONNX Runtime (fp32))"),
    ],
)
def test_another_run_or_backend_does_not_continue(changes, words, images, begun, tmp_path) -> None:
    out = tmp_path / "answers.csv"
    shutil.copy(begun, journal_of(out))
    with pytest.raises(ConfigError) as refused:
        predict(images, out, True, means(**changes))
    assert words in one_sentence(refused.value)
    assert predict(images, out, resume=True) == 1


def test_a_changed_archive_does_not_continue(images, begun, tmp_path) -> None:
    own, out = tmp_path / "slices", tmp_path / "out" / "answers.csv"
    shutil.copytree(images, own)
    out.parent.mkdir()
    shutil.copy(begun, journal_of(out))
    (own / "new.png").write_bytes(b"")
    (own / "=notes.txt").unlink()
    os.utime(own / "patient0" / "t1" / "000.png", ns=(0, 5))
    with pytest.raises(ConfigError) as refused:
        predict(own, out, resume=True)
    assert "have changed since" in one_sentence(refused.value)
    assert "(1 added, 1 removed, 1 changed; for example new.png)" in str(refused.value)


def test_two_commands_never_write_one_output(images, whole, tmp_path) -> None:
    out, begun, go_on = tmp_path / "answers.csv", threading.Event(), threading.Event()
    slow = means()

    def answer(files):
        begun.set()
        assert go_on.wait(60)
        return slow.answer(files)

    first = threading.Thread(target=predict, args=(images, out, False, replace(slow, answer=answer)))
    first.start()
    try:
        assert begun.wait(60)
        command = "import sys; from pathlib import Path; from tests.cli.killed import predict\n"
        command += f"predict(Path({str(images)!r}), Path({str(out)!r}), True)"
        other = subprocess.run([sys.executable, "-c", command], cwd=PROJECT_ROOT, capture_output=True, text=True)
        assert "ConfigError: Another command is writing" in other.stderr
    finally:
        go_on.set()
        first.join()
    assert rows_of(out) == whole


def test_parquet_and_csv_agree(images, whole, tmp_path) -> None:
    out = tmp_path / "answers.parquet"
    assert predict(images, out) == 1
    found = pyarrow.parquet.read_table(out)
    rows = found.to_pylist()
    assert [row["file"] for row in rows] == [row["file"].removeprefix("'") for row in whole]
    assert [row["area"] for row in rows] == [float(row["area"]) if row["area"] else None for row in whole]
    assert [row["error"] or "" for row in rows] == [plain_text(row["error"]) for row in whole]
    facts = {name.decode(): value.decode() for name, value in found.schema.metadata.items()}
    assert facts["brainseg.digest"] == "one"
    assert facts["brainseg.backend"] == "torch (fp32)"
    assert facts["brainseg.disclaimer"].startswith("Research use only")
    assert facts["brainseg.version"]


def test_only_few_images_and_answers_are_in_memory(images, tmp_path, monkeypatch) -> None:
    held, most, lock = [0], [0], threading.Lock()
    made = means()

    def answer(files):
        with lock:
            held[0] += len(files)
            most[0] = max(most[0], held[0])
        found = made.answer(files)
        with lock:
            held[0] -= len(files)
        return found

    added: list[int] = []
    add = journal.Journal.add
    monkeypatch.setattr(
        journal.Journal, "add", lambda self, answers: (rows := list(answers), added.append(len(rows)), add(self, rows))
    )
    monkeypatch.setattr(journal, "PAGE", 10)
    predict(images, tmp_path / "answers.csv", made=replace(made, answer=answer), workers=3)
    assert most[0] <= 3 * made.batch
    assert max(added) == STEP
    assert sum(added) == COUNT + 2


def test_files_are_listed_one_by_one(images) -> None:
    following = list_files(images)
    next(following)
    paths = {each.path for each in list_files(images)}
    assert len(paths) == COUNT + 2
    assert all(b"hidden" not in path and b"MACOSX" not in path for path in paths)


def test_names_links_and_special_files_are_rows_with_a_reason(tmp_path) -> None:
    root = tmp_path / "odd"
    (root / "folder").mkdir(parents=True)
    (root / "link to folder").symlink_to(root / "folder")
    (root / "broken link").symlink_to(root / "nothing")
    os.mkfifo(root / "pipe.png")
    (root / os.fsdecode(b"\xff.png")).touch()
    out = tmp_path / "answers.csv"
    assert predict(root, out) == 1
    assert {row["file"]: row["error"] for row in rows_of(out)} == {
        "broken link": "broken link does not exist.",
        "link to folder": "link to folder is a folder: choose an image file in it.",
        "pipe.png": "pipe.png is not an ordinary file.",
        "\ufffd.png": "_.png has a name that is not in UTF-8: rename it.",
    }


def test_a_folder_that_cannot_be_opened_is_a_row(images, tmp_path) -> None:
    real = os.scandir

    def scandir(place):
        if os.fsencode(place).endswith(b"patient2/"):
            raise PermissionError(13, "Permission denied")
        return real(place)

    out = tmp_path / "answers.csv"
    with pytest.MonkeyPatch.context() as patch:  # root may open every folder
        patch.setattr(listing.os, "scandir", scandir)
        predict(images, out)
    last = rows_of(out)[-1]
    assert (last["file"], last["error"]) == (
        "patient2/",
        "The folder patient2 cannot be opened (Permission denied).",
    )


@pytest.mark.parametrize("damage", ["cut", "text", "foreign", "newer"])
def test_a_damaged_or_foreign_journal_is_one_sentence(damage, images, begun, tmp_path) -> None:
    out = tmp_path / "answers.csv"
    file = journal_of(out)
    shutil.copy(begun, file)
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-5000])
    elif damage == "text":
        file.write_text("no database" * 100)
    elif damage == "foreign":
        file.unlink()
        with sqlite3.connect(file) as database:
            database.execute("CREATE TABLE other (a)")
    else:
        with sqlite3.connect(file) as database:
            database.execute("PRAGMA user_version = 99")
    before = file.read_bytes()
    with pytest.raises(DataError) as refused:
        predict(images, out, resume=True)
    one_sentence(refused.value)
    assert file.read_bytes() == before


def test_a_full_disk_is_one_sentence_and_nothing_is_lost(images, whole, tmp_path) -> None:
    out = tmp_path / "answers.csv"
    with largest_file(24_000), pytest.raises((DataError, DiskError)) as refused:
        predict(images, out)
    one_sentence(refused.value)
    assert predict(images, out, resume=True) == 1
    assert rows_of(out) == whole


def test_a_journal_is_locked_while_it_is_open(tmp_path) -> None:
    file = tmp_path / "a.unfinished"
    with open_journal(file), pytest.raises(ConfigError) as refused, open_journal(file):
        pass
    assert "Another command" in one_sentence(refused.value)


@pytest.mark.parametrize(
    ("archive", "out", "words"),
    [
        ("slices", "answers.txt", "must name a file that ends in .parquet or .csv"),
        ("slices", "slices/answers.csv", "--out is inside the archive"),
        ("nothing", "answers.csv", "is not a folder"),
        ("empty", "answers.csv", "contains no file"),
    ],
)
def test_places_that_do_not_fit_are_refused(archive, out, words, tmp_path) -> None:
    (tmp_path / "slices").mkdir()
    (tmp_path / "slices" / "a.png").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    with pytest.raises((ConfigError, DataError)) as refused:
        predict(tmp_path / archive, tmp_path / out)
    assert words in one_sentence(refused.value).replace("; ", ", ")
    assert not (tmp_path / f"{out}.unfinished").exists()


def test_progress_and_memory_are_on_stderr(images, tmp_path, capsys) -> None:
    predict(images, tmp_path / "answers.csv")
    lines = [line for line in capsys.readouterr().err.splitlines() if " s left, " in line]
    assert 2 <= len(lines) <= archive_progress.STEPS
    assert lines[-1].startswith(f"100 %: {COUNT + 2} of {COUNT + 2} files, ")
    assert "about 0 s left" in lines[-1]
