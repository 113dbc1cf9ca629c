"""What the server lets in and out, and when it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from brainseg.jobs.workspace import child_environment
from tests.conftest import PROJECT_ROOT

SETTINGS = tomllib.loads((PROJECT_ROOT / ".streamlit" / "config.toml").read_text("utf-8"))


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("server", "address", "localhost"),
        ("server", "enableXsrfProtection", True),
        ("server", "enableCORS", True),
        ("server", "enableStaticServing", False),
        ("browser", "gatherUsageStats", False),
        ("client", "showErrorDetails", "none"),
        ("client", "disableDataExport", True),
        ("runner", "magicEnabled", False),
    ],
)
def test_the_server_is_careful(section: str, name: str, value: object) -> None:
    assert SETTINGS[section][name] == value


def test_no_server_outlives_the_command_that_started_it(home: Path) -> None:
    command = [sys.executable, "-m", "brainseg", "dashboard", "--port", "8770"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=child_environment()) as dashboard:
        address = dashboard.stdout.readline().split()[-1]
        with urlopen(f"{address}/_stcore/health") as answer:
            assert answer.status == 200
        dashboard.send_signal(signal.SIGTERM)
        assert dashboard.wait(20) == 0
    with pytest.raises(URLError):
        urlopen(f"{address}/_stcore/health")
