"""A real server and a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from brainseg.cli.server import Server
from brainseg.runs import RunStore
from tests.app.compare_runs import copy_of, forget_a_mask
from tests.app.conftest import finished_template, moved_home, segment_template
from tests.chromium import PATIENCE
from tests.conftest import opened_home
from tests.jobs.helpers import end_processes

__all__ = ["finished_template", "segment_template"]


@pytest.fixture(scope="session")
def site_home(tmp_path_factory: pytest.TempPathFactory, finished_template: Path) -> Iterator[Path]:
    """A home with two finished runs, which the server of the session shows."""
    folder = moved_home(finished_template, tmp_path_factory.mktemp("site") / "home")
    with opened_home(folder):
        yield folder
        end_processes(folder)


@pytest.fixture(scope="session")
def site(site_home: Path) -> Iterator[str]:
    """The address of a running dashboard."""
    with Server(port=8710) as server:
        yield server.url


@pytest.fixture(scope="module")
def mask_site(tmp_path_factory: pytest.TempPathFactory, segment_template: Path) -> Iterator[str]:
    """The address of a dashboard with a baseline `tuned`, a U-Net `marks`, and `again`, which missed one tumour."""
    folder = tmp_path_factory.mktemp("masks")
    with opened_home(moved_home(segment_template, folder / "home")):
        store = RunStore()
        forget_a_mask(copy_of(store, store.get("marks"), "again", folder / "copy"))
        with Server(port=8750) as server:
            yield server.url
        end_processes(folder / "home")


@pytest.fixture(scope="session")
def visits(browser: Browser) -> Callable[[], AbstractContextManager[Page]]:
    """Open a tab in a light browser profile, which all tests share: a new profile has to fetch and compile Streamlit's
    code again. Streamlit keeps a visitor's state with the tab, not with the profile.
    """
    profile = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light", accept_downloads=True)

    @contextmanager
    def visit() -> Iterator[Page]:
        page = profile.new_page()
        page.set_default_timeout(PATIENCE)
        yield page
        page.close()

    return visit


@pytest.fixture
def tab(visits: Callable[[], AbstractContextManager[Page]]) -> Iterator[Page]:
    """A visitor's new tab; whatever its console calls an error fails the test."""
    complaints: list[str] = []

    def keep(message: ConsoleMessage) -> None:
        # A test's own server ends before the tab does, which goes on asking for it.
        if message.type == "error" and "ERR_CONNECTION_REFUSED" not in message.text:
            complaints.append(f"{message.text} {message.location}")

    with visits() as page:
        page.on("console", keep)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
    assert not complaints
