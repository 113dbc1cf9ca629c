"""Whom a run belongs to, as two tags of the stored run; runs that were made without signing in have neither."""

from __future__ import annotations

from collections.abc import Mapping

from brainseg.runs.migrations import PREFIX
from brainseg.users.actor import UNOWNED, Owner, current

SUBJECT, NAME = PREFIX + "owner", PREFIX + "owner-name"


def owner_tags(parent: Owner | None = None) -> dict[str, str]:
    """Return the tags of a new run: its owner is that of its parent, or whoever has signed in and acts now."""
    actor = current()
    owner = parent or (actor.owner if actor.door == "page" else UNOWNED)
    return {SUBJECT: owner.subject, NAME: owner.name} if owner.subject else {}


def read_owner(tags: Mapping[str, str]) -> Owner:
    """Return the owner of a stored run."""
    subject = tags.get(SUBJECT, "")
    return Owner(subject, tags.get(NAME, "")) if subject else UNOWNED
