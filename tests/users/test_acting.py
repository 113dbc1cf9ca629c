"""What each role can do to runs and datasets when it calls the functions directly, as a forged session would."""

from __future__ import annotations

import io
import json
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brainseg.cli.app import app
from brainseg.datasets import library
from brainseg.datasets.near_decisions import judge_different
from brainseg.errors import AccessError, ConfigError, LimitError
from brainseg.jobs import actions, launcher, queue
from brainseg.jobs.submission import validate
from brainseg.limits import SharedRateLimit
from brainseg.monitoring import AnswerLog
from brainseg.operations import retention
from brainseg.operations.metrics import counted_answer
from brainseg.results.exports import predictions_file
from brainseg.runs import RunStore
from brainseg.users import audit
from brainseg.users.actor import NOBODY, Actor, Owner, acting_as
from tests.monitoring.test_answer_log import RECORD

ANNA, BERT = Owner("s-anna", "Anna"), Owner("s-bert", "Bert")
VIEWER = Actor("viewer", "page", BERT, True, "the imaging team")
TRAINER = Actor("trainer", "page", ANNA, True, "the imaging team")
OTHER = Actor("trainer", "page", BERT, True, "the imaging team")
ADMIN = Actor("admin", "page", Owner("s-ada", "Ada"), True)


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "ensure_worker", lambda device: None)


def refused(actor: Actor, call: Callable[[], object], words: str = ".") -> None:
    with acting_as(actor), pytest.raises(AccessError, match=words) as error:
        call()
    assert str(error.value).count(". ") == 0
    assert str(error.value).endswith(".")


def test_runs_belong_to_whom_made_them_and_only_they_or_administrators_change_them(home: Path, config) -> None:
    store = RunStore()
    earlier = store.create(config(), "earlier")
    dataset = config().data.path
    refused(VIEWER, lambda: queue.submit(store, config(), "forged"), "Viewers cannot train")
    refused(NOBODY, lambda: queue.submit(store, config(), "forged"), "sign in first")
    with acting_as(TRAINER):
        run = queue.submit(store, config(), "mine")
    assert run.owner == store.get(run.id).owner == ANNA
    assert earlier.owner.subject == ""
    assert "Anna" not in json.dumps(run.to_dict())
    for actor, words in ((VIEWER, "Viewers cannot"), (OTHER, "only if they are your own")):
        refused(actor, lambda: actions.request_cancel(store, run.id), words)
        refused(actor, lambda: actions.cancel(store, run.id), words)
        refused(actor, lambda: actions.delete(store, run.id), words)
        refused(actor, lambda: actions.resubmit(store, run.id), words)
        refused(actor, lambda: store.rename(run.id, "other"), words)
        refused(actor, lambda: store.tag(run.id, {"a": ""}), words)
        refused(actor, lambda: store.write_note(run.id, "x"), words)
    refused(TRAINER, lambda: actions.delete(store, earlier.id), "only if they are your own")
    refused(TRAINER, lambda: store.promote(run.id), "Trainers cannot choose the model")
    refused(NOBODY, lambda: predictions_file(store, run), "sign in first")
    with acting_as(TRAINER):
        store.rename(run.id, "renamed")
        assert actions.request_cancel(store, run.id).status == "KILLED"
        actions.delete(store, run.id)
    with acting_as(ADMIN):
        actions.request_cancel(store, earlier.id)
        actions.delete(store, earlier.id)
    assert store.list() == []
    assert Path(dataset).exists()
    done = [(each.action, each.name) for each in audit.entries() if each.result == "allowed"]
    assert done == [
        ("train", "Anna"), ("describe run", "Anna"), ("cancel", "Anna"), ("delete run", "Anna"),
        ("cancel", "Ada"), ("delete run", "Ada"),
    ]  # fmt: skip
    assert sum(each.result == "refused" for each in audit.entries()) == 19
    assert all(run.name not in line for line in (home / audit.FILE).read_text("utf-8").splitlines())


def packed(folder: Path) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for file in folder.rglob("*.png"):
            archive.write(file, file.relative_to(folder))
    return stream


def test_datasets_have_owners_and_only_administrators_remove_them(home: Path, tiny_set: Path) -> None:
    refused(VIEWER, lambda: library.add_zip(packed(tiny_set), "forged"), "Viewers cannot upload datasets")
    with acting_as(TRAINER):
        known = library.add_zip(packed(tiny_set), "Smith John")
    assert library.find("Smith John").owner == ANNA
    refused(OTHER, lambda: library.set_groups("Smith John", "none"), "only if they are your own")
    refused(TRAINER, lambda: library.forget("Smith John"), "Trainers cannot remove datasets")
    refused(VIEWER, lambda: judge_different([("a", "b")]), "Viewers cannot decide")
    with acting_as(TRAINER):
        assert library.set_groups("Smith John", "none").owner == ANNA
        judge_different([("a" * 64, "b" * 64)])
    with acting_as(ADMIN):
        library.forget("Smith John")
    log = (home / audit.FILE).read_text("utf-8")
    assert "Smith" not in log  # a dataset's name may be a patient's
    assert known.fingerprint[:12] in log


