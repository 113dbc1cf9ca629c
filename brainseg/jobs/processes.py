"""Processes that work for a home folder: how they are recorded, found again, and killed."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from brainseg import paths


def here() -> str:
    """Return the home folder, as it is recorded with its processes."""
    return str(paths.home())


@cache
def host() -> str:
    """Return what tells the processes of this machine, or of this container, from those of others."""
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:  # not Linux
        namespace = ""
    return f"{socket.gethostname()} {namespace}".strip()


def process_record(pid: int) -> dict[str, Any]:
    """Return what identifies a process of this home for `living_process`; a process number alone may be reused."""
    return {"pid": pid, "started": psutil.Process(pid).create_time(), "home": here(), "host": host()}


def living_process(entry: dict[str, Any]) -> psutil.Process | None:
    """Return a recorded process of this machine if it is alive and works for this home, not for one copied to here."""
    try:
        if entry.get("home", here()) != here() or entry.get("host", host()) != host():
            return None
        process = psutil.Process(int(entry["pid"]))
        same = abs(process.create_time() - entry["started"]) < 1
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def kill_group(process: psutil.Process) -> None:
    """Kill a process and all its descendants. Trainers lead a separate process group."""
    try:
        family = [process, *process.children(recursive=True)]
        if os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, 9)
    except (psutil.Error, ProcessLookupError, PermissionError):
        return
    for member in family:
        try:
            member.kill()
        except psutil.Error:
            continue
    psutil.wait_procs(family, timeout=3)
