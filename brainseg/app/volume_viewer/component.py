"""The viewer as a component of Streamlit: one part brings a volume to the browser, the other one shows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_FOLDER = Path(__file__).parent
_SHOWN = ("volumes", "geometry", "editing", "drawing", "windowing", "masks", "tools", "keys", "pane", "viewer", "main")
"""The scripts of the viewer in the order in which they are joined to one module."""


def _script(*names: str) -> str:
    return "\n".join((_FOLDER / "js" / f"{name}.js").read_text("utf-8") for name in names)


_load = st.components.v2.component("brainseg_volume", js=_script("volumes", "loader"))
_show = st.components.v2.component(
    "brainseg_viewer",
    html=(_FOLDER / "viewer.html").read_text("utf-8"),
    css=(_FOLDER / "viewer.css").read_text("utf-8"),
    js=_script(*_SHOWN),
)


def show_viewer(key: str, packed: bytes, data: dict[str, Any], on_corrected: Callable[[], None]) -> None:
    """Draw the viewer.

    Streamlit sends `packed` only when the browser does not have it yet, so what changes often belongs in `data`.

    Args:
        key: Unique on the page. After a correction, `st.session_state[key]["corrected"]` holds what came.
        packed: From `packing.pack_volume`.
        data: What the script of the viewer reads: `id`, `shape`, `spacing`, `affine`, `planes`, `plane`, `windows`,
            `model_window`, `start_window`, `masks`, `jump`.
        on_corrected: Called when the visitor keeps a corrected mask.
    """
    with st.container(gap=None):
        _load(key=f"{key}-volume", data=packed)
        _show(key=key, data=data, on_corrected_change=on_corrected)
