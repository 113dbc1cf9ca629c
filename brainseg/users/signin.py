"""The settings for signing in with OpenID Connect, which environment variables give."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from brainseg import extras, paths
from brainseg.errors import ConfigError

METADATA_URL, CLIENT_ID = "BRAINSEG_OIDC_METADATA_URL", "BRAINSEG_OIDC_CLIENT_ID"
CLIENT_SECRET, SECRET_FILE = "BRAINSEG_OIDC_CLIENT_SECRET", "BRAINSEG_OIDC_CLIENT_SECRET_FILE"
REDIRECT_URI, ASKED = "BRAINSEG_OIDC_REDIRECT_URI", "BRAINSEG_OIDC_SCOPE"
NEEDED = (METADATA_URL, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI)
CALLBACK = "/oauth2callback"
"""How the redirect address ends: the pages' server answers the provider there."""
SCOPE = "openid email profile"
COOKIE_SECRET = "sessions/cookie_secret"  # noqa: S105 - the name of a file
HOURS = 12.0
"""Hours after which a visitor has to sign in again, unless `BRAINSEG_SIGN_IN_HOURS` sets another number."""
_LOCAL = ("localhost", "127.0.0.1", "::1")
_PATIENCE = 10.0
_ENDPOINTS = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True)
class SignIn:
    """How visitors sign in.

    Attributes:
        metadata_url: Address of the provider's discovery document.
        client_id: The name under which the provider knows this dashboard.
        client_secret: What proves it.
        redirect_uri: Where the provider sends visitors back to: the dashboard's address with `CALLBACK`.
        scope: What the provider is asked for.
    """

    metadata_url: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    scope: str = SCOPE

    def secrets(self) -> dict[str, Any]:
        """Return Streamlit's secrets for `st.login`."""
        return {
            "auth": {
                "redirect_uri": self.redirect_uri,
                "cookie_secret": paths.secret(COOKIE_SECRET).hex(),
                "client_id": self.client_id,
                "client_secret": self.client_secret,
                "server_metadata_url": self.metadata_url,
                "client_kwargs": {"scope": self.scope},
            }
        }


def wanted() -> bool:
    """Return whether a setting for signing in is set, be it complete or not: no page is shown without signing in."""
    return any(map(_given, (*NEEDED, SECRET_FILE, ASKED)))


def sign_in() -> SignIn | None:
    """Return how visitors sign in; None if they do not.

    Raises:
        ConfigError: A setting is missing, or has a value that cannot work.
    """
    if not wanted():
        return None
    given = {name: _given(name) for name in NEEDED}
    given[CLIENT_SECRET] = _secret(given[CLIENT_SECRET], _given(SECRET_FILE))
    if missing := [name for name in NEEDED if not given[name]]:
        raise ConfigError(f"Signing in needs {' and '.join(missing)}, too: set them all, or none for no sign-in.")
    for name in (METADATA_URL, REDIRECT_URI):
        _check_address(name, given[name])
    if not given[REDIRECT_URI].endswith(CALLBACK):
        raise ConfigError(
            f"{REDIRECT_URI} is {given[REDIRECT_URI]!r}: set it to the dashboard's address with {CALLBACK} at its end, "
            "and allow the same address at the provider."
        )
    scope = _given(ASKED) or SCOPE
    if "openid" not in scope.split():
        raise ConfigError(f"{ASKED} is {scope!r}: add openid, or unset it.")
    return SignIn(given[METADATA_URL], given[CLIENT_ID], given[CLIENT_SECRET], given[REDIRECT_URI], scope)


def check_provider(found: SignIn) -> None:
    """Ask the provider for its discovery document, so that a wrong address is noticed before anybody signs in.

    Raises:
        ConfigError: It does not answer, or with something else.
        MissingLibraryError: The library for signing in is not installed.
    """
    extras.require("authlib", "Signing in")
    extras.require("httpx", "Signing in")
    try:
        with urlopen(found.metadata_url, timeout=_PATIENCE) as answer:  # noqa: S310 - http or https, checked before
            document = json.loads(answer.read(1 << 20))
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise ConfigError(
            f"The provider did not answer at {found.metadata_url} ({reason}): check {METADATA_URL}, and that this "
            "machine reaches the provider."
        ) from error
    if not isinstance(document, dict) or any(not isinstance(document.get(part), str) for part in _ENDPOINTS):
        raise ConfigError(
            f"{found.metadata_url} is no discovery document of OpenID Connect: set {METADATA_URL} to the address that "
            "ends in /.well-known/openid-configuration."
        )


def longest_sign_in() -> float:
    """Return the seconds after which a visitor has to sign in again.

    Raises:
        ConfigError: `BRAINSEG_SIGN_IN_HOURS` is not a number, or is negative.
    """
    return 3600.0 * paths.limit("BRAINSEG_SIGN_IN_HOURS", HOURS)


def _given(name: str) -> str:
    return os.environ.get(name, "").strip()


def _secret(given: str, file: str) -> str:
    """Return the client's secret, which a file may keep."""
    if given and file:
        raise ConfigError(f"Both {CLIENT_SECRET} and {SECRET_FILE} are set: unset one of them.")
    if not file:
        return given
    try:
        text = Path(file).expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError, RuntimeError) as error:
        raise ConfigError(
            f"{SECRET_FILE} names {file}, which cannot be read: name a file with the client's secret."
        ) from error
    if not text:
        raise ConfigError(f"{SECRET_FILE} names {file}, which is empty: put the client's secret into it.")
    return text


def _check_address(name: str, address: str) -> None:
    try:
        parts = urlsplit(address)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.username or parts.fragment)
    except ValueError:
        fits = False
    if not fits:
        raise ConfigError(f"{name} is {address!r}: set it to an address that begins with https://.")
    if parts.scheme == "http" and parts.hostname not in _LOCAL:
        raise ConfigError(f"{name} is {address!r}: use https://, since others could read what is sent over http.")
