"""How far the answers for an archive are: a bar in a terminal, a line for each tenth elsewhere."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from brainseg.cli.output import NOTES

STEPS = 10
"""Lines that are printed where there is no terminal, with the last one."""


class ArchiveProgress:
    """Shows on stderr how many files are answered, how fast, and how long the rest will take.

    Args:
        done: Files that were answered before.
        total: All files.
    """

    def __init__(self, done: int, total: int) -> None:
        self._before, self._done, self._total = done, done, total
        self._started = time.perf_counter()
        columns = TextColumn("Answering"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}")
        self._bar = Progress(*columns, TimeRemainingColumn(elapsed_when_finished=True), console=NOTES, transient=True)
        self._task = self._bar.add_task("", total=total, completed=done, rate="")

    def __enter__(self) -> ArchiveProgress:
        if NOTES.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def advance(self, count: int) -> None:
        """Count further files as answered."""
        tenth = self._done * STEPS // self._total
        self._done += count
        seconds = time.perf_counter() - self._started
        rate = (self._done - self._before) / seconds if seconds else 0.0
        self._bar.update(self._task, completed=self._done, rate=f"{rate:,.1f}/s")
        if not NOTES.is_terminal and self._done * STEPS // self._total > tenth:
            left = (self._total - self._done) / rate if rate else 0.0
            NOTES.print(
                f"{self._done * 100 // self._total} %: {self._done:,} of {self._total:,} files, {rate:,.1f} a second, "
                f"about {left:,.0f} s left, {peak_memory() / 1e6:,.0f} MB of memory at most",
                soft_wrap=True,
            )


def peak_memory() -> int:
    """Return the most memory that this process has had so far, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # `ru_maxrss` would count the memory of the process that started this one
        lines = status.read_text("utf-8").splitlines()
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
