"""Which folders the pages may open, and the limits for listing a folder."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from brainseg.datasets.access import permitted
from brainseg.datasets.inspection import inspect_dataset, signature
from brainseg.datasets.library import add_folder, add_zip
from brainseg.datasets.listing import files_below, walk
from brainseg.datasets.sources import open_dataset
from brainseg.errors import ConfigError, DataError


def refusal(path: str) -> str:
    with pytest.raises(DataError) as refused:
        permitted(path)
    return str(refused.value)


def test_pages_open_the_home_and_the_folders_named_for_them(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, secret = tmp_path / "mine", tmp_path / "secret"
    for folder in (mine / "slices", secret, tmp_path / "more", home / "datasets"):
        folder.mkdir(parents=True)
    (secret / "data.csv").write_text("path,label\n")
    (mine / "out").symlink_to(secret)
    assert permitted(home / "datasets") == str(home / "datasets")
    assert "BRAINSEG_DATA" in refusal(str(mine))
    monkeypatch.setenv("BRAINSEG_DATA", os.pathsep.join([str(mine), "", str(tmp_path / "more")]))
    assert permitted(f" {mine}/slices/../slices ") == str(mine / "slices")
    assert permitted(str(tmp_path / "more"))
    missing = refusal(str(tmp_path / "secret" / "data.cs"))
    for path in (secret, mine / "out", mine / "out" / "data.csv", mine / ".." / "secret", "/etc/passwd", "/proc/self"):
        assert refusal(str(path)).split(" ", 1)[1] == missing.split(" ", 1)[1], "missing and forbidden sound the same"
    assert "The path is empty" in refusal("  ")
    for odd in ("~nobody-by-this-name/x", "a\0b"):
        assert "pages may not open it" in refusal(odd)


def test_a_folder_with_too_much_in_it_is_refused(tiny_set: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINSEG_MAX_FILES", "15")
    for read in (signature, inspect_dataset, add_folder, open_dataset, lambda path: files_below(path)):
        with pytest.raises(DataError, match="contains more than 15 files: choose the folder"):
            read(tiny_set)
    monkeypatch.delenv("BRAINSEG_MAX_FILES")
    monkeypatch.setenv("BRAINSEG_MAX_SECONDS", "0")
    with pytest.raises(DataError, match="could not be listed within 0 seconds"):
        signature(tiny_set)
    monkeypatch.setenv("BRAINSEG_MAX_SECONDS", "soon")
    with pytest.raises(ConfigError, match="BRAINSEG_MAX_SECONDS is 'soon': set it to 0 or a positive number"):
        signature(tiny_set)


@pytest.mark.parametrize("folder", ["/proc", "/sys/class", "/dev"])
def test_what_belongs_to_the_system_is_refused_at_once(folder: str, home: Path) -> None:
    for read in (open_dataset, add_folder, lambda path: list(walk(path))):
        with pytest.raises(DataError, match="belongs to the operating system"):
            read(Path(folder))


def test_pipes_and_devices_are_never_waited_for(tiny_set: Path, home: Path, tmp_path: Path) -> None:
    (tmp_path / "set" / "a").mkdir(parents=True)
    os.mkfifo(tmp_path / "set" / "a" / "pipe.png")
    (tmp_path / "set" / "a" / "null.png").symlink_to("/dev/zero")
    (tmp_path / "set" / "b").symlink_to(tiny_set / "no")
    assert {bad.path for bad in open_dataset(tmp_path / "set").bad} >= {"a/pipe.png", "a/null.png"}
    os.mkfifo(tmp_path / "set.zip")
    with pytest.raises(DataError, match="does not exist, or you may not read it"):
        add_zip(tmp_path / "set.zip", "piped")
    with pytest.raises(DataError, match="neither a folder nor a file"):
        open_dataset(tmp_path / "set.zip")


def test_uploads_are_counted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINSEG_MAX_UPLOADS", "0")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a/b.png", b"")
    with pytest.raises(DataError, match="There are already 0 uploads, and 0 are allowed"):
        add_zip(packed, "one too many")
