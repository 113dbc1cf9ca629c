"""People of each role, who sign in at a real provider and use a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from brainseg.cli.server import Server
from brainseg.runs import RunStore
from brainseg.users import audit
from tests.app.conftest import moved_home
from tests.browser.visitor import open_page, settled
from tests.chromium import PATIENCE
from tests.conftest import opened_home
from tests.jobs.helpers import end_processes
from tests.oidc_provider import Provider, free_port, running_provider
from tests.users.conftest import ROLES, USERS

COOKIE = "_streamlit_user"
People = Callable[[str], AbstractContextManager[Page]]


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with running_provider(tmp_path_factory.mktemp("provider"), USERS) as running:
        yield running


@pytest.fixture(scope="module")
def signed(
    tmp_path_factory: pytest.TempPathFactory, finished_template: Path, provider: Provider
) -> Iterator[tuple[str, Path]]:
    """The address and the home of a dashboard with two finished runs, of which Tom Trainer owns `tuned`."""
    home = moved_home(finished_template, tmp_path_factory.mktemp("users") / "home")
    (home / "roles.yaml").write_text(ROLES, "utf-8")
    port = free_port()
    with opened_home(home), pytest.MonkeyPatch.context() as patch:
        store = RunStore()
        store.set_tags(store.get("tuned").id, {"brainseg.owner": "s-tom", "brainseg.owner-name": "Tom Trainer"})
        for name, value in provider.settings(f"http://localhost:{port}").items():
            patch.setenv(name, value)
        with Server(port) as server:
            yield server.url, home
        end_processes(home)


@pytest.fixture
def people(browser: Browser, signed: tuple[str, Path]) -> People:
    """Open a browser of somebody who signs in with the button, by name; of a stranger for ""."""

    @contextmanager
    def person(name: str) -> Iterator[Page]:
        profile = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
        page = profile.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(f"{signed[0]}/train")
        expect(page.get_by_text("Sign in to use this brainseg.")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_role("link", name="Train")).to_have_count(0)
        if name:
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("button", name=name).click()
        yield page
        profile.close()

    return person


def test_each_role_sees_and_does_what_it_may(people: People, signed: tuple[str, Path]) -> None:
    url, _ = signed
    with people("Otto Other") as tab:
        expect(tab.get_by_text("have no role here: ask the imaging team")).to_be_visible()

    with people("Vera Viewer") as tab:
        open_page(tab, f"{url}/train", "Train")
        expect(tab.get_by_text("Viewers cannot train: ask the imaging team")).to_be_visible()
        expect(tab.get_by_role("button", name="Train", exact=True)).to_have_count(0)
        open_page(tab, f"{url}/runs?run={RunStore().get('tuned').id}", "Runs")
        expect(tab.get_by_role("button", name="Download")).to_be_visible()
        for action in ("Delete", "Rename, tag, note", "Use in Diagnose"):
            expect(tab.get_by_role("button", name=action)).to_have_count(0)

    with people("Tom Trainer") as tab:
        open_page(tab, f"{url}/train", "Train")
        expect(tab.get_by_role("button", name="Train", exact=True)).to_be_visible()
        open_page(tab, f"{url}/runs?run={RunStore().get('baseline').id}", "Runs")  # nobody's, so administrators'
        expect(tab.get_by_role("button", name="Download")).to_be_visible()
        expect(tab.get_by_role("button", name="Delete")).to_have_count(0)
        open_page(tab, f"{url}/runs?run={RunStore().get('tuned').id}", "Runs")
        settled(tab)
        tab.get_by_role("button", name="Delete").click()
        tab.get_by_label("Type the run's name to confirm").fill("tuned")
        tab.keyboard.press("Enter")
        tab.get_by_role("button", name="Delete for good").click()
        expect(tab.get_by_text("tuned is deleted.")).to_be_visible()

    done = [(each.action, each.name, each.result) for each in audit.entries()]
    assert ("delete run", "Tom Trainer", "allowed") in done
    assert ("sign-in", "Vera Viewer", "allowed") in done
    assert len(RunStore().list()) == 1


def test_a_visit_ends_for_good(people: People, signed: tuple[str, Path]) -> None:
    url, _ = signed
    with people("Ada Admin") as tab:
        open_page(tab, f"{url}/about", "About")
        tab.get_by_role("tab", name="Audit log").click()
        expect(tab.get_by_text(re.compile(r"\d+ lines"))).to_be_visible()
        settled(tab)
        cookie = next(each for each in tab.context.cookies() if each["name"] == COOKIE)
        leave(tab)

        tab.context.add_cookies([cookie])  # a copy that somebody kept
        tab.goto(f"{url}/runs")
        expect(tab.get_by_text("sign in again")).to_be_visible()
        tab.context.add_cookies([{**cookie, "value": cookie["value"][:-8] + "AAAAAAAA"}])
        tab.goto(f"{url}/runs")
        expect(tab.get_by_text("Sign in to use this brainseg.")).to_be_visible()
    done = [(each.action, each.name, each.result) for each in audit.entries()]
    assert ("sign-out", "Ada Admin", "allowed") in done


def leave(tab: Page) -> None:
    """Sign out; the page is the gate again."""
    tab.get_by_role("button", name="Ada Admin").click()
    tab.get_by_role("button", name="Sign out").click()
    expect(tab.get_by_text("Sign in to use this brainseg.")).to_be_visible()
