"""What the server lets in and out, and when it ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import tomllib
from http.client import HTTPConnection
from pathlib import Path
from urllib.request import urlopen

import pytest
from streamlit import net_util
from streamlit.web.server.server_util import is_url_from_allowed_origins

from brainseg.app.serving import ask_no_outside_server
from brainseg.cli.server import allowed_hosts, free_port
from brainseg.errors import RunError
from brainseg.jobs.workspace import child_environment
from tests.conftest import PROJECT_ROOT
from tests.jobs.helpers import wait_for

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


def connects(address: str, host: str, origin: str) -> int:
    """Return the status that the server gives a page that asks for a live connection under a name."""
    port = int(address.rsplit(":", 1)[1])
    connection = HTTPConnection("localhost", port, timeout=30)
    connection.putrequest("GET", "/_stcore/stream", skip_host=True)
    for name, value in {
        "Host": host,
        "Origin": origin,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_no_server_outlives_the_command_that_started_it(home: Path, end: signal.Signals) -> None:
    command = [sys.executable, "-m", "brainseg", "dashboard", "--port", "8770"]
    dashboard = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=child_environment())
    try:
        address = dashboard.stdout.readline().split()[-1]
        with urlopen(f"{address}/_stcore/health") as answer:
            assert answer.status == 200
        if end == signal.SIGKILL:
            with urlopen(f"{address}/health") as answer:
                assert json.loads(answer.read())["status"] == "ok"
            with urlopen(f"{address}/metrics") as answer:
                assert b"brainseg_queue_length 0.0" in answer.read()
            own, forged = address.removeprefix("http://"), "rebound.example:8770"
            assert connects(address, own, f"http://{own}") == 101
            assert connects(address, forged, f"http://{forged}") == 403
            assert connects(address, own, "http://elsewhere.example") == 403
        dashboard.send_signal(end)
        assert dashboard.wait(20) == (0 if end == signal.SIGTERM else -end)
    finally:
        dashboard.kill()
    wait_for(lambda: is_gone(address), "the server to end with it")


def is_gone(address: str) -> bool:
    try:
        with urlopen(f"{address}/_stcore/health"):
            return False
    except OSError:  # refused, or reset while it ends
        return True


def test_nobody_is_asked_for_the_servers_outer_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(net_util, "get_external_ip", net_util.get_external_ip)
    monkeypatch.setattr(net_util, "_make_blocking_http_get", lambda *_, **__: pytest.fail("somebody was asked"))
    ask_no_outside_server()
    assert not is_url_from_allowed_origins("http://elsewhere.example")


def test_hosts_that_are_let_in_follow_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    local = ["localhost", "127.0.0.1", "::1"]
    assert SETTINGS["server"]["allowedHosts"] == allowed_hosts("localhost") == local
    assert allowed_hosts("10.1.2.3") == [*local, "10.1.2.3"]
    assert {socket.gethostname(), "127.0.0.1"} <= set(allowed_hosts("0.0.0.0"))
    monkeypatch.setenv("BRAINSEG_HOSTS", "brain.example.org, , brain")
    assert allowed_hosts("localhost") == [*local, "brain.example.org", "brain"]
    with pytest.raises(RunError, match="not an address of this machine"):
        free_port(8770, "203.0.113.9")
