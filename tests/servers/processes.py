"""Servers as processes of the test's own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

PATIENCE = 120.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A server with all processes that it starts; it can be stopped, started again and made to hang.

    Args:
        command: Its command line, or one line for a shell.
        log: The file for what it writes.
        answers: Tells whether it is ready.
        environment: Its whole environment.
        user: The user who runs it, if another than ours.
    """

    def __init__(
        self,
        command: list[str] | str,
        log: Path,
        answers: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> None:
        self.command, self.log, self.answers = command, log, answers
        self.environment, self.user = environment, user
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        identity = {"user": self.user, "group": "nogroup", "extra_groups": []} if self.user else {}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                shell=isinstance(self.command, str),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=None if self.environment is None else dict(self.environment),
                cwd=self.log.parent,
                start_new_session=True,
                **identity,
            )
        limit = time.monotonic() + PATIENCE
        while not self.answers():
            ended = self._process.poll() is not None or time.monotonic() > limit
            assert not ended, f"{self.command} did not start: {self.log.read_text()[-3000:]}"
            time.sleep(0.05)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to all its processes; SIGSTOP makes it a server that takes requests and answers none."""
        assert self._process
        os.killpg(self._process.pid, number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self.send(signal.SIGCONT)
        self.send(number)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            self._process.wait()


def answers_http(address: str) -> bool:
    try:
        with urlopen(address, timeout=2):
            return True
    except HTTPError:
        return True
    except (URLError, OSError):
        return False
