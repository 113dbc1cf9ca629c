"""Processes that end when their parent dies, at whatever moment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from brainseg.jobs.workspace import child_environment
from tests.jobs.helpers import wait_for

STARTER = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", *sys.argv[1:]], stdin=subprocess.PIPE)
print(child.pid, flush=True)
time.sleep(600)
"""
CHILD = """
import sys
from pathlib import Path
from brainseg.jobs import parent_watch
note = Path(sys.argv[1])
parent_watch.before_exit(lambda: note.write_text("ended"))
parent_watch.exit_with_parent()
note.write_text("holds")
while True: pass
"""


@pytest.mark.parametrize("at_once", [True, False])
def test_a_child_ends_with_its_starter_and_does_its_last_act(tmp_path: Path, at_once: bool) -> None:
    note = tmp_path / "note"
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, CHILD, str(note)], stdout=subprocess.PIPE, text=True, env=child_environment()
    )
    child = psutil.Process(int(starter.stdout.readline()))
    if not at_once:
        wait_for(lambda: note.exists() and note.read_text() == "holds", "the child to hold on")
    starter.kill()
    starter.wait()
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "the child to end")
    if not at_once:
        assert note.read_text() == "ended"
