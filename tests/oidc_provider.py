"""A small OpenID Connect provider for the tests: a real one, in a process of its own, with discovery, keys, and the
authorization-code flow with PKCE, which it requires.

`python -m tests.oidc_provider PORT USERS` serves on 127.0.0.1. USERS is a JSON file: subject -> claims. Whoever opens
the form signs in as any of them with one click. It knows one client, `CLIENT`, and any redirect address of localhost.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

CLIENT, SECRET = "brainseg", "a secret of the tests"
LOCAL = ("localhost", "127.0.0.1")
FORM = """<!doctype html><html lang="en"><title>Sign in</title><h1>Sign in</h1><form method="post">{}</form></html>"""
BUTTON = '<p><button name="subject" value="{0}">{1}</button></p>'


@dataclass(frozen=True)
class Provider:
    """A running provider: its address, and what brainseg's settings must say to use it."""

    url: str

    def settings(self, dashboard: str) -> dict[str, str]:
        """Return the environment variables for a dashboard at an address."""
        return {
            "BRAINSEG_OIDC_METADATA_URL": f"{self.url}/.well-known/openid-configuration",
            "BRAINSEG_OIDC_CLIENT_ID": CLIENT,
            "BRAINSEG_OIDC_CLIENT_SECRET": SECRET,
            "BRAINSEG_OIDC_REDIRECT_URI": f"{dashboard}/oauth2callback",
        }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_provider(folder: Path, users: dict[str, dict[str, object]]) -> Iterator[Provider]:
    """Start a provider with these users (subject -> claims), and end it afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "users.json").write_text(json.dumps(users), "utf-8")
    port = free_port()
    command = [sys.executable, "-m", "tests.oidc_provider", str(port), str(folder / "users.json")]
    root = Path(__file__).resolve().parent.parent
    with (folder / "provider.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=root, stdout=log, stderr=log)
    try:
        provider = Provider(f"http://127.0.0.1:{port}")
        _wait(provider, process, folder / "provider.log")
        yield provider
    finally:
        process.terminate()
        process.wait(10)


def _wait(provider: Provider, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        try:
            with urlopen(f"{provider.url}/.well-known/openid-configuration", timeout=2):
                return
        except (URLError, OSError):
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
    raise AssertionError("The provider did not start.")


def serve(port: int, users: dict[str, dict[str, object]]) -> None:  # noqa: C901 - one server, whose parts are short
    """Serve until the process ends."""
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # for this process: it serves 127.0.0.1 alone
    from authlib.common.security import generate_token
    from authlib.integrations.flask_oauth2 import AuthorizationServer
    from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, grants
    from authlib.oauth2.rfc6749.errors import InvalidRequestError
    from authlib.oauth2.rfc7636 import CodeChallenge
    from authlib.oidc.core import OpenIDCode
    from flask import Flask, jsonify, redirect, request
    from joserfc.jwk import RSAKey

    issuer = f"http://127.0.0.1:{port}"
    key = RSAKey.generate_key(2048, parameters={"kid": generate_token(8)})
    codes: dict[str, Code] = {}
    nonces: set[str] = set()

    class Client(ClientMixin):
        """The one client."""

        def get_client_id(self):
            return CLIENT

        def get_default_redirect_uri(self):
            return None

        def get_allowed_scope(self, scope):
            return scope

        def check_redirect_uri(self, redirect_uri):
            return urlsplit(redirect_uri).hostname in LOCAL

        def check_client_secret(self, client_secret):
            return client_secret == SECRET

        def check_endpoint_auth_method(self, method, endpoint):
            return method in ("client_secret_basic", "client_secret_post")

        def check_response_type(self, response_type):
            return response_type == "code"

        def check_grant_type(self, grant_type):
            return grant_type == "authorization_code"

    class Code(SimpleNamespace, AuthorizationCodeMixin):
        """A code that was given out, with what was asked for."""

        def get_redirect_uri(self):
            return self.redirect_uri

        def get_scope(self):
            return self.scope

        def get_nonce(self):
            return self.nonce

        def get_auth_time(self):
            return int(time.time())

        def get_acr(self):
            return None

        def get_amr(self):
            return None

    class Grant(grants.AuthorizationCodeGrant):
        def save_authorization_code(self, code, request):
            asked = request.payload.data
            codes[code] = Code(
                code=code,
                subject=request.user,
                redirect_uri=request.payload.redirect_uri,
                scope=request.payload.scope,
                nonce=asked.get("nonce"),
                code_challenge=asked.get("code_challenge"),
                code_challenge_method=asked.get("code_challenge_method"),
            )
            nonces.add(asked.get("nonce"))

        def query_authorization_code(self, code, client):
            return codes.get(code)

        def delete_authorization_code(self, authorization_code):
            codes.pop(authorization_code.code, None)

        def authenticate_user(self, authorization_code):
            return authorization_code.subject

    class IdToken(OpenIDCode):
        def exists_nonce(self, nonce, request):
            return nonce in nonces

        def resolve_client_private_key(self, client):
            return key

        def get_client_claims(self, client):
            return {"iss": issuer, "aud": [CLIENT]}

        def get_encode_header(self, client):
            return {"alg": "RS256", "kid": key.kid}

        def generate_user_info(self, user, scope):
            return {"sub": user, **users[user]}

    class Pkce(CodeChallenge):
        SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

        def validate_code_challenge(self, grant, redirect_uri):
            if not grant.request.payload.data.get("code_challenge"):
                raise InvalidRequestError("PKCE is required")
            super().validate_code_challenge(grant, redirect_uri)

    app = Flask("provider")
    server = AuthorizationServer(app, query_client=lambda name: Client() if name == CLIENT else None)
    server._save_token = lambda token, request: None
    server.register_grant(Grant, [IdToken(require_nonce=True), Pkce(required=True)])

    @app.get("/.well-known/openid-configuration")
    def discovery():
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
            "end_session_endpoint": f"{issuer}/end",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    @app.get("/jwks")
    def jwks():
        return {"keys": [key.as_dict(private=False)]}

    @app.route("/authorize", methods=["GET", "POST"])
    def authorize():
        grant = server.get_consent_grant()
        subject = request.form.get("subject")
        if subject in users:
            return server.create_authorization_response(grant=grant, grant_user=subject)
        return FORM.format("".join(BUTTON.format(each, claims.get("name", each)) for each, claims in users.items()))

    @app.post("/token")
    def token():
        return server.create_token_response()

    @app.get("/end")
    def end():
        wanted = request.args["post_logout_redirect_uri"]
        return redirect(wanted) if urlsplit(wanted).hostname in LOCAL else (jsonify("refused"), 400)

    app.run("127.0.0.1", port, threaded=True)


if __name__ == "__main__":
    serve(int(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text("utf-8")))
