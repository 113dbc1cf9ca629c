from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from brainseg.files import file_state, remove_leftovers, sha256_bytes, sha256_file, write_atomically, write_json

PROJECT_ROOT = Path(__file__).resolve().parents[1]


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("content", [b"", b"brain", bytes(range(256)) * 5000])
def test_hash_of_bytes_and_file_agree_with_hashlib(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    assert sha256_bytes(content) == sha256_file(tmp_path / "a") == hashlib.sha256(content).hexdigest()


def test_the_state_of_a_file_is_its_time_and_size_or_nothing(tmp_path):
    file = tmp_path / "a.txt"
    assert file_state(file) is None
    file.write_bytes(b"four")
    os.utime(file, ns=(1, 2))
    assert file_state(file) == (2, 4)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert file_state(tmp_path / "link") is None


def test_written_file_is_whole_readable_and_alone(tmp_path):
    target = tmp_path / "new" / "folder" / "a.txt"
    write_atomically(target, lambda file: file.write_text("one"))
    write_atomically(target, lambda file: file.write_text("two"))
    assert target.read_text() == "two"
    assert names(target.parent) == ["a.txt"]
    assert target.stat().st_mode & 0o777 == 0o644


def test_writer_sees_the_old_file_until_it_is_done(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def write(file: Path) -> None:
        file.write_text("half")
        assert target.read_text() == "old"
        file.write_text("whole")

    write_atomically(target, write)
    assert target.read_text() == "whole"


@pytest.mark.parametrize("fault", [OSError("disk full"), ValueError("wrong"), KeyboardInterrupt()])
@pytest.mark.parametrize("old", [None, "old"])
def test_failing_writer_leaves_the_old_file_and_no_temporary_one(tmp_path, fault, old):
    target = tmp_path / "a.txt"
    if old is not None:
        target.write_text(old)

    def write(file: Path) -> None:
        file.write_text("half")
        raise fault

    with pytest.raises(type(fault)):
        write_atomically(target, write)
    assert names(tmp_path) == ([] if old is None else ["a.txt"])
    assert old is None or target.read_text() == old


def test_writer_that_takes_its_file_away_leaves_the_old_one(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(FileNotFoundError):
        write_atomically(target, lambda file: file.unlink())
    assert target.read_text() == "old"


def test_folder_in_the_place_of_the_file_stays(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "a", lambda file: file.write_text("x"))
    assert names(tmp_path) == ["a"]


WRITER = """
import sys
from pathlib import Path
from brainseg.files import write_atomically

def write(file):
    file.write_text("half")
    print("half", flush=True)
    sys.stdin.readline()

write_atomically(Path(sys.argv[1]), write)
"""


def test_killed_writer_leaves_the_old_file_and_what_it_left_can_be_removed(tmp_path):
    target, other = tmp_path / "a.txt", tmp_path / ".a.txts.keep"
    target.write_text("old")
    other.write_text("another file's")
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT_ROOT,
    )
    assert process.stdout.readline() == "half\n"
    process.kill()
    process.communicate()
    assert target.read_text() == "old"
    assert len(names(tmp_path)) == 3
    remove_leftovers(target)
    assert names(tmp_path) == [".a.txts.keep", "a.txt"]


def test_json_is_readable_by_people_and_programs(tmp_path):
    value = {"tumour": [1, 2.5, None], "name": "Ünïcode 🧠", "nested": {"b": True}}
    write_json(tmp_path / "a.json", value)
    text = (tmp_path / "a.json").read_bytes().decode("utf-8")
    assert json.loads(text) == value
    assert "Ünïcode 🧠" in text
    assert text.count("\n") > 5


def test_what_json_cannot_hold_leaves_the_old_file(tmp_path):
    write_json(tmp_path / "a.json", 1)
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"x": object()})
    with pytest.raises(UnicodeEncodeError):
        write_json(tmp_path / "a.json", os.fsdecode(b"\xff"))
    assert names(tmp_path) == ["a.json"]
    assert json.loads((tmp_path / "a.json").read_text()) == 1
