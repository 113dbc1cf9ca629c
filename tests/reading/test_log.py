"""The log under several writers, killed writers, and people who edit it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from brainseg.errors import ReadingError
from brainseg.jobs.workspace import child_environment
from brainseg.reading.chain import read_chain
from brainseg.reading.ending import check_log_file, check_study_log
from brainseg.reading.events import CaseShown, LineSetAside, ReaderBegan
from brainseg.reading.library import study_folder, study_log
from brainseg.reading.log import StudyLog
from brainseg.reading.study import Study

WRITER = """
import sys
from pathlib import Path
from brainseg.reading.events import CaseShown
from brainseg.reading.log import StudyLog
log = StudyLog(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(25):
    log.append(lambda events: [CaseShown(reader=sys.argv[2], case=str(number), sitting=str(len(events)))])
"""
KILLED = """
import os, signal, sys
from pathlib import Path
from filelock import FileLock
folder = Path(sys.argv[1])
with FileLock(folder / ".log.jsonl.lock"), (folder / "log.jsonl").open("ab") as stream:
    stream.write(b'{"kind":"answer locked","rea')
    stream.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def run(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=child_environment(),
    )


@pytest.fixture
def study(make_study: Callable[..., Study]) -> Study:
    return make_study()


@pytest.mark.slow
def test_two_processes_that_append_at_once_keep_the_chain_whole(study: Study) -> None:
    folder = study_folder(study.id)
    writers = [run(WRITER, folder, name) for name in ("a", "b")]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    events = study_log(study).events()
    shown = [event for event in events if isinstance(event, CaseShown)]
    assert sorted((event.reader, int(event.case)) for event in shown) == [(r, n) for r in "ab" for n in range(25)]
    assert [int(event.sitting) for event in shown] == list(range(1, 51)), "each saw all lines before its own"
    assert check_study_log(study).intact


@pytest.mark.slow
def test_what_a_killed_writer_left_is_set_aside_and_the_chain_goes_on(study: Study) -> None:
    log, folder = study_log(study), study_folder(study.id)
    before = log.file.read_bytes()
    assert run(KILLED, folder).wait(timeout=120) == -signal.SIGKILL
    check = check_study_log(study)
    assert (check.intact, check.incomplete, check.lines) == (True, 28, 1)
    events = log.append(lambda _: [ReaderBegan(reader="owl", order=())])
    aside = events[-2]
    assert isinstance(aside, LineSetAside)
    assert (folder / aside.file).read_bytes() == b'{"kind":"answer locked","rea'
    assert log.file.read_bytes().startswith(before)
    check = check_study_log(study)
    assert (check.intact, check.incomplete, check.lines) == (True, 0, 3)


def test_nothing_is_appended_to_a_broken_log_and_the_line_is_named(study: Study) -> None:
    log = study_log(study)
    for _ in range(3):
        log.append(lambda events: [ReaderBegan(reader=f"r{len(events)}", order=())])
    lines = log.file.read_bytes().splitlines(keepends=True)
    log.file.write_bytes(b"".join([*lines[:2], lines[2].replace(b'"r2"', b'"rX"'), lines[3]]))
    kept = log.file.read_bytes()
    with pytest.raises(ReadingError, match=r"broken at line 3: its content does not fit its hash"):
        log.append(lambda _: [ReaderBegan(reader="late", order=())])
    assert log.file.read_bytes() == kept
    assert check_study_log(study).broken[0] == 3


def test_a_refused_event_writes_nothing(study: Study) -> None:
    log = study_log(study)
    kept = log.file.read_bytes()

    def refuse(_: object) -> list[ReaderBegan]:
        raise ReadingError("Not now.")

    with pytest.raises(ReadingError, match="Not now"):
        log.append(refuse)
    assert log.append(lambda _: []) == log.events()
    assert log.file.read_bytes() == kept


def test_an_exported_copy_is_checked_by_itself_and_a_noted_hash_reveals_a_cut(study: Study, tmp_path: Path) -> None:
    log = study_log(study)
    log.append(lambda _: [ReaderBegan(reader="owl", order=())])
    head = check_study_log(study).head
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(log.file.read_bytes())
    assert check_log_file(copy, head).intact
    os.truncate(log.file, len(log.file.read_bytes().splitlines(keepends=True)[0]))
    assert check_study_log(study).intact, "the chain alone cannot know what followed"
    check = check_study_log(study, head)
    assert (check.contains, check.intact) == (False, False)
    copy.write_text("no log at all\n")
    assert check_log_file(copy).broken[0] == 1
    copy.write_text("")
    with pytest.raises(ReadingError, match="holds no line"):
        check_log_file(copy)


def test_a_line_of_a_newer_brainseg_is_refused_with_a_sentence(study: Study, tmp_path: Path) -> None:
    from brainseg.reading.chain import link

    log = study_log(study)
    chain = read_chain(log.file.read_bytes())
    with log.file.open("ab") as stream:
        stream.write(link(2, chain.head, {"kind": "thought read", "time": ""})[0] + b"\n")
    with pytest.raises(ReadingError, match=r"Line 2 of the log is of a kind .* install a newer brainseg"):
        log.events()
    first = json.loads(log.file.read_bytes().splitlines()[0])
    entry = {name: value for name, value in first.items() if name not in ("line", "previous", "hash")}
    (tmp_path / "log.jsonl").write_bytes(link(1, "0" * 64, {**entry, "log_schema": 2})[0] + b"\n")
    with pytest.raises(ReadingError, match="schema 2"):
        StudyLog(tmp_path).events()
