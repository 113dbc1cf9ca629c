"""The server's own process: `python -m brainseg.app.serving OPTIONS…` serves the pages until its parent ends."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from starlette.staticfiles import StaticFiles
from streamlit import net_util, runtime
from streamlit.web.server.starlette import starlette_static_routes

from brainseg import logs, paths
from brainseg.app.navigation import PAGES
from brainseg.errors import BrainsegError
from brainseg.files import write_atomically
from brainseg.imports import without_garbage_collection
from brainseg.jobs import parent_watch

BASE_ADDRESS = """<script>
window.__streamlit = {
  BACKEND_BASE_URL: location.origin + location.pathname.replace(/[/](PAGES)[/]?$/, "/"),
}
</script>"""
"""Gives Streamlit's browser code the address of its server. Without this, every page except the first tries its own
address first, and each visit leaves four errors in the browser's console."""


POLL = 0.02
"""Seconds between two looks at whether the server has started."""


def ask_no_outside_server() -> None:
    """Keep Streamlit from asking an outside server for its public address.

    Streamlit asks whenever a page of another site tries to connect, and no setting prevents it.
    """
    net_util.get_external_ip = _nowhere


def _nowhere() -> None:
    return None


def set_base_address() -> None:
    """Let every page find its server, not only the first one."""
    create = starlette_static_routes.create_streamlit_static_handler

    def with_index(directory: str, base_url: str | None) -> StaticFiles:
        handler = create(directory, base_url)
        with suppress(OSError, BrainsegError):  # if this fails, only the browser's console shows errors
            # The class inside Streamlit's function has this attribute; the declared type does not.
            vars(handler)["_index_path"] = str(_index(Path(directory)))
        return handler

    starlette_static_routes.create_streamlit_static_handler = with_index


def _index(static: Path) -> Path:
    """Write Streamlit's `index.html` with `BASE_ADDRESS` into the home folder, and return its path."""
    script = BASE_ADDRESS.replace("PAGES", "|".join(PAGES))
    text = (static / "index.html").read_text("utf-8").replace("<head>", f"<head>{script}", 1)
    file = paths.subfolder("cache") / "index.html"
    write_atomically(file, lambda temporary: temporary.write_text(text, "utf-8"))
    return file


def preload() -> None:
    """Import the first page while the browser still fetches Streamlit's own code, once the server answers."""
    while not runtime.exists():
        time.sleep(POLL)
    with without_garbage_collection():
        import_module("brainseg.app.main")
        import_module("brainseg.app.home.page")


def main() -> None:
    """Serve the pages with the command line's options for `streamlit run`."""
    parent_watch.exit_with_parent()
    logs.configure()
    ask_no_outside_server()
    set_base_address()
    threading.Thread(target=preload, name="preload", daemon=True).start()
    from streamlit.web.cli import main as streamlit  # takes a second to import

    sys.argv = ["streamlit", "run", str(Path(__file__).with_name("server_app.py")), *sys.argv[1:]]
    streamlit(prog_name="streamlit")


if __name__ == "__main__":
    main()
