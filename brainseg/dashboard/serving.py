"""The server's own process: `python -m brainseg.dashboard.serving OPTIONS…` serves the pages until its starter ends."""

from __future__ import annotations

import sys

from streamlit import net_util

from brainseg.jobs import leash


def keep_to_itself() -> None:
    """Let the server ask nobody for its outer address.

    Streamlit does so, at a stranger's server, whenever a page of another site tries to connect: no setting stops it.
    """
    net_util.get_external_ip = _nowhere


def _nowhere() -> None:
    return None


def main() -> None:
    """Serve the pages with the command line's options for `streamlit run`."""
    leash.hold()
    keep_to_itself()
    from streamlit.web.cli import main as streamlit  # a second

    sys.argv = ["streamlit", "run", "streamlit_app.py", *sys.argv[1:]]
    streamlit(prog_name="streamlit")


if __name__ == "__main__":
    main()
