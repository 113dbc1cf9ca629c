"""The members of an ensemble in the store: a run whose model is the mean of the models of other runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from brainseg.errors import RunError


@dataclass(frozen=True)
class EnsembleMember:
    """A member, as lists of runs show it.

    Attributes:
        run: Id of its run.
        name: Name of its run when the ensemble was made.
        network: Its network in words.
    """

    run: str
    name: str
    network: str


def write_members(members: Iterable[EnsembleMember]) -> str:
    """Return members as the text of a tag."""
    return json.dumps([asdict(member) for member in members])


def read_members(text: str) -> tuple[EnsembleMember, ...]:
    """Return the members in a tag.

    Raises:
        RunError: The tag is damaged; the message is the end of a sentence.

    Examples:
        >>> read_members(write_members([EnsembleMember("0" * 32, "first", "resnet18")]))[0].name
        'first'
    """
    try:
        members = tuple(EnsembleMember(*(str(each[name]) for name in _FIELDS)) for each in json.loads(text))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RunError("its tag brainseg.ensemble is damaged: its members are lost") from error
    if not members:
        raise RunError("its tag brainseg.ensemble is damaged: it names no members")
    return members


def networks(members: Sequence[EnsembleMember]) -> str:
    """Return the networks of an ensemble in words.

    Examples:
        >>> first, second = EnsembleMember("1", "a", "resnet18"), EnsembleMember("2", "b", "resnet34")
        >>> networks([first, second, first])
        'ensemble of 3: resnet18, resnet34'
    """
    return f"ensemble of {len(members)}: {', '.join(dict.fromkeys(member.network for member in members))}"


_FIELDS = ("run", "name", "network")
