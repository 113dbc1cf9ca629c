"""The visitor of a session: who it is, from the identity that Streamlit read out of the signed cookie."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from brainseg.app.navigation import demo_mode
from brainseg.errors import ConfigError
from brainseg.users.actor import NOBODY, Actor, Role, acting_as, ask, local
from brainseg.users.identity import actor_of
from brainseg.users.policy import Act, acting
from brainseg.users.signin import wanted

LOGGER = logging.getLogger(__name__)
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def visitor() -> Actor:
    """Return who acts in this thread: the visitor of its session, or nobody where there must be one but is not."""
    in_session = get_script_run_ctx(suppress_warning=True) is not None
    if not in_session and not runtime.exists():  # no server: another program has imported the pages
        return local()
    if not wanted():
        return _anybody(in_session)
    return known_visitor(claims()) if in_session else NOBODY


def known_visitor(found: Mapping[str, Any]) -> Actor:
    """Return who has these claims of an identity token; nobody has a role while the roles cannot be read."""
    if not found.get("is_logged_in"):
        return NOBODY
    try:
        return actor_of(found)
    except ConfigError as error:  # its message names places on the server, which visitors need not know
        LOGGER.error("Nobody is let in: %s", error)
        return NOBODY


def claims() -> dict[str, Any]:
    """Return what the provider said about the visitor of this session; nothing before the visitor has signed in."""
    return st.user.to_dict()


def later(make: Callable[[], bytes], target: str = "") -> Callable[[], bytes]:
    """Return a function that makes a download for the visitor of this session.

    Streamlit calls it when the button is clicked, in a thread that belongs to no session. The visit may have ended
    since the button was drawn, so who asks is looked up again.

    Args:
        make: Makes the file.
        target: The id of what it is of, for the audit log.
    """
    found, now = claims() if wanted() else {}, visitor()

    def made() -> bytes:
        with acting_as(known_visitor(found) if wanted() else now), acting(Act.EXPORT, target):
            return make()

    return made


def ask_the_session() -> None:
    """Let everything in this process ask the session of its thread who acts."""
    ask(visitor)


def _anybody(in_session: bool) -> Actor:
    """Return a visitor where nobody signs in: whoever reaches the port may do everything, unless it is a demo."""
    role: Role = "viewer" if in_session and demo_mode() else "admin"
    return Actor(role, "page", confined=st.get_option("server.address") not in LOOPBACK)
