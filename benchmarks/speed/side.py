"""The two ends of a process that takes turns: `Side` starts it, and `Turns` is what it sees.

Each side of a comparison is a process of its own, as a user would run it: what one sets for its memory or its threads
does not help or hurt the other. While one works, the others wait for a line on their standard input.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

from benchmarks.speed.question import NotHereError
from benchmarks.speed.timing import Timing, peak_mb

ROOT = Path(__file__).resolve().parent.parent.parent


class SideError(Exception):
    """A side of a comparison failed; the message holds the end of what it printed."""


class Turns:
    """What a side sees: it waits for its turn, works, and reports the time."""

    def __init__(self, asked: TextIO, answers: TextIO) -> None:
        self._asked, self._answers = asked, answers

    def wait(self) -> None:
        """Wait for the next turn; end the process when there is none."""
        if not self._asked.readline():
            raise SystemExit(0)

    def report(self, timing: Timing, **values: Any) -> None:  # noqa: ANN401 - whatever JSON holds
        """Report the time of a turn, with further values."""
        found = {"wall": timing.wall, "cpu": timing.cpu, "peak_mb": peak_mb(), **values}
        self._answers.write(json.dumps(found) + "\n")
        self._answers.flush()

    def __iter__(self) -> Iterator[None]:
        while True:
            self.wait()
            yield


class Side:
    """A process that works when it is asked to.

    Args:
        module: A module with a function `side(turns, **settings)`.
        settings: What the function gets.
        home: Its `BRAINSEG_HOME`.
        code: A folder whose `brainseg` it runs instead of this checkout's.
        environment: Further environment variables.
    """

    def __init__(
        self,
        module: str,
        settings: Mapping[str, Any],
        home: Path,
        code: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.module = module
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by `close`
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.speed.side", module, json.dumps(dict(settings), default=str)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=code or ROOT,  # Python looks for modules here first
            env={**environment_of(home, code), **(environment or {})},
            # As a trainer has: where the system shares the processor among sessions, a session competes as a whole.
            # Its processes also end together.
            start_new_session=True,
        )

    def begin(self) -> None:
        """Let it begin a turn."""
        try:
            self._pipe(self._process.stdin).write("\n")
            self._pipe(self._process.stdin).flush()
        except BrokenPipeError:
            raise self._reason() from None

    def result(self) -> dict[str, Any]:
        """Wait for the end of the turn and return its values: `wall`, `cpu`, `peak_mb` and the side's own."""
        line = self._pipe(self._process.stdout).readline()
        if not line:
            raise self._reason()
        values: dict[str, Any] = json.loads(line)
        return values

    def turn(self) -> dict[str, Any]:
        """Let it take a turn, and return its values."""
        self.begin()
        return self.result()

    def close(self) -> None:
        """End the process and what it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()
        self._log.close()

    def __enter__(self) -> Side:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @staticmethod
    def _pipe(stream: Any) -> TextIO:  # noqa: ANN401 - typed as optional by subprocess
        pipe: TextIO = stream
        return pipe

    def _reason(self) -> Exception:
        """Return the error that says why the process ended."""
        self._process.wait(10)
        self._log.seek(0)
        lines = [line.strip() for line in self._log.read().splitlines() if line.strip()] or ["it printed nothing"]
        if lines[-1].startswith("ModuleNotFoundError"):
            return NotHereError(f"It needs a library that is not installed: {lines[-1].split(': ', 1)[1]}.")
        return SideError(f"{self.module} ended: {lines[-1]}")


def environment_of(home: Path, code: Path | None = None) -> dict[str, str]:
    """Return the environment of a process that uses a home, and another brainseg if `code` is given."""
    path = [str(folder) for folder in (code, ROOT) if folder]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path), "BRAINSEG_HOME": str(home)}
    environment.pop("MLFLOW_TRACKING_URI", None)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # each process would compile brainseg again
    return environment


def _main() -> None:
    module, settings = sys.argv[1], json.loads(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries may print
    import_module(module).side(Turns(sys.stdin, answers), **settings)


if __name__ == "__main__":
    _main()
