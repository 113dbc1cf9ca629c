"""`dashboard`: the pages in the browser."""

from __future__ import annotations

import signal
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from brainseg.cli.output import ANSWERS, NOTES
from brainseg.operations.access import metrics_for_all
from brainseg.users.signin import wanted

if TYPE_CHECKING:
    from brainseg.cli.server import Server

PortOption = Annotated[
    int, typer.Option(min=1024, max=65535, help="Port to serve at; the next free one if it is taken.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(dashboard)


def dashboard(
    port: PortOption = 8501,
    demo_session: Annotated[
        bool,
        typer.Option("--demo-session", help="Only Home, Diagnose, Compare and Read, and nothing that changes a run."),
    ] = False,
    host: Annotated[
        str,
        typer.Option(help="Address of this machine to serve at; any but localhost lets other machines connect."),
    ] = "localhost",
) -> None:
    """Open the dashboard in the browser. Ctrl-C ends it; trainings continue."""
    from brainseg.cli.server import Server

    treat_sigterm_as_ctrl_c()
    metrics_too = metrics_for_all()
    signing_in = wanted()
    if signing_in:
        NOTES.print("Visitors sign in; roles.yaml says what each of them may do.")
    if host not in ("localhost", "127.0.0.1", "::1"):
        if not signing_in:
            NOTES.print("There is no sign-in: anyone who can reach the port can train, upload and delete.")
        if metrics_too:
            NOTES.print("Anyone who can reach the port can read the metrics, too (BRAINSEG_METRICS).")
    with _ended_by_ctrl_c(), Server(port, demo_session, host) as server:
        announce(server)
        wait_for_ctrl_c(server)


def treat_sigterm_as_ctrl_c() -> None:
    """End the server on SIGTERM too: service managers and containers send it, and the server would keep running."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def announce(server: Server) -> None:
    """Print the address of the dashboard, and open it if a person uses the terminal."""
    ANSWERS.print(f"The dashboard is at {server.url}", soft_wrap=True)
    if sys.stdout.isatty():
        webbrowser.open(server.url)


def wait_for_ctrl_c(server: Server) -> None:
    """Keep the server running until Ctrl-C."""
    NOTES.print("Ctrl-C ends the dashboard; trainings continue without it.")
    with _ended_by_ctrl_c():
        server.wait()


@contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    """Treat Ctrl-C as the normal end of the command, whenever it comes."""
    try:
        yield
    except KeyboardInterrupt:
        NOTES.print("The dashboard has ended.")
