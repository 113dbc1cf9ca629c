"""Who acts: the visitor of a page, or whoever runs a command on this machine.

Functions that change something ask `current()`, so no caller has to pass a person on. The command line acts as an
administrator, since its user can read and write the home folder anyway.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Literal

Role = Literal["none", "viewer", "trainer", "admin"]
ROLES: tuple[Role, ...] = ("none", "viewer", "trainer", "admin")
"""All roles, each with the rights of those before it."""


@dataclass(frozen=True)
class Owner:
    """Whom a run or a dataset belongs to.

    Attributes:
        subject: The person's identifier from the sign-in provider; "" where nobody was signed in.
        name: What pages call the person; never an e-mail address.
    """

    subject: str = ""
    name: str = ""


UNOWNED = Owner()
"""The owner of what was made without signing in: it belongs to administrators."""


@dataclass(frozen=True)
class Actor:
    """A person who acts.

    Attributes:
        role: What the person may do.
        door: Where the person came in: through a page, or through the command line.
        owner: Whom what is made belongs to.
        confined: Whether only listed folders of the server may be added: on pages that others than this machine reach.
        contact: Whom to ask for another role; "" for the people who run brainseg.
    """

    role: Role
    door: Literal["page", "cli"] = "page"
    owner: Owner = UNOWNED
    confined: bool = False
    contact: str = ""

    @property
    def signed_in(self) -> bool:
        """Whether the person is known."""
        return bool(self.owner.subject)

    def has(self, role: Role) -> bool:
        """Return whether the person has a role or one with more rights."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def owns(self, owner: Owner) -> bool:
        """Return whether something is the person's own; what nobody owns belongs to administrators."""
        return self.signed_in and owner.subject == self.owner.subject


NOBODY = Actor("none", confined=True)
"""A visitor who has not signed in where one must, and threads of a server that act for no visitor."""

_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)
_asked: list[Callable[[], Actor]] = []


def current() -> Actor:
    """Return who acts now."""
    if (actor := _acting.get()) is not None:
        return actor
    return _asked[-1]() if _asked else local()


@cache
def local() -> Actor:
    """Return whoever runs a command on this machine; the name is that of the system's account."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user without a name
        name = ""
    return Actor("admin", "cli", Owner("", name))


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Let an actor act in the `with` block, in this thread."""
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)


def ask(resolver: Callable[[], Actor]) -> None:
    """Let a function find out who acts, in this whole process and its threads: the dashboard asks its session."""
    if resolver not in _asked:
        _asked.append(resolver)
