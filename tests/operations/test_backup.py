"""Backups that are restored for real, also made while runs are trained, and archives that must be refused."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from brainseg import paths
from brainseg.datasets.library import add_folder, known_datasets
from brainseg.errors import BrainsegError, ConfigError, DataError, DiskError, RunError
from brainseg.jobs import queue
from brainseg.jobs.workspace import Workspace, child_environment
from brainseg.monitoring import AnswerLog, AnswerRecord
from brainseg.operations import capture
from brainseg.operations.backup import back_up
from brainseg.operations.capture import captured_home, only_backup
from brainseg.operations.manifest import CHECKSUMS, MANIFEST, Manifest
from brainseg.operations.restore import check_backup, restore
from brainseg.runs import EndKind, RunStore
from brainseg.scans import read_scan
from tests.cli.test_cli import here

ANSWER = AnswerRecord("2026-01-01T00:00:00+00:00", "page", "m", "d", "i", "yes", "yes", 0.9, False, None, None)


def answer(store: RunStore, scan: Path) -> dict[str, float]:
    from brainseg.diagnosis.predictor import Predictor
    from brainseg.models.architectures import Classifier
    from brainseg.models.bundle import load_bundle_for

    bundle = load_bundle_for(Classifier, store.bundle(store.get("tuned")))
    return Predictor(bundle).diagnose(read_scan(scan)).probabilities


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """Make a folder that does not exist yet the home, and return it."""
    with pytest.MonkeyPatch.context() as patch:

        def switch(name: str = "restored") -> Path:
            patch.setenv("BRAINSEG_HOME", str(tmp_path / name))
            return tmp_path / name

        yield switch


def test_a_restored_home_gives_the_same_answers_and_finds_its_files_in_the_new_place(
    finished_home: Path, tmp_path: Path, tiny_set: Path, elsewhere, config
) -> None:
    store, scan = RunStore(), tiny_set / "yes" / "000.png"
    before, key = answer(store, scan), paths.secret()
    shutil.copytree(tiny_set, finished_home / "datasets" / "own")
    add_folder(finished_home / "datasets" / "own", "own")
    add_folder(tiny_set, "outside")
    AnswerLog().add([ANSWER])
    waits = store.create(config({"data.path": str(finished_home / "datasets" / "own")}), "waits")
    trains = queue.create_claimed(store, config(), "trains")
    Workspace(trains.id).log.write_text("epoch 1\n")
    (finished_home / "cache").mkdir(exist_ok=True)
    (finished_home / "cache" / "prepared.npy").write_bytes(b"x" * 1000)

    manifest = back_up(tmp_path / "home.tar.gz")
    assert manifest.runs == {"FINISHED": 2, "RUNNING": 1, "SCHEDULED": 1}
    assert (manifest.datasets, manifest.datasets_outside) == (1, (str(tiny_set),))
    assert (tmp_path / "home.tar.gz").stat().st_mode & 0o777 == 0o600
    assert not list(finished_home.glob(".backup-*"))
    assert check_backup(tmp_path / "home.tar.gz") == manifest

    finished_home.rename(tmp_path / "gone")
    new = elsewhere()
    restored = restore(tmp_path / "home.tar.gz")
    assert (restored.home, restored.earlier, restored.manifest) == (new, None, manifest)
    store = RunStore()
    assert answer(store, scan) == before
    assert paths.secret() == key
    assert (new / "secret").stat().st_mode & 0o077 == 0
    assert not (new / "cache" / "prepared.npy").exists()
    assert len(AnswerLog().read()) == 1
    assert {known.name: known.path for known in known_datasets()}["own"] == str(new / "datasets" / "own")
    assert store.get("waits").config.data.path == str(new / "datasets" / "own")
    assert [run.id for run in queue.queued(store, "cpu")] == [waits.id]

    assert [run.id for run in queue.reconcile(store)] == [trains.id]
    end = store.get(trains.id).end
    assert end.kind == EndKind.MOVED
    assert end.resumable
    assert f"was under way when the backup was made ({manifest.created})" in end.message
    assert Workspace(trains.id).log.read_text() == "epoch 1\n"
    queue.reclaim(store, trains.id)
    assert not Workspace(trains.id).restored()


def test_files_that_are_replaced_or_deleted_meanwhile_are_kept_as_they_were(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = home / "work" / "a" / "results"
    checkpoint.mkdir(parents=True)
    for name, text in {"epoch-3": "3", "state.json": "3", ".state.json.abcd1234": "?"}.items():
        (checkpoint / name).write_text(text)
    (home / "work" / "a" / "log.txt").write_text("begun")
    link, steps = os.link, iter(["epoch-4"])

    def training_goes_on(source: str, target: Path) -> None:
        """The next checkpoint is written between the capture of two files of the last one."""
        if source.endswith("state.json") and (step := next(steps, "")):
            (checkpoint / step).write_text("4")
            (checkpoint / ".new").write_text("4")
            (checkpoint / ".new").replace(checkpoint / "state.json")
            (checkpoint / "epoch-3").unlink()
        link(source, target)

    monkeypatch.setattr(capture.os, "link", training_goes_on)
    with captured_home(home) as files:
        with (home / "work" / "a" / "log.txt").open("a") as log:
            log.write(" and ended")
        shutil.rmtree(checkpoint)
        found = {file.name: file.place.read_text()[: file.size] for file in files if file.name.startswith("work/")}
    assert found == {
        "work/a/log.txt": "begun",
        "work/a/results/epoch-4": "4",
        "work/a/results/state.json": "4",
    }


def test_a_disk_without_second_names_and_links_that_lead_back(home: Path, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "large").mkdir()
    (tmp_path / "large" / "image.png").write_bytes(b"1")
    (home / "datasets" / "set").mkdir(parents=True)
    (home / "datasets" / "set" / "back").symlink_to(home / "datasets")
    (home / "datasets" / "set" / "gone").symlink_to(tmp_path / "nothing")
    (home / "datasets" / "linked").symlink_to(tmp_path / "large")
    monkeypatch.setattr(capture.os, "link", lambda *_: (_ for _ in ()).throw(PermissionError(1, "no links")))
    with captured_home(home) as files:
        assert [file.name for file in files if file.name.startswith("datasets/")] == ["datasets/linked/image.png"]


def test_the_queue_is_locked_only_while_files_are_captured(home: Path) -> None:
    with queue.queue_lock():
        started = threading.Thread(target=lambda: back_up(home.parent / "home.tar.gz"))
        started.start()
        started.join(0.2)
        assert started.is_alive()
    started.join(30)
    with captured_home(home):
        queue.queue_lock().acquire(timeout=0)


def test_a_database_is_copied_with_the_changes_in_its_log(home: Path, tmp_path: Path) -> None:
    with sqlite3.connect(home / "search.db") as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE trials (number)")
        database.execute("INSERT INTO trials VALUES (7)")
        database.commit()
        with captured_home(home) as files:
            copies = {file.name: file.place for file in files if file.name.startswith("search")}
            assert list(copies) == ["search.db"]
            assert sqlite3.connect(copies["search.db"]).execute("SELECT number FROM trials").fetchall() == [(7,)]
    (home / "other.sqlite").write_bytes(b"no database " * 100)
    with pytest.raises(DataError, match=r"other.sqlite cannot be copied \(file is not a database\)"):
        back_up(tmp_path / "home.tar.gz")
    assert not list(tmp_path.glob("*.tar.gz*"))


def test_a_store_elsewhere_is_not_claimed_to_be_in_the_backup(home: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://nobody@localhost:1/none")
    assert (back_up(tmp_path / "home.tar.gz").store, check_backup(tmp_path / "home.tar.gz").runs) == ("elsewhere", {})


def test_backups_are_neither_overwritten_nor_written_into_the_home(home: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("something else")
    with pytest.raises(ConfigError, match="already exists"):
        back_up(tmp_path / "there")
    with pytest.raises(ConfigError, match="lies inside the home folder"):
        back_up(home / "home.tar.gz")
    with only_backup(home), pytest.raises(DataError, match="Another backup of"):
        back_up(tmp_path / "home.tar.gz")


@pytest.fixture
def small(home: Path, tmp_path: Path) -> Path:
    """A backup of a home with hardly anything in it."""
    for file in home.iterdir():
        file.unlink() if file.is_file() else shutil.rmtree(file)
    (home / "datasets" / "set").mkdir(parents=True)
    (home / "datasets" / "set" / "image.png").write_bytes(b"12345")
    back_up(tmp_path / "small.tar.gz")
    return tmp_path / "small.tar.gz"


def test_a_home_is_replaced_only_on_request_and_moved_aside(home: Path, small: Path, tmp_path: Path) -> None:
    (home / "datasets" / "set" / "image.png").write_bytes(b"changed")
    with pytest.raises(ConfigError, match="is not empty: set BRAINSEG_HOME"):
        restore(small)
    with FileLock(home / "jobs" / "worker-cpu.lock"), pytest.raises(RunError, match="worker or a training uses"):
        restore(small, replace=True)
    left = tmp_path / ".home.restoring-killed"
    left.mkdir()
    restored = restore(small, replace=True)
    assert (home / "datasets" / "set" / "image.png").read_bytes() == b"12345"
    assert (restored.earlier / "datasets" / "set" / "image.png").read_bytes() == b"changed"
    assert not left.exists()


def test_the_readme_of_a_checkout_does_not_count_as_a_home(small: Path, home: Path) -> None:
    shutil.rmtree(home)
    home.mkdir()
    (home / "README.md").write_text("what the program writes")
    restore(small)
    assert sorted(file.name for file in home.iterdir()) == ["README.md", "datasets"]


def test_a_full_disk_leaves_no_archive_and_no_home(small: Path, home: Path, tmp_path: Path, monkeypatch) -> None:
    free = shutil.disk_usage(tmp_path).free
    monkeypatch.setenv("BRAINSEG_KEEP_FREE_MB", str(free / 1e6 + 1000))
    with pytest.raises(DiskError, match="The next files of the backup need"):
        back_up(tmp_path / "second.tar.gz")
    shutil.rmtree(home)
    with pytest.raises(DiskError, match="The files of the backup need"):
        restore(small)
    assert [file.name for file in tmp_path.iterdir()] == ["small.tar.gz"]


def test_a_cut_or_changed_archive_is_refused_wherever_the_fault_is(small: Path, home: Path, tmp_path: Path) -> None:
    shutil.rmtree(home)
    whole, raw = small.read_bytes(), gzip.decompress(small.read_bytes())
    faulty = [whole[:length] for length in (0, 5, len(whole) // 3, len(whole) // 2, len(whole) - 4)]
    faulty += [b"PK\3\4 a zip file", gzip.compress(b""), gzip.compress(b"no tar file" * 100)]
    faulty += [gzip.compress(raw[:length]) for length in (512, 1024, len(raw) - 10240, raw.rindex(b"12345") + 2)]
    faulty += [gzip.compress(raw.replace(b"12345", b"12346")), gzip.compress(raw + b"more" * 1_000_000)]
    for number, content in enumerate(faulty):
        small.write_bytes(content)
        with pytest.raises(DataError, match=f"^{small} cannot be restored: .*[.]$"):
            restore(small)
        assert [file.name for file in tmp_path.iterdir()] == ["small.tar.gz"], number
    with pytest.raises(DataError, match="cannot be read"):
        check_backup(tmp_path / "none")


def archive(file: Path, *entries: tuple[tarfile.TarInfo, bytes], manifest: Manifest | None = None) -> None:
    """Write an archive of any entries after a manifest that announces plenty."""
    manifest = manifest or Manifest("2026-01-01T00:00:00+00:00", "/old", files=10, bytes=1000)
    first = tarfile.TarInfo(MANIFEST)
    with tarfile.open(file, "w:gz") as made:
        text = json.dumps(manifest.to_dict()).encode()
        first.size = len(text)
        for entry, content in ((first, text), *entries):
            made.addfile(entry, io.BytesIO(content))


def entry(name: str, kind: bytes = tarfile.REGTYPE, size: int = 1, **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    made = tarfile.TarInfo(name)
    made.type, made.size = kind, size if kind == tarfile.REGTYPE else 0
    for field, value in fields.items():
        setattr(made, field, value)
    return made, b"x" * made.size


@pytest.mark.parametrize(
    ("hostile", "why"),
    [
        ([entry("home/../../evil")], "outside the home folder"),
        ([entry("/etc/evil")], "outside the home folder"),
        ([entry("evil")], "outside the home folder"),
        ([entry("home//etc/evil")], "outside the home folder"),
        ([entry("home/a/./b")], "outside the home folder"),
        ([entry("home/link", tarfile.SYMTYPE, linkname="/etc/passwd")], "no plain file"),
        ([entry("home/link", tarfile.LNKTYPE, linkname="/etc/passwd")], "no plain file"),
        ([entry("home/pipe", tarfile.FIFOTYPE)], "no plain file"),
        ([entry("home/device", tarfile.CHRTYPE)], "no plain file"),
        ([entry("home/folder", tarfile.DIRTYPE)], "no plain file"),
        ([entry("home/jobs/queue.lock")], "no backup has"),
        ([entry("home/cache/inspections/a.json")], "no backup has"),
        ([entry("home/.profile")], "no backup has"),
        ([entry("home/a"), entry("home/a")], "is twice in it"),
        ([entry("home/a"), entry("home/a/b")], "both a file and a folder"),
        ([entry("home/large", size=2000)], "than its manifest says"),
        ([entry(f"home/{number}", size=0) for number in range(11)], "than its manifest says"),
        ([entry("home/a", pax_headers={"comment": "x" * 2_000_000})], "more than a megabyte"),
        ([entry(f"home/{'a/' * 3000}b")], "too long"),
        ([entry("home/a")], "cut off"),
        ([entry(CHECKSUMS)], "fewer files"),
    ],
)
def test_hostile_archives_are_refused_in_one_sentence(hostile, why: str, tmp_path: Path, elsewhere) -> None:
    elsewhere()
    archive(tmp_path / "hostile.tar.gz", *hostile)
    with pytest.raises(BrainsegError, match=why) as refused:
        restore(tmp_path / "hostile.tar.gz")
    assert "\n" not in str(refused.value)
    assert [file.name for file in tmp_path.iterdir()] == ["hostile.tar.gz"]


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        (Manifest("", "", 1, 1, schema=2, brainseg="9.0"), r"made by a newer brainseg \(9.0, schema 2;.* upgrade"),
        (Manifest("", "", 1, 1, format="other"), "of another program"),
        (Manifest("", "", -1, 1), "its manifest is damaged"),
        (Manifest("", "", 1, 10**18), "The files of the backup need"),
        (Manifest("", "", 10**12, 1), r"room for .* more: set BRAINSEG_HOME"),
    ],
)
def test_manifests_that_announce_too_much(manifest: Manifest, why: str, tmp_path: Path, elsewhere) -> None:
    elsewhere()
    archive(tmp_path / "hostile.tar.gz", manifest=manifest)
    with pytest.raises(BrainsegError, match=why):
        restore(tmp_path / "hostile.tar.gz")


def test_a_killed_backup_leaves_nothing_but_hidden_files_that_the_next_one_removes(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "home.tar.gz"
    code = (
        "import os, pathlib, signal\n"
        "from brainseg.operations import backup\n"
        "backup._write = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"backup.back_up(pathlib.Path({str(target)!r}))\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], env=child_environment(), capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not target.exists()
    assert list(home.glob(".backup-*"))
    back_up(target)
    assert not list(home.glob(".backup-*"))
    assert not list(tmp_path.glob(".home.tar.gz.*"))
    assert check_backup(target).home == str(home)


def test_the_commands_say_what_is_in_a_backup_and_what_is_not(
    home: Path, tmp_path: Path, tiny_set: Path, config, elsewhere
) -> None:
    add_folder(tiny_set, "outside")
    store = RunStore()
    store.create(config(), "waits")
    queue.create_claimed(store, config(), "trains")
    made = here("backup", tmp_path / "home.tar.gz", home=home)
    assert re.search(r"holds \d+ files, 2 runs, 0 datasets and 0 studies, as of", made.stdout)
    assert f"Datasets outside the home folder are not in the backup: {tiny_set}." in made.stderr
    assert "is not empty" in here("restore", tmp_path / "home.tar.gz", home=home).stderr
    assert "undamaged" in here("restore", "--check", tmp_path / "home.tar.gz", home=home).stdout
    checked = json.loads(here("restore", "--check", "--json", tmp_path / "home.tar.gz", home=home).stdout)
    assert checked["runs"] == {"RUNNING": 1, "SCHEDULED": 1}
    (tmp_path / "new" / "logs").mkdir(parents=True)
    back = here("restore", "--replace", tmp_path / "home.tar.gz", home=tmp_path / "new")
    assert (back.returncode or 0) == 0
    assert f"The earlier home is {tmp_path / 'new'}.before-" in back.stderr
    assert "now FAILED: trains. `resume` continues them." in back.stderr
    assert "waits wait in the queue" in back.stderr