def test_pages_add_only_listed_folders_of_the_server(home: Path, tiny_set: Path, tmp_path: Path, monkeypatch) -> None:
    inside, link = tmp_path / "inside", tmp_path / "inside" / "link"
    inside.mkdir()
    link.symlink_to(tiny_set)
    monkeypatch.setenv("BRAINSEG_DATA_FOLDERS", str(inside))
    for place in (tiny_set, link, home / "datasets", "/etc", tmp_path / "missing"):
        refused(ADMIN, lambda place=place: library.add_folder(place), "BRAINSEG_DATA_FOLDERS")
    refused(TRAINER, lambda: library.add_folder(tiny_set), "Trainers cannot add folders")
    monkeypatch.setenv("BRAINSEG_DATA_FOLDERS", str(tiny_set.parent))
    with acting_as(ADMIN):
        assert library.add_folder(link).owner.name == "Ada"
    monkeypatch.delenv("BRAINSEG_DATA_FOLDERS")
    monkeypatch.delenv("BRAINSEG_DATA", raising=False)
    refused(ADMIN, lambda: library.add_folder(tiny_set))
    library.add_folder(tiny_set)  # the command line adds what its user can read


def test_trainings_use_only_datasets_that_are_listed(home: Path, config, tmp_path: Path) -> None:
    refused(TRAINER, lambda: validate(config()), "BRAINSEG_DATA_FOLDERS")
    library.add_folder(config().data.path)
    with acting_as(TRAINER):
        validate(config())


def test_each_person_has_a_share_of_queue_uploads_answers_and_disk(
    home: Path, config, tiny_set: Path, monkeypatch, tmp_path: Path
) -> None:
    store = RunStore()
    monkeypatch.setenv("BRAINSEG_MAX_QUEUE_PER_USER", "1")
    monkeypatch.setenv("BRAINSEG_MAX_UPLOADS_PER_DAY_PER_USER", "1")
    monkeypatch.setenv("BRAINSEG_MAX_ANSWERS_PER_MINUTE_PER_USER", "1")
    with acting_as(TRAINER):
        queue.submit(store, config(), "first")
        with pytest.raises(LimitError, match="but 1 are allowed for one person"):
            queue.submit(store, config(), "second")
        library.add_zip(packed(tiny_set), "first")
        with pytest.raises(LimitError, match=r"limit of 1 for uploads a day for one person is reached .*try again in"):
            library.add_zip(packed(tiny_set), "second")
        with counted_answer("classify", ["run"]):
            pass
        with pytest.raises(LimitError, match="for one person is reached"), counted_answer("classify"):
            pass
        monkeypatch.setenv("BRAINSEG_MAX_DISK_PER_USER_MB", "0.001")
        monkeypatch.setenv("BRAINSEG_MAX_QUEUE_PER_USER", "5")
        with pytest.raises(LimitError, match="delete some of your runs"):
            queue.submit(store, config(), "second")
    with acting_as(OTHER):  # others have shares of their own
        queue.submit(store, config(), "third")
        with counted_answer("classify", ["run"]):
            pass
    results = [(each.action, each.result) for each in audit.entries() if each.name == "Anna"]
    assert results.count(("diagnose", "refused")) == 1
    assert results.count(("upload", "allowed")) == 1


def test_a_person_at_their_limit_uses_up_nobody_elses(home: Path, monkeypatch) -> None:
    monkeypatch.setenv("BRAINSEG_MAX_TESTS", "3")
    monkeypatch.setenv("BRAINSEG_MAX_TESTS_PER_USER", "1")
    limit = SharedRateLimit("BRAINSEG_MAX_TESTS", 60, "tests a minute", "tests.json")
    limit.take("a", 1.0)
    for _ in range(5):
        with pytest.raises(LimitError, match="for one person"):
            limit.take("a", 2.0)
    limit.take("b", 3.0)
    limit.take("", 4.0)
    with pytest.raises(LimitError, match="limit of 3 for tests a minute is"):
        limit.take("c", 5.0)


def test_answers_keep_whose_they_are_and_earlier_logs_are_read(home: Path) -> None:
    log = AnswerLog()
    with acting_as(TRAINER):
        log.add([replace(RECORD, owner="s-anna")])
    with closing(sqlite3.connect(log.file)) as connection, connection:  # as version 1 wrote it
        connection.execute("ALTER TABLE answers DROP COLUMN owner")
        connection.execute("PRAGMA user_version = 1")
    assert log.read()["owner"].to_list() == [""]
    log.add([replace(RECORD, owner="s-bert")])
    assert log.read()["owner"].to_list() == ["", "s-bert"]


def test_the_command_shows_the_log_and_old_lines_are_cleaned(home: Path, monkeypatch) -> None:
    with acting_as(TRAINER):
        audit.write("train", "allowed", "a" * 32)
    audit.write("cancel", "failed", count=2)
    run = CliRunner().invoke
    shown = run(app, ["audit", "--json", "--user", "anna"])
    assert [each["action"] for each in json.loads(shown.stdout)] == ["train"]
    assert "train aaaaaaaaaaaa: Anna (trainer, page)" in run(app, ["audit"]).stdout
    assert json.loads(run(app, ["audit", "--json", "--since", "2999-01-01"]).stdout) == []
    with pytest.raises(ConfigError, match="--since is 'soon'"):
        run(app, ["audit", "--since", "soon"], catch_exceptions=False)
    monkeypatch.setenv("BRAINSEG_KEEP_AUDIT_DAYS", "0")
    found = retention.expired(RunStore())
    assert [each.what for each in found] == ["2 lines of the audit log"]
    assert retention.remove(found) == []
    assert list(audit.entries()) == []
    assert (home / audit.FILE).stat().st_mode & 0o777 == 0o600
