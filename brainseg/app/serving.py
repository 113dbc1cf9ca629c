"""The server's own process: `python -m brainseg.app.serving OPTIONS…` serves the pages until its starter ends."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from streamlit import net_util
from streamlit.web.server.starlette import starlette_static_routes

from brainseg import paths
from brainseg.app.navigation import PAGES
from brainseg.errors import BrainsegError
from brainseg.files import write_atomically
from brainseg.jobs import parent_watch

WHERE = """<script>
window.__streamlit = {
  BACKEND_BASE_URL: location.origin + location.pathname.replace(/[/](PAGES)[/]?$/, "/"),
}
</script>"""
"""Tells Streamlit's own code where its server is; without it a page below the first looks beside itself first, and
each visit leaves four errors in the browser's console."""


def keep_to_itself() -> None:
    """Let the server ask nobody for its outer address.

    Streamlit does so, at a stranger's server, whenever a page of another site tries to connect: no setting stops it.
    """
    net_util.get_external_ip = _nowhere


def _nowhere() -> None:
    return None


def tell_where() -> None:
    """Let pages below the first know where their server is."""
    create = starlette_static_routes.create_streamlit_static_handler

    def told(directory: str, base_url: str | None) -> object:
        handler = create(directory, base_url)
        with suppress(OSError, BrainsegError):  # only the console is the worse for it
            handler._index_path = str(_told_index(Path(directory)))
        return handler

    starlette_static_routes.create_streamlit_static_handler = told


def _told_index(static: Path) -> Path:
    """Write Streamlit's first file below the home, with `WHERE` in it."""
    script = WHERE.replace("PAGES", "|".join(PAGES))
    text = (static / "index.html").read_text("utf-8").replace("<head>", f"<head>{script}", 1)
    file = paths.subfolder("cache") / "index.html"
    write_atomically(file, lambda temporary: temporary.write_text(text, "utf-8"))
    return file


def main() -> None:
    """Serve the pages with the command line's options for `streamlit run`."""
    parent_watch.exit_with_parent()
    keep_to_itself()
    tell_where()
    from streamlit.web.cli import main as streamlit  # a second

    sys.argv = ["streamlit", "run", str(Path(__file__).with_name("main.py")), *sys.argv[1:]]
    streamlit(prog_name="streamlit")


if __name__ == "__main__":
    main()
