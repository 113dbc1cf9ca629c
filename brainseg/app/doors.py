"""What may be asked for over HTTP: without signing in, only the empty frame of the pages and the way in.

Pictures, downloads and uploads have addresses of their own beside the session that made them. Whoever asks for one must
have a signed cookie of somebody with a role.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks

from brainseg.app.visitor import known_visitor
from brainseg.users.policy import Act, may
from brainseg.users.signin import SignIn

CLOSED = ("/_stcore/", "/media/", "/component/", "/app/")
"""Beginnings of the addresses that only signed-in visitors reach."""
OPEN = ("/_stcore/health", "/_stcore/host-config")
"""Addresses among them that say nothing about anybody: the browser needs them to draw the gate."""
REFUSED = "Sign in to use this brainseg."


class Doors:
    """Lets through what its class's module says; the live connection stays open, since the gate is drawn through it.

    Args:
        app: What answers.
        found: How visitors sign in.
    """

    def __init__(self, app: ASGIApp, found: SignIn) -> None:
        self._app = app
        self._origin = found.redirect_uri.partition("/oauth2callback")[0]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "http" and _is_closed(scope["path"]) and not self._knows(HTTPConnection(scope)):
            await PlainTextResponse(REFUSED, 401, {"Cache-Control": "no-store"})(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _knows(self, request: HTTPConnection) -> bool:
        try:
            raw = _get_signed_cookie_with_chunks(request.cookies, USER_COOKIE_NAME)
            found: dict[str, Any] = json.loads(raw) if raw else {}
        except ValueError:  # a signed cookie of something else
            return False
        fits = isinstance(found, dict) and found.get("origin") == self._origin
        return fits and may(Act.LOOK, known_visitor(found))


def _is_closed(path: str) -> bool:
    return path.startswith(CLOSED) and path not in OPEN
