"""Signing in, on a real server with a real provider, asked over HTTP as browsers and programs do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from brainseg.errors import ConfigError
from brainseg.jobs.workspace import child_environment
from brainseg.users import audit
from brainseg.users.signin import check_provider, sign_in, wanted
from tests.oidc_provider import Provider
from tests.users.conftest import Site
from tests.users.live import drawn

CLOSED = (
    "/media/0.png",
    "/_stcore/metrics",
    "/_stcore/agent/openapi.json",
    "/component/x",
    "/_stcore/bidi-components/x",
)
COOKIE = "_streamlit_user"


def test_nothing_but_the_way_in_is_there_without_signing_in(signed_site: Site) -> None:
    with closing(signed_site.visitor()) as stranger:
        for path in CLOSED:
            answer = stranger.get(path)
            assert (answer.status_code, answer.text) == (401, "Sign in to use this brainseg."), path
        sent = stranger.put("/_stcore/upload_file/some/file", files={"file": ("a.png", b"x")})
        assert sent.status_code == 401
        assert stranger.post("/_stcore/agent/interact", json={}).status_code == 401
        assert "<title>Streamlit" in stranger.get("/train").text  # the empty frame, which draws the gate
        health = stranger.get("/health")
        assert health.status_code == 200
        assert str(signed_site.home) not in health.text
        assert stranger.get("/metrics", headers={"X-Forwarded-For": "10.0.0.7"}).status_code == 403


def test_who_has_a_role_gets_in_and_who_has_none_does_not(signed_site: Site) -> None:
    for subject in ("s-vera", "s-tom", "s-ada"):
        with closing(signed_site.visitor(subject)) as client:
            assert client.get("/media/0.png").status_code == 404, subject
    with closing(signed_site.visitor("s-otto")) as client:
        assert client.get("/media/0.png").status_code == 401
        roles = signed_site.home / "roles.yaml"
        before = roles.read_text("utf-8")
        roles.write_text(f"{before}\nsubjects: {{s-otto: viewer}}\n", "utf-8")
        assert client.get("/media/0.png").status_code == 404  # read again without a restart
        roles.write_text("emails: [damaged", "utf-8")
        assert client.get("/media/0.png").status_code == 401
        roles.write_text(before, "utf-8")


def test_a_changed_or_ended_cookie_opens_nothing(signed_site: Site) -> None:
    with closing(signed_site.visitor("s-ada")) as client, closing(signed_site.visitor()) as thief:
        cookie = client.cookies[COOKIE]
        thief.cookies.set(COOKIE, cookie)
        assert thief.get("/media/0.png").status_code == 404
        for forged in (cookie[:-6] + "AAAAAA", "e30" + cookie, cookie.replace("s", "t"), "1", ""):
            thief.cookies.set(COOKIE, forged)
            assert thief.get("/media/0.png").status_code == 401, forged
    secret = signed_site.home / "sessions" / "cookie_secret"
    assert secret.stat().st_mode & 0o777 == 0o600


def test_the_settings_are_complete_or_refused(home: Path, tmp_path: Path, monkeypatch, provider: Provider) -> None:
    assert sign_in() is None
    assert not wanted()
    good = provider.settings("http://localhost:8501")
    for name in good:
        monkeypatch.setenv(name, "x" if name.endswith("ID") else good[name])
        if name != "BRAINSEG_OIDC_REDIRECT_URI":
            with pytest.raises(ConfigError, match=r"Signing in needs BRAINSEG_OIDC_.*: set them all"):
                sign_in()
    found = sign_in()
    assert found is not None
    check_provider(found)
    assert found.secrets()["auth"]["cookie_secret"] == found.secrets()["auth"]["cookie_secret"]

    file = tmp_path / "secret"
    file.write_text(" from a file \n")
    monkeypatch.setenv("BRAINSEG_OIDC_CLIENT_SECRET_FILE", str(file))
    refuse(r"Both .*_SECRET and .*_SECRET_FILE are set")
    monkeypatch.delenv("BRAINSEG_OIDC_CLIENT_SECRET")
    assert (again := sign_in()) is not None
    assert again.client_secret == "from a file"
    file.write_text("\n")
    refuse("which is empty")
    file.unlink()
    refuse("which cannot be read")
    monkeypatch.delenv("BRAINSEG_OIDC_CLIENT_SECRET_FILE")
    monkeypatch.setenv("BRAINSEG_OIDC_CLIENT_SECRET", "x")
    for name, value, words in (
        ("REDIRECT_URI", "http://localhost:8501", "with /oauth2callback at its end"),
        ("REDIRECT_URI", "http://brain.example.org/oauth2callback", "use https"),
        ("METADATA_URL", "ftp://localhost/x", "begins with https"),
        ("METADATA_URL", "http://[/x", "begins with https"),
        ("SCOPE", "email", "add openid"),
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(f"BRAINSEG_OIDC_{name}", value)
            refuse(words)
    monkeypatch.setenv("BRAINSEG_OIDC_METADATA_URL", f"{provider.url}/jwks")
    with pytest.raises(ConfigError, match="no discovery document"):
        check_provider(sign_in())
    monkeypatch.setenv("BRAINSEG_OIDC_METADATA_URL", "http://127.0.0.1:9/x")
    with pytest.raises(ConfigError, match="did not answer"):
        check_provider(sign_in())


def refuse(words: str) -> None:
    with pytest.raises(ConfigError, match=words) as error:
        sign_in()
    assert len(str(error.value).rstrip(".").split(". ")) == 1


def test_the_dashboard_does_not_start_half_closed(home: Path, monkeypatch, provider: Provider) -> None:
    monkeypatch.setenv("BRAINSEG_OIDC_CLIENT_ID", "brainseg")
    command = [sys.executable, "-m", "brainseg", "dashboard", "--port", "8791"]
    done = subprocess.run(command, capture_output=True, text=True, env=child_environment(), timeout=120)
    assert done.returncode == 2
    assert "Signing in needs BRAINSEG_OIDC_METADATA_URL" in done.stderr.splitlines()[-1]
    for name, value in provider.settings("http://localhost:8791").items():
        monkeypatch.setenv(name, value)
    done = subprocess.run(command, capture_output=True, text=True, env=child_environment(), timeout=120)
    assert done.returncode == 2
    assert "Nobody has a role yet" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_one_line_is_written_at_once_by_several_processes(home: Path) -> None:
    code = "from brainseg.users import audit\nfor _ in range(40): audit.write('train', 'allowed', 'x' * 3000)"
    running = [subprocess.Popen([sys.executable, "-c", code], env=child_environment()) for _ in range(3)]
    assert [each.wait(120) for each in running] == [0, 0, 0]
    file = home / audit.FILE
    assert file.stat().st_mode & 0o777 == 0o600
    lines = file.read_text("utf-8").splitlines()
    assert len(lines) == 120 == len(list(audit.entries()))
    assert all(json.loads(line)["door"] == "cli" for line in lines)


def test_a_live_connection_draws_only_the_gate_before_and_refuses_what_is_forged(signed_site: Site) -> None:
    with closing(signed_site.visitor()) as stranger:
        for page in ("train", "runs", "data", ""):
            text = drawn(stranger, page)
            assert "Sign in to use this brainseg." in text
            assert "Queue" not in text
            assert str(signed_site.home) not in text
    with closing(signed_site.visitor("s-tom")) as trainer:
        text = drawn(trainer, "train")
        assert "Tom Trainer" in text
        button = re.search(r'id: "(\$\$ID-[^"]*-train:train)"', text)[1]
    with closing(signed_site.visitor("s-vera")) as viewer:
        text = drawn(viewer, "train", [button])
        assert "Viewers cannot train: ask the imaging team" in re.sub(r"\\+", "", text)
        assert button not in text
        cookie = viewer.cookies[COOKIE]
        viewer.cookies.set(COOKIE, cookie[:-6] + "AAAAAA")
        assert "Sign in to use this brainseg." in drawn(viewer, "train", [button])
