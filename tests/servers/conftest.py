"""PostgreSQL, S3-compatible storage and an MLflow server over both, started once for all tests of this folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from brainseg.runs import RunStore
from tests.jobs.helpers import end_processes
from tests.servers import compose
from tests.servers.bucket import BUCKET, Storage
from tests.servers.postgres import Postgres, find_binaries
from tests.servers.processes import Process, answers_http, free_port
from tests.users.conftest import provider

__all__ = ["provider"]


@pytest.fixture(scope="session")
def programs() -> None:
    """Skip what needs servers that are not installed, unless BRAINSEG_REQUIRE_SERVERS says that it must run."""
    reason = ""
    if not find_binaries():
        reason = "no PostgreSQL: install it, for example with `apt install postgresql`"
    elif absent := [name for name in ("psycopg", "boto3", "moto") if not find_spec(name)]:
        reason = f"no {' and '.join(absent)}: install requirements-dev.txt"
    if reason:
        pytest.fail(reason) if os.environ.get("BRAINSEG_REQUIRE_SERVERS") else pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres(programs: None) -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.close()


@pytest.fixture(scope="session")
def storage(programs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    server = Storage(tmp_path_factory.mktemp("storage"))
    yield server
    server.stop()


class Tracking(Process):
    """The MLflow server as deploy/compose.yaml starts it.

    Args:
        folder: For its log.
        postgres: Its database.
        settings: Variables of the compose file.
    """

    def __init__(self, folder: Path, postgres: Postgres, settings: dict[str, str]) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        line = compose.shell_line(
            "mlflow",
            settings,
            {
                "/run/secrets/database_password": str(postgres.password),
                "@database/": f"@127.0.0.1:{postgres.port}/",
                "--host 0.0.0.0 --port 5000": f"--host 127.0.0.1 --port {self.port}",
                "127.0.0.1:5000": f"127.0.0.1:{self.port}",
                "--workers 2": "--workers 1",
            },
        )
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **compose.environment("mlflow", settings)}
        super().__init__(line, folder / "mlflow.txt", lambda: answers_http(f"{self.address}/health"), environment)


@pytest.fixture(scope="session")
def tracking(postgres: Postgres, storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracking]:
    settings = {"ARTIFACTS": f"s3://{BUCKET}/runs", **storage.settings}
    server = Tracking(tmp_path_factory.mktemp("tracking"), postgres, settings)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session", autouse=True)
def impatience(programs: None) -> Iterator[None]:
    """Let requests to servers that do not answer end soon."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
        patch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
        patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        patch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_JITTER", "0")
        yield


@pytest.fixture
def enter(tracking: Tracking, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], RunStore]]:
    """Open a home folder whose runs are on the server, and return its store."""
    entered: list[Path] = []

    def go(home: Path) -> RunStore:
        monkeypatch.setenv("BRAINSEG_HOME", str(home))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking.address)
        entered.append(home)
        return RunStore()

    yield go
    for home in entered:
        if home.is_dir():
            monkeypatch.setenv("BRAINSEG_HOME", str(home))
            end_processes(home)
