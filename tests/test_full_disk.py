"""A disk that is or would become full: one sentence, no incomplete files, and a training that continues afterwards."""

from __future__ import annotations

import io
import resource
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import nn

from brainseg.datasets.library import add_zip, known_datasets
from brainseg.errors import DataError, DiskError
from brainseg.files import check_free_space, write_atomically, write_json
from brainseg.runs import RunStore
from brainseg.tasks import task_of
from brainseg.training.checkpoint import Checkpoints, TrainingState
from brainseg.training.trainer import train
from tests.conftest import draw_slice, fresh_home

MEGABYTE = 1_000_000


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Limit the size of files to `size` bytes with a limit of the system, which counts as a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_that_finds_no_room_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "values.json"
    write_json(file, {"old": 1})
    with largest_file(1000), pytest.raises(DiskError, match=r"is full: it needs 0.0 MB, and .*B are free; free some"):
        write_json(file, ["x" * 5000])
    with largest_file(1000), pytest.raises(DiskError, match=r"it needs more space, and .*B are free"):
        write_atomically(file, lambda temporary: temporary.write_bytes(b"x" * 5000))
    assert file.read_text() == '{\n  "old": 1\n}'
    assert [each.name for each in tmp_path.iterdir()] == ["values.json"]


def test_a_checkpoint_that_finds_no_room_leaves_the_epoch_before(tmp_path: Path) -> None:
    checkpoints, model = Checkpoints(tmp_path), nn.Linear(100, 100)
    optimiser = _Plain()
    checkpoints.write(TrainingState("print", 0.1), model, optimiser)
    large = nn.Linear(500, 500)
    with largest_file(200_000):
        for write in (
            lambda: checkpoints.write(TrainingState("print", 0.2), large, optimiser),
            lambda: checkpoints.write_best(large),
        ):
            with pytest.raises(DiskError, match=r"it needs 1.0 MB"):
                write()
    state = checkpoints.read("print")
    assert state.learning_rate == 0.1
    fresh = nn.Linear(100, 100)
    checkpoints.restore(state, fresh)
    assert torch.equal(fresh.weight, model.weight)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["epoch-0.safetensors", "state.json"]


class _Plain:
    """An optimiser without state."""

    def state_dict(self) -> dict[str, list[object]]:
        return {"state": []}


def test_what_would_fill_the_disk_is_refused_with_both_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = shutil.disk_usage(tmp_path).free
    check_free_space(tmp_path / "not" / "there yet", 1000, "Files")
    with pytest.raises(
        DiskError, match=r"^Files need .* GB, but the disk of .* has only .*B free, of which 200.0 MB must stay"
    ):
        check_free_space(tmp_path, free + 1e9, "Files")
    monkeypatch.setenv("BRAINSEG_KEEP_FREE_MB", str(free // MEGABYTE + 1))
    with pytest.raises(DiskError, match="BRAINSEG_KEEP_FREE_MB"):
        check_free_space(tmp_path, 0, "Files")


@pytest.fixture
def small_disk(tmp_path: Path, store_template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder on a separate disk of 24 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here: only the system administrator may")
    monkeypatch.setenv("BRAINSEG_KEEP_FREE_MB", "0")
    monkeypatch.setenv("BRAINSEG_HOME", str(fresh_home(disk / "home", store_template)))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def resize(disk: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(disk)], check=True)


def fill(disk: Path) -> None:
    with (disk / "filler").open("ab", buffering=0) as stream:
        try:
            while stream.write(b"\0" * 65536):
                pass
        except OSError:
            return


def packed_set() -> io.BytesIO:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("no/a.bmp", "yes/a.bmp"):
            archive.writestr(name, b"x" * 5 * MEGABYTE)
    return packed


def test_a_training_is_refused_before_it_starts_and_goes_on_after_the_disk_was_full(
    small_disk: Path, tiny_set: Path, recorder, config, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = small_disk / "run"
    settings = config(
        {"model.stages": None, "training.epochs": 2, "training.frozen_epochs": 0, "training.learning_rate": 0.001}
    )
    with pytest.raises(DiskError, match=r"The checkpoints and the model of this training need .* MB, but the disk"):
        train(task_of(settings), recorder(), folder, "early")
    assert not list(folder.rglob("*.safetensors"))
    resize(small_disk, "400m")

    def fill_after_an_epoch(log) -> bool:
        if log.epochs and not (small_disk / "filler").exists():
            fill(small_disk)
        return False

    with pytest.raises(DiskError, match=r"is full: it needs .* MB"):
        train(task_of(settings), recorder(fill_after_an_epoch), folder, "late")
    (small_disk / "filler").unlink()
    assert not [file for file in folder.rglob(".*") if file.is_file()], "nothing half-written is left"
    log = recorder()
    assert train(task_of(settings), log, folder, "late").report.count == 12
    assert "Resuming after epoch 1." in log.sentences


def create_many(store: RunStore, config) -> None:
    """Create runs until the free space inside the store's files is used up."""
    for number in range(100):
        store.create(config, f"more {number}")


def test_store_uploads_and_answers_say_that_the_disk_is_full(small_disk: Path, config, tiny_set: Path) -> None:
    store = RunStore()
    kept = store.create(config(), "kept", "FINISHED")
    fill(small_disk)
    with pytest.raises(DiskError, match="disk is full"):
        create_many(store, config())
    with pytest.raises(DiskError, match=r"The files of the zip file need 10.0 MB, but the disk .* only 0.0 MB free"):
        add_zip(packed_set(), "large")
    with pytest.raises(DiskError, match="disk is full"):
        store.log_folder(kept.id, tiny_set, "images")
    (small_disk / "filler").unlink()
    assert known_datasets() == []
    assert store.get("kept").status == "FINISHED"
    assert store.create(config(), "after").status == "SCHEDULED"
    with pytest.raises(DataError):
        add_zip(packed_set(), "no images, but room")


def test_an_answer_on_a_full_disk_is_one_sentence(small_disk: Path, tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    fill(small_disk)
    Image.fromarray(draw_slice(np.random.default_rng(0), True)).save(tmp_path / "slice.png")
    written = subprocess.run(
        [sys.executable, "-m", "brainseg", "data", "phantom", "--out", str(small_disk / "out"), "--n", "4"],
        capture_output=True,
        text=True,
    )
    assert written.returncode == 2
    assert "disk is full" in written.stderr
    assert "Traceback" not in written.stderr
