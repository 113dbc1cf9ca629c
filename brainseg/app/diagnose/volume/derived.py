"""What is computed once from a volume or a mask and then kept: in the session alone, since it shows the patient."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar, cast

import streamlit as st

from brainseg.app import state

Kind = TypeVar("Kind")


def derived(kind: str, of: str, make: Callable[[], Kind], most: int) -> Kind:
    """Return what was made before, or make it.

    Args:
        kind: What it is; each kind is kept on its own.
        of: What it is of: a hash of the content.
        make: Makes it.
        most: Most of this kind that are kept; the least recently used goes first.
    """
    kept: OrderedDict[str, object] = st.session_state.setdefault(state.VOLUMES_DERIVED, {}).setdefault(
        kind, OrderedDict()
    )
    if of not in kept:
        kept[of] = make()
    kept.move_to_end(of)
    while len(kept) > most:
        kept.popitem(last=False)
    return cast("Kind", kept[of])
