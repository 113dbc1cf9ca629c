"""Asks the policy about what is done to a run."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

from brainseg.runs.run import Run
from brainseg.runs.store import RunStore
from brainseg.users.policy import Act, acting

Further = ParamSpec("Further")
Result = TypeVar("Result")
OfRun = Callable[Concatenate[RunStore, Run, Further], Result]


def asks_about_run(act: Act) -> Callable[[OfRun[Further, Result]], OfRun[Further, Result]]:
    """Return a decorator for functions of a store and a run: they raise `AccessError` for those who may not do it.

    The owner is the one whom the store names now, whatever the caller's `Run` says.
    """

    def decorate(function: OfRun[Further, Result]) -> OfRun[Further, Result]:
        @wraps(function)
        def asked(store: RunStore, run: Run, *args: Further.args, **kwargs: Further.kwargs) -> Result:
            with acting(act, run.id, store.find(run.id).owner):
                return function(store, run, *args, **kwargs)

        return cast("OfRun[Further, Result]", asked)  # its first two arguments have names besides

    return decorate
