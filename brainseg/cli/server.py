"""The dashboard's server: starts it as a separate process, and waits until its first page answers."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import psutil

from brainseg import extras, paths
from brainseg.errors import RunError
from brainseg.jobs.workspace import child_environment
from brainseg.users.roles import roles
from brainseg.users.signin import check_provider, sign_in

ADDRESS = "localhost"
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - a user may choose these
PORT = 8501
UPLOAD_MB = 1000
_NO_ADDRESS = "{} is not an address of this machine: use localhost, or one of the machine's addresses."
PATIENCE = 60.0
"""Seconds to wait for the server's first answer; on an idle machine it takes two or three."""


class Server:
    """A Streamlit server that shows this home's store.

    Args:
        port: Port to listen at; the next free one if another program uses it.
        demo_session: Offer only the demo's pages, and nothing that changes the store.
        host: The address or name of this machine to listen at; only `localhost` keeps other machines out.

    Raises:
        MissingLibraryError: Streamlit, or what signing in needs, is not installed.
        ConfigError: The settings for signing in cannot work.
        RunError: It did not start.
    """

    def __init__(self, port: int = PORT, demo_session: bool = False, host: str = ADDRESS) -> None:
        extras.require("streamlit", "The dashboard")
        if found := sign_in():
            check_provider(found)
            roles()
        self.port = free_port(port, host)
        self.url = f"http://{ADDRESS if host in EVERYWHERE else f'[{host}]' if ':' in host else host}:{self.port}"
        environment = child_environment()
        if demo_session:
            environment["BRAINSEG_DEMO"] = "1"
        log = paths.subfolder("logs") / "server.log"
        with log.open("ab") as stream:
            self._process = subprocess.Popen(  # noqa: S603 - our own script
                [sys.executable, "-m", "brainseg.app.serving", *self._options(host)],
                stdin=subprocess.PIPE,  # closes if this process dies: see `parent_watch`
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=environment,
            )
        if not self._answers():
            self.stop()
            raise RunError(f"The dashboard did not start: see {log}.")

    def _options(self, host: str) -> list[str]:
        options = {
            "server.port": [str(self.port)],
            "server.address": [host],
            "server.allowedHosts": allowed_hosts(host),
            "server.maxUploadSize": [f"{paths.limit('BRAINSEG_MAX_UPLOAD_MB', UPLOAD_MB):.0f}"],
        }
        return [part for name, values in options.items() for value in values for part in (f"--{name}", value)]

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
        """Wait until the server ends."""
        self._process.wait()

    def stop(self) -> None:
        """End the server; trainings continue in their own processes."""
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


def allowed_hosts(host: str) -> list[str]:
    """Return the host names under which the server answers browsers.

    Another site can make its name resolve to this machine ("DNS rebinding"). Its visitors' browsers would then
    send requests to the dashboard. This does not work with plain addresses, since a browser does not look them up.
    `BRAINSEG_HOSTS` adds the names under which a proxy offers the dashboard; visitors who sign in come back to one.
    """
    names = [ADDRESS, "127.0.0.1", "::1"]
    if host in EVERYWHERE:
        names += [socket.gethostname(), socket.getfqdn()]
        addresses = [each for card in psutil.net_if_addrs().values() for each in card]
        names += [
            found.address.split("%")[0] for found in addresses if found.family in (socket.AF_INET, socket.AF_INET6)
        ]
    else:
        names.append(host)
    if found := sign_in():
        names.append(urlsplit(found.redirect_uri).hostname or ADDRESS)
    names += [name.strip() for name in os.environ.get("BRAINSEG_HOSTS", "").split(",") if name.strip()]
    return list(dict.fromkeys(names))


def free_port(first: int, host: str = ADDRESS) -> int:
    """Return the first free port from `first` on.

    Raises:
        RunError: A hundred ports in a row are taken, or this machine has no such address.
    """
    for port in range(first, min(first + 100, 65536)):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            # Servers set this too: otherwise a port stays taken for a minute after its last server ended.
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
                    raise RunError(_NO_ADDRESS.format(host)) from error
                continue
            return port
    raise RunError(f"No free port from {first} on: name another with --port.")
