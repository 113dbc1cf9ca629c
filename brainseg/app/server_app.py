"""The server's application, which `streamlit run` finds in this file: the pages, and addresses for programs."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from brainseg.app.doors import Doors
from brainseg.app.endpoints import ROUTES
from brainseg.app.visitor import ask_the_session
from brainseg.users.signin import CLIENT_SECRET, sign_in

ask_the_session()  # before anything else in this process asks who acts
_found = sign_in()
os.environ.pop(CLIENT_SECRET, None)  # workers and trainers, which this process starts, have no use for it
app = st.App(
    Path(__file__).with_name("main.py"),
    routes=ROUTES,
    secrets=_found.secrets() if _found else None,
    middleware=[Middleware(Doors, found=_found)] if _found else None,
)
"""The server's own process: `python -m brainseg.app.serving OPTIONS…` serves the pages until its parent ends."""
