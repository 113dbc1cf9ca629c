"""A PostgreSQL server of the test's own, run by a plain user: it refuses to run as root."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from tests.servers.processes import Process, free_port

USER = DATABASE = "brainseg"
PASSWORD = "correct-horse"


def find_binaries() -> Path | None:
    """Return the folder of the newest PostgreSQL's programs, which Debian keeps out of PATH; None if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]))
    if found:
        return found[-1].parent
    program = shutil.which("initdb")
    return Path(program).resolve().parent if program else None


class Postgres(Process):
    """The server, with an empty database `brainseg`.

    Attributes:
        port: Port on 127.0.0.1.
        password: File with the password of the user `brainseg`.
    """

    def __init__(self) -> None:
        # A folder that the server's user may enter; pytest's own are closed to others.
        self.folder = Path(tempfile.mkdtemp(prefix="brainseg-postgres-"))
        self.binaries = find_binaries()
        self.port = free_port()
        self.password = self.folder / "password"
        self.password.write_text(PASSWORD)
        user = "nobody" if os.getuid() == 0 else None
        if user:
            shutil.chown(self.folder, user)
            shutil.chown(self.password, user)
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self.folder}
        fast = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "16MB", "max_connections": "40"}
        command = [str(self.binaries / "postgres"), "-D", str(self.folder / "data")]
        command += [part for name, value in {**options, **fast}.items() for part in ("-c", f"{name}={value}")]
        super().__init__(command, self.folder / "log.txt", self._ready, user=user)
        self._make(user)

    def _make(self, user: str | None) -> None:
        identity = {"user": user, "group": "nogroup", "extra_groups": []} if user else {}
        subprocess.run(
            [
                str(self.binaries / "initdb"),
                *("-D", str(self.folder / "data"), "-U", USER, "-A", "scram-sha-256", "--pwfile", str(self.password)),
                *("-E", "UTF8", "--locale", "C.UTF-8", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            cwd=self.folder,
            **identity,
        )
        self.start()
        self.run("createdb", DATABASE)

    def _ready(self) -> bool:
        return subprocess.run([str(self.binaries / "pg_isready"), *self._where()], capture_output=True).returncode == 0

    def _where(self) -> list[str]:
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", USER]

    def uri(self, password: str = PASSWORD, database: str = DATABASE) -> str:
        return f"postgresql+psycopg://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def run(self, program: str, *arguments: str, text: str | None = None) -> str:
        """Run one of PostgreSQL's programs, such as psql or pg_dump, and return what it prints."""
        done = subprocess.run(
            [str(self.binaries / program), *self._where(), *arguments],
            env={**os.environ, "PGPASSWORD": PASSWORD},
            input=text,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sql(self, text: str) -> str:
        return self.run("psql", "-d", DATABASE, "-v", "ON_ERROR_STOP=1", "-At", "-c", text)

    def close(self) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
