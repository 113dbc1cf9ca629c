"""A provider, and people of each role who sign in with it as browsers do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from brainseg.cli.server import Server
from tests.conftest import fresh_home, opened_home
from tests.oidc_provider import Provider, free_port, running_provider

USERS: dict[str, dict[str, object]] = {
    "s-vera": {"name": "Vera Viewer", "email": "vera@example.org", "email_verified": True},
    "s-tom": {"name": "Tom Trainer", "groups": ["trainers"]},
    "s-ada": {"name": "Ada Admin", "email": "ada@example.org"},
    "s-otto": {"name": "Otto Other", "email": "otto@example.org"},
}
"""Subject -> claims: a viewer, a trainer, an administrator, and somebody without a role."""
ROLES = """
contact: the imaging team
emails: {vera@example.org: viewer, ADA@example.org: admin}
groups: {trainers: trainer}
"""


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with running_provider(tmp_path_factory.mktemp("provider"), USERS) as running:
        yield running


class Site:
    """A dashboard where people sign in."""

    def __init__(self, url: str, home: Path) -> None:
        self.url, self.home = url, home

    def visitor(self, subject: str = "") -> httpx.Client:
        """Return a client with the cookies of somebody who has signed in; without any for ""."""
        client = httpx.Client(base_url=self.url, follow_redirects=True, timeout=60)
        if subject:
            form = client.get("/auth/login", params={"provider": self._ticket()})
            assert form.status_code == 200, form.text
            assert client.post(form.url, data={"subject": subject}).status_code == 200
            assert "_streamlit_user" in client.cookies
        return client

    def _ticket(self) -> str:
        """Return what the button on the page gives the browser, signed as the server does."""
        key = OctKey.import_key((self.home / "sessions" / "cookie_secret").read_bytes().hex())
        return jwt.encode({"alg": "HS256"}, {"provider": "default", "exp": int(time.time()) + 60}, key)


@pytest.fixture(scope="module")
def signed_site(tmp_path_factory: pytest.TempPathFactory, store_template: Path, provider: Provider) -> Iterator[Site]:
    """A running dashboard with an empty home, where people sign in."""
    home = fresh_home(tmp_path_factory.mktemp("signed") / "home", store_template)
    (home / "roles.yaml").write_text(ROLES, "utf-8")
    port = free_port()
    with opened_home(home), pytest.MonkeyPatch.context() as patch:  # the server keeps what it is started with
        for name, value in provider.settings(f"http://localhost:{port}").items():
            patch.setenv(name, value)
        server = Server(port)
    with server:
        assert server.port == port
        yield Site(server.url, home)
