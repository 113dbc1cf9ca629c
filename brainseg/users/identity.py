"""From what a provider says about a visitor to an `Actor`, and which visits have ended."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from brainseg import paths
from brainseg.files import file_state, sha256_bytes, write_json
from brainseg.users.actor import NOBODY, Actor, Owner
from brainseg.users.roles import roles
from brainseg.users.signin import longest_sign_in

FOLDER, FILE = "sessions", "signed_out.json"
_KEPT = 31 * 24 * 3600.0
"""Seconds for which an ended visit is remembered: longer than its cookie lives."""
_LONGEST_NAME = 60
_known: dict[Path, tuple[tuple[int, int] | None, dict[str, float]]] = {}


def actor_of(claims: Mapping[str, Any]) -> Actor:
    """Return who a visitor is.

    Args:
        claims: The claims of the identity token in the visitor's cookie, whose signature was checked.

    Returns:
        The visitor with a role; `NOBODY` if the visit has ended or began too long ago.

    Raises:
        ConfigError: The file with the roles is missing or damaged, so nobody has one.
    """
    subject, issued = str(claims.get("sub") or ""), claims.get("iat")
    if not subject or isinstance(issued, bool) or not isinstance(issued, int | float):
        return NOBODY
    if not -300 < time.time() - issued < longest_sign_in() or visit_of(claims) in _ended():
        return NOBODY
    known = roles()
    return Actor(known.role_of(claims), "page", Owner(subject, display_name(claims)), True, known.contact)


def display_name(claims: Mapping[str, Any]) -> str:
    """Return what pages call a person.

    >>> display_name({"sub": "7", "name": "Ada Lovelace", "email": "ada@example.org"})
    'Ada Lovelace'
    >>> display_name({"sub": "7", "preferred_username": "ada@example.org"})
    'ada'
    """
    for claim in ("name", "preferred_username", "nickname", "email"):
        text = "".join(letter for letter in str(claims.get(claim) or "") if letter.isprintable())
        if text := " ".join(text.partition("@")[0].split())[:_LONGEST_NAME]:
            return text
    return f"user {sha256_bytes(str(claims.get('sub', '')).encode())[:6]}"


def visit_of(claims: Mapping[str, Any]) -> str:
    """Return a text that tells one visit from all others: each sign-in gives another identity token."""
    parts = [str(claims.get(name, "")) for name in ("iss", "sub", "iat", "nonce")]
    return sha256_bytes("\0".join(parts).encode())


def end_visit(claims: Mapping[str, Any]) -> None:
    """Remember that a visit has ended: its cookie no longer opens anything, in no tab and in no copy."""
    file, now = paths.subfolder(FOLDER) / FILE, time.time()
    with FileLock(file.with_suffix(".lock")):
        kept = {visit: when for visit, when in _read(file).items() if when > now - _KEPT}
        write_json(file, {**kept, visit_of(claims): now})


def _ended() -> dict[str, float]:
    file = paths.place(FOLDER, FILE)
    state = file_state(file)
    if file not in _known or _known[file][0] != state:
        _known[file] = (state, _read(file))
    return _known[file][1]


def _read(file: Path) -> dict[str, float]:
    try:
        return {str(visit): float(when) for visit, when in json.loads(file.read_text("utf-8")).items()}
    except (OSError, ValueError, TypeError, AttributeError):  # missing, or damaged by hand
        return {}
