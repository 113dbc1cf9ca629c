"""Who may do what: one table, which every function asks that changes something or shows what others made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import ParamSpec, TypeVar

from brainseg.errors import AccessError, LimitError
from brainseg.users import audit
from brainseg.users.actor import UNOWNED, Actor, Owner, Role, current


class Act(StrEnum):
    """What somebody can ask for. The values are the words of the audit log."""

    LOOK = "look"
    DIAGNOSE = "diagnose"
    READ = "read"
    EXPORT = "export"
    UPLOAD = "upload"
    ADD_DATASET = "add dataset"
    ADD_FOLDER = "add folder"
    CHANGE_DATASET = "change dataset"
    REMOVE_DATASET = "remove dataset"
    DECIDE_LABELS = "decide about copies"
    TRAIN = "train"
    CANCEL = "cancel"
    RESUME = "resume"
    DESCRIBE = "describe run"
    DELETE_RUN = "delete run"
    MEASURE = "measure"
    CALIBRATE = "calibrate"
    THRESHOLD = "set threshold"
    PROMOTE = "promote"
    MAKE_STUDY = "make study"
    END_STUDY = "end study"
    SEE_AUDIT = "see audit log"


VIEWER: Role = "viewer"
TRAINER: Role = "trainer"
ADMIN: Role = "admin"
RIGHTS: dict[Act, tuple[Role, Role, str]] = {
    Act.LOOK: (VIEWER, VIEWER, "see pages"),
    Act.DIAGNOSE: (VIEWER, VIEWER, "diagnose images"),
    Act.READ: (VIEWER, VIEWER, "answer in reader studies"),
    Act.EXPORT: (VIEWER, VIEWER, "download results"),
    Act.UPLOAD: (TRAINER, TRAINER, "upload datasets"),
    Act.ADD_DATASET: (TRAINER, TRAINER, "add datasets"),
    Act.ADD_FOLDER: (ADMIN, ADMIN, "add folders of the server"),
    Act.CHANGE_DATASET: (TRAINER, ADMIN, "change datasets"),
    Act.REMOVE_DATASET: (ADMIN, ADMIN, "remove datasets"),
    Act.DECIDE_LABELS: (TRAINER, TRAINER, "decide about near copies"),
    Act.TRAIN: (TRAINER, TRAINER, "train"),
    Act.CANCEL: (TRAINER, ADMIN, "stop runs"),
    Act.RESUME: (TRAINER, ADMIN, "resume runs"),
    Act.DESCRIBE: (TRAINER, ADMIN, "rename runs or write on them"),
    Act.DELETE_RUN: (TRAINER, ADMIN, "delete runs"),
    Act.MEASURE: (TRAINER, ADMIN, "measure models of runs"),
    Act.CALIBRATE: (TRAINER, ADMIN, "calibrate models of runs"),
    Act.THRESHOLD: (TRAINER, ADMIN, "change how models decide"),
    Act.PROMOTE: (ADMIN, ADMIN, "choose the model that Diagnose offers first"),
    Act.MAKE_STUDY: (TRAINER, TRAINER, "create reader studies"),
    Act.END_STUDY: (TRAINER, TRAINER, "end reader studies"),
    Act.SEE_AUDIT: (ADMIN, ADMIN, "see the audit log"),
}
"""What -> the least role for one's own things, that for the things of others, and the words of a refusal."""
FIRST_ROLE = {"viewer": "Viewers", "trainer": "Trainers", "none": "Visitors without a role"}
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
_within: ContextVar[bool] = ContextVar("within", default=False)


def may(act: Act, actor: Actor | None = None, owner: Owner = UNOWNED) -> bool:
    """Return whether an actor may do something.

    Args:
        act: What it is.
        actor: Who; the one who acts now by default.
        owner: Whose thing it is done to; what nobody owns belongs to administrators.
    """
    actor = actor or current()
    own, others, _ = RIGHTS[act]
    return actor.has(own if actor.owns(owner) else others)


def check(act: Act, owner: Owner = UNOWNED) -> None:
    """Refuse what the one who acts now may not do.

    Raises:
        AccessError: Their role does not allow it, or they are not signed in.
    """
    actor = current()
    if not may(act, actor, owner):
        raise AccessError(refusal(act, actor))


def refusal(act: Act, actor: Actor) -> str:
    """Return why somebody may not do something, and what to do, in one sentence."""
    own, others, words = RIGHTS[act]
    ask = f"ask {actor.contact or 'the people who run brainseg'}"
    if not actor.signed_in and actor.role == "none":
        return f"Only people who have signed in can {words}: sign in first."
    if actor.has(own) and not actor.has(others):
        return f"You can {words} only if they are your own: {ask} to do it."
    return f"{FIRST_ROLE[actor.role]} cannot {words}: {ask} to do it, or for the role of {_article(own)}."


@dataclass
class Asked:
    """What the audit log will say about an action; its target may become known only when it is done."""

    target: str
    count: int | None


@contextmanager
def acting(act: Act, target: str = "", owner: Owner = UNOWNED, count: int | None = None) -> Iterator[Asked]:
    """Do something in the `with` block that the one who acts now may do, and write it into the audit log.

    An action inside of another one is checked, too, but leaves no line of its own.

    Args:
        act: What it is.
        target: What it is done to: the id of a run, or the fingerprint of a dataset; never a name or a path.
        owner: Whose that is.
        count: Of how many things.

    Raises:
        AccessError: Their role does not allow it.
    """
    asked = Asked(target, count)
    try:
        check(act, owner)
    except AccessError:
        audit.write(act.value, "refused", asked.target, asked.count)
        raise
    if _within.get():
        yield asked
        return
    token = _within.set(True)
    try:
        yield asked
    except Exception as error:
        result: audit.Result = "refused" if isinstance(error, AccessError | LimitError) else "failed"
        audit.write(act.value, result, asked.target, asked.count)
        raise
    else:
        audit.write(act.value, "allowed", asked.target, asked.count)
    finally:
        _within.reset(token)


def asks(act: Act) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """Return a decorator that runs a whole function as `acting`; for what is done to nobody's thing in particular."""

    def decorate(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        @wraps(function)
        def asked(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            with acting(act):
                return function(*args, **kwargs)

        return asked

    return decorate


def _article(role: Role) -> str:
    return f"{'an' if role.startswith('a') else 'a'} {'administrator' if role == ADMIN else role}"
