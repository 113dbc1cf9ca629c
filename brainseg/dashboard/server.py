"""The dashboard's server: started as a process of its own, watched until its first page answers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.request import urlopen

from brainseg import paths
from brainseg.errors import RunError
from brainseg.jobs.workspace import child_environment

ADDRESS = "localhost"
PORT = 8501
PATIENCE = 60.0
"""Seconds that the server gets until it answers; on an idle machine it needs two or three."""


class Server:
    """A Streamlit server that shows this home's store.

    Args:
        port: Where to listen; the next free one is taken if another program listens there.
        demo_session: Offer the demo's pages alone, with nothing that changes the store.

    Raises:
        RunError: It did not start.
    """

    def __init__(self, port: int = PORT, demo_session: bool = False) -> None:
        self.port = free_port(port)
        self.url = f"http://{ADDRESS}:{self.port}"
        environment = child_environment()
        if demo_session:
            environment["BRAINSEG_DEMO"] = "1"
        log = paths.subfolder("logs") / "server.log"
        with log.open("ab") as stream:
            self._process = subprocess.Popen(  # noqa: S603 - our own script
                [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.port", str(self.port)],
                cwd=paths.PROJECT_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=environment,
            )
        if not self._answers():
            self.stop()
            raise RunError(f"The dashboard did not start: {log} says why.")

    def _answers(self) -> bool:
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit and self._process.poll() is None:
            try:
                with urlopen(f"{self.url}/_stcore/health", timeout=2):  # noqa: S310 - our own address
                    return True
            except (URLError, OSError):
                time.sleep(0.1)
        return False

    def wait(self) -> None:
        """Return when the server ends."""
        self._process.wait()

    def stop(self) -> None:
        """End the server; trainings go on in processes of their own."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def free_port(first: int) -> int:
    """Return the first port from `first` on that nobody listens on.

    Raises:
        RunError: A hundred in a row are taken.
    """
    for port in range(first, min(first + 100, 65536)):
        with socket.socket() as probe:
            # As servers do it: without this a port stays taken for a minute after its last server has gone.
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((ADDRESS, port))
            except OSError:
                continue
            return port
    raise RunError(f"No free port from {first} on: name another with --port.")
