"""What a visitor sees before any page, as long as they have not signed in or have no role; and the way out."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from brainseg import DISCLAIMER
from brainseg.app import state
from brainseg.app.navigation import PAGES
from brainseg.app.style import draw_style
from brainseg.app.visitor import claims
from brainseg.errors import ConfigError
from brainseg.results.markdown import escape
from brainseg.users import audit
from brainseg.users.actor import current
from brainseg.users.identity import end_visit, visit_of
from brainseg.users.policy import Act, may
from brainseg.users.roles import roles
from brainseg.users.signin import wanted

PEOPLE = "the people who run brainseg"
WELCOME = "Sign in to use this brainseg."
BY_HAND = "Signing in works only with a server that `brainseg dashboard` started: ask {} to start it so."


def open_gate() -> bool:
    """Return whether the visitor may see pages; the first time in a visit, the audit log gets a line."""
    visitor = current()
    if not may(Act.LOOK, visitor):
        return False
    if visitor.signed_in and st.session_state.get(state.VISIT) != (visit := visit_of(claims())):
        st.session_state[state.VISIT] = visit
        audit.note_visit(visit)
    return True


def draw_gate() -> None:
    """Draw, in place of any page, how to get in."""
    draw_style(large=False)
    found = claims()
    _, middle, _ = st.columns([1, 2, 1])
    with middle.container(border=True):
        st.title("brainseg", anchor=False)
        st.badge(DISCLAIMER, icon=":material/science:", color="orange")
        visitor = current()
        if visitor.signed_in:
            name = escape(visitor.owner.name)
            st.warning(f"You are signed in as {name}, but have no role here: ask {_contact()} for one.")
            st.button("Sign out", icon=":material/logout:", on_click=leave, key="leave")
            return
        st.markdown(WELCOME if not found.get("is_logged_in") else "Your visit has ended: sign in again.")
        if not _served():
            st.error(BY_HAND.format(PEOPLE), icon=":material/error:")
        elif st.button("Sign in", type="primary", icon=":material/login:", key="enter"):
            st.login()


def gate_pages() -> list[st.Page]:
    """Return all pages, hidden, each of which draws the gate, so that no address is unknown to the browser."""
    return [
        st.Page(_gate(name), title=title, url_path=None if name == "home" else name, default=name == "home")
        for name, title in PAGES.items()
    ]


def _gate(name: str) -> Callable[[], None]:
    def draw() -> None:
        draw_gate()

    draw.__name__ = f"gate_{name}"
    return draw


def draw_account() -> None:
    """Draw who is signed in, with the way out; nothing where nobody signs in."""
    visitor = current()
    if not wanted():
        return
    with st.popover(escape(visitor.owner.name), icon=":material/account_circle:", key="account"):
        st.markdown(f"Signed in as **{escape(visitor.owner.name)}**, {visitor.role}.")
        st.button("Sign out", icon=":material/logout:", on_click=leave, key="leave")


def leave() -> None:
    """End the visit, in all tabs of the browser, and leave the provider, too."""
    found = claims()
    if found.get("is_logged_in"):
        audit.write("sign-out", "allowed")
        end_visit(found)
    st.logout()


def _contact() -> str:
    try:
        return escape(roles().contact) or PEOPLE
    except ConfigError:
        return PEOPLE


def _served() -> bool:
    """Return whether this server knows how to reach the provider."""
    try:
        return "auth" in st.secrets
    except FileNotFoundError:
        return False
