"""The life of runs whose store is a real MLflow server over PostgreSQL, with their files in S3-compatible storage."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from brainseg.errors import AccessError, RunError, StoreError, UnreachableStoreError
from brainseg.jobs import actions, queue
from brainseg.jobs.supervisor import supervise
from brainseg.jobs.workspace import Workspace, child_environment
from brainseg.models.description import read_description
from brainseg.operations.backup import back_up
from brainseg.operations.restore import restore
from brainseg.phantom import write_phantom
from brainseg.runs import Run, RunStore, connection
from brainseg.users.actor import Actor, Owner, acting_as
from tests.browser.visitor import LIMIT, fill, no_trouble, open_page
from tests.cli.test_cli import here
from tests.conftest import PROJECT_ROOT, tiny_config
from tests.jobs.helpers import PATIENCE, epochs_done, supervised, wait_for
from tests.oidc_provider import Provider
from tests.runs.test_stores import OLD, older_store
from tests.servers import compose
from tests.servers.bucket import BUCKET, Storage
from tests.servers.conftest import Tracking
from tests.servers.postgres import DATABASE, Postgres
from tests.servers.processes import Process, answers_http, free_port
from tests.users.conftest import ROLES, Site

Enter = Callable[[Path], RunStore]
UNSTORED = (
    "The MLflow server cannot store the files of its runs: its log says why; check that the bucket or the folder of "
    "its --artifacts-destination exists and that the server may use it."
)
WORKER = (sys.executable, "-m", "brainseg", "worker", "--device", "cpu", "--idle", "0")


@pytest.fixture(scope="module")
def trained(tracking: Tracking, tiny_set: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run in each of two homes, trained at the same time by three workers: name of a run -> its home."""
    folder = tmp_path_factory.mktemp("homes")
    homes = {"first": folder / "one", "second": folder / "two"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", tracking.address)
        workers = []
        for name, home in homes.items():
            patch.setenv("BRAINSEG_HOME", str(home))
            RunStore().create(tiny_config(tiny_set), name)
        for number, home in enumerate((*homes.values(), folder / "one")):
            with (folder / f"worker-{number}.txt").open("wb") as log:
                environment = {**child_environment(), "BRAINSEG_HOME": str(home)}
                workers.append(subprocess.Popen(WORKER, stdout=log, stderr=log, env=environment))
        assert [worker.wait(PATIENCE) for worker in workers] == [0, 0, 0]
    return homes


def files_of(storage: Storage, run: Run) -> list[str]:
    return [name for name in storage.names() if f"/{run.id}/" in name]


def test_workers_of_two_homes_train_each_run_of_one_store_once(
    trained: dict[str, Path], enter: Enter, storage: Storage
) -> None:
    for name, home in trained.items():
        store = enter(home)
        run = store.get(name)
        assert (run.status, run.home_folder) == ("FINISHED", str(home)), run.reason
        assert len(store.client.get_metric_history(run.id, "valid_loss")) == 3
        assert {f"bundle/{part}" for part in ("bundle.json", "model.safetensors")} | {"evaluation.json", "log.txt"} <= {
            file.partition("/artifacts/")[2] for file in files_of(storage, run)
        }
        assert not list((home / "work").iterdir())
        assert store.path(run.id, "log.txt").read_text().count("epoch   3") == 1
    logs = [file.read_text() for file in sorted(trained["first"].parent.glob("worker-*.txt"))]
    assert sum(log.count("Starting the training") for log in logs) == 2
    with pytest.raises(RunError, match="was made in the home folder"):
        store.delete(store.get("first").id)


def test_answers_need_the_files_of_a_model_only_once(
    trained: dict[str, Path], enter: Enter, storage: Storage, tiny_set: Path, tmp_path: Path
) -> None:
    home = trained["first"]
    store = enter(home)
    store.promote(store.get("first").id)
    image = next((tiny_set / "yes").iterdir())

    def answer() -> tuple[dict, int]:
        done = here("predict", "--run", "first", image, "--json", "--cam", tmp_path / "heatmap.png", home=home)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)[0], storage.log.read_text().count(f'"GET /{BUCKET}/')

    (first, fetched), (second, again) = answer(), answer()
    assert first["probabilities"] == second["probabilities"]
    assert first["model"].startswith("first (")
    assert again == fetched
    assert (tmp_path / "heatmap.png").exists()
    # A download that broke off leaves nothing that passes for the model.
    assert not list((home / "cache" / "artifacts").rglob(".partial-*"))


def test_a_threshold_that_another_home_changed_is_used_here(trained: dict[str, Path], enter: Enter) -> None:
    there = enter(trained["second"])
    run = there.get("first")
    before = read_description(there.bundle(run))  # is downloaded
    done = here("threshold", "first", "--at", "0.3", home=trained["first"])
    assert done.returncode == 0, done.stderr
    there = enter(trained["second"])
    assert read_description(there.bundle(there.get("first"))) != before


def test_an_export_is_stored_with_the_run(trained: dict[str, Path], enter: Enter, storage: Storage) -> None:
    store = enter(trained["first"])
    done = here("export", "first", "--format", "onnx", "--json", home=trained["first"])
    assert done.returncode == 0, done.stderr
    assert any(name.endswith(".onnx") for name in files_of(storage, store.get("first")))
    assert store.exports(store.get("first"))


def test_a_thousand_runs_are_listed_page_by_page(
    trained: dict[str, Path], enter: Enter, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = enter(trained["first"])
    some = store.get("second")
    postgres.sql(copies("runs", "run_uuid", some.id, postgres) + copies("tags", "run_uuid", some.id, postgres))
    try:
        assert len(store.list()) >= 1102
        monkeypatch.setattr(connection, "_PAGE", 200)
        assert len(store.list()) >= 1102
        assert store.get("first").name == "first"
    finally:
        for table in ("tags", "runs"):
            postgres.sql(f"DELETE FROM {table} WHERE run_uuid IN (SELECT md5(n::text) FROM generate_series(1, 1100) n)")
    assert len(store.list()) < 100


def copies(table: str, key: str, run_id: str, postgres: Postgres) -> str:
    """Return SQL that copies the rows of one run to 1,100 others."""
    columns = postgres.sql(
        f"SELECT quote_ident(column_name) FROM information_schema.columns WHERE table_name = '{table}' "
        "AND table_schema = 'public' ORDER BY ordinal_position"
    ).split()
    values = ", ".join("md5(n::text)" if column == key else column for column in columns)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table}, generate_series(1, 1100) AS n "
        f"WHERE {key} = '{run_id}'; "
    )


def test_faults_of_servers_are_one_sentence(
    trained: dict[str, Path], enter: Enter, tracking: Tracking, postgres: Postgres
) -> None:
    home = trained["first"]
    store = enter(home)
    tracking.send(signal.SIGSTOP)
    try:
        done = here("runs", home=home)
        assert done.stderr == (
            "The MLflow server that MLFLOW_TRACKING_URI names did not answer within 2 seconds: check that it is "
            "running, or unset MLFLOW_TRACKING_URI to use this home's own store.\n"
        )
        with pytest.raises(UnreachableStoreError, match="does not answer"):
            store.find("f" * 32)  # and not that there is no such run
    finally:
        tracking.send(signal.SIGCONT)
    postgres.stop(signal.SIGINT)
    try:
        with pytest.raises(UnreachableStoreError, match="fails: its log says why; often its own database"):
            store.list()
        done = here("show", "first", home=home)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    finally:
        postgres.start()
    assert store.get("first").status == "FINISHED"


def test_an_older_database_is_refused_and_upgraded_after_a_copy(
    postgres: Postgres, tiny_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    home, uri = tmp_path / "home", postgres.uri(database="older")
    postgres.run("createdb", "older")
    tags = {"brainseg.config": tiny_config(tiny_set).model_dump_json(), "brainseg.host": str(home)}
    older_store(uri, tags)
    monkeypatch.setenv("BRAINSEG_HOME", str(home))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(RunError, match="made by an older MLflow: stop all programs that use it, then run"):
        RunStore()
    with closing(psycopg.connect(uri.replace("+psycopg", ""))):
        done = here("doctor", "--upgrade-store", home=home)
        assert done.stderr.startswith("Other programs use the database that MLFLOW_TRACKING_URI names: stop the MLflow")
    done = here("doctor", "--upgrade-store", "--json", home=home)
    assert done.returncode == 0, done.stderr
    copy = json.loads(done.stdout)["copy"]
    assert postgres.run("psql", "-d", copy, "-At", "-c", "SELECT version_num FROM alembic_version") == f"{OLD}\n"
    store = RunStore()
    assert [(run.name, run.status) for run in store.list()] == [("old", "FINISHED")]
    assert store.create(tiny_config(tiny_set), "new").status == "SCHEDULED"
    assert "up to date" in here("doctor", "--upgrade-store", home=home).stdout
    monkeypatch.setenv("MLFLOW_TRACKING_URI", postgres.uri(password="wrong"))
    with pytest.raises(StoreError, match=r"refuses the connection .password authentication failed for user"):
        RunStore()


def test_a_moved_home_keeps_its_runs(trained: dict[str, Path], enter: Enter) -> None:
    home = trained["second"]
    moved = home.with_name("moved")
    home.rename(moved)
    try:
        store = enter(moved)
        run = store.get("second")
        assert store.owns(run)
        assert store.bundle(run).is_dir()
    finally:
        moved.rename(home)
    assert enter(home).owns(store.get("second"))


def test_a_backup_of_database_and_home_brings_deleted_runs_back(
    trained: dict[str, Path], enter: Enter, postgres: Postgres, tracking: Tracking, tmp_path: Path
) -> None:
    home = trained["second"]
    store = enter(home)
    dump, archive = tmp_path / "runs.dump", tmp_path / "home.tar.gz"
    postgres.run("pg_dump", "--format", "custom", "--file", str(dump), DATABASE)
    assert back_up(archive).store == "elsewhere"
    store.rename(store.get("second").id, "renamed later")
    postgres.run("pg_restore", "--clean", "--if-exists", "--single-transaction", "-d", DATABASE, str(dump))
    restore(archive, replace=True)
    store = enter(home)
    assert store.owns(store.get("second"))
    assert store.bundle(store.get("second")).is_dir()


def test_a_deleted_run_leaves_no_file_and_no_record(
    trained: dict[str, Path], enter: Enter, storage: Storage, tracking: Tracking, postgres: Postgres
) -> None:
    store = enter(trained["second"])
    run = store.get("second")
    assert files_of(storage, run)
    actions.delete(store, run.id)
    assert files_of(storage, run) == []
    assert not (store.home / "cache" / "artifacts" / run.id).exists()
    with pytest.raises(RunError, match="There is no run"):
        store.get(run.id)
    gc = [str(Path(sys.executable).parent / "mlflow"), "gc", "--backend-store-uri", postgres.uri()]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": tracking.address}
    done = subprocess.run([*gc, "--run-ids", run.id], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert postgres.sql(f"SELECT count(*) FROM runs WHERE run_uuid = '{run.id}'") == "0\n"


@pytest.fixture
def site(tracking: Tracking, provider: Provider, tmp_path: Path) -> Iterator[Site]:
    """The compose file's service `app`, where people sign in, with the address of our server and a home of its own."""
    port = free_port()
    address, home = f"http://localhost:{port}", tmp_path / "data" / "home"
    values = compose.environment("app", {"BRAINSEG_KEEP_FREE_MB": "200", **provider.settings(address)})
    assert values["MLFLOW_TRACKING_URI"] == "http://mlflow:5000"
    container = {
        **{name: os.environ[name] for name in ("PATH", "MLFLOW_HTTP_REQUEST_TIMEOUT")},
        **values,
        "HOME": str(tmp_path),
        "PYTHONPATH": str(PROJECT_ROOT),
        "MLFLOW_TRACKING_URI": tracking.address,
        "BRAINSEG_HOME": str(home),
    }
    home.mkdir(parents=True)
    (home / "roles.yaml").write_text(ROLES, "utf-8")
    slices = tmp_path / "slices"
    write_phantom(slices, 24, size=64, workers=1)
    listed = [sys.executable, "-m", "brainseg", "data", "add", str(slices), "--name", "slices"]
    subprocess.run(listed, env=container, cwd=tmp_path, check=True, capture_output=True)
    app = Process(compose.image_command(port), tmp_path / "app.txt", lambda: answers_http(address), container)
    app.start()
    yield Site(address, home)
    app.stop()


@contextmanager
def signed_in(browser: Browser, site: Site, name: str) -> Iterator[Page]:
    """Sign somebody in as people do: with the button of the gate and the form of the provider."""
    profile = browser.new_context(viewport={"width": 1440, "height": 900})
    page = profile.new_page()
    page.set_default_timeout(LIMIT)
    page.goto(site.url)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name=name).click()
    expect(page.get_by_role("button", name=name)).to_be_visible(timeout=LIMIT)
    yield page
    no_trouble(page)
    profile.close()


def test_the_parts_of_the_compose_file_work_together_for_people_who_sign_in(
    site: Site, browser: Browser, enter: Enter, storage: Storage, tmp_path: Path
) -> None:
    slices = tmp_path / "slices"
    with signed_in(browser, site, "Tom Trainer") as tab:
        form = {"data": str(slices), "preset": "quick", "networks": "resnet34", "weights": "none"}
        settings = {"training.epochs": 1, "preparation.size": 48, "compute.threads": 1}
        form["settings"] = json.dumps(settings, separators=(",", ":"))
        open_page(tab, f"{site.url}/train?{urlencode(form)}", "Train")
        tab.get_by_text("All settings", exact=True).click()
        expect(tab.get_by_role("spinbutton", name="Image size")).to_have_value("48", timeout=LIMIT)
        fill(tab, "textbox", "Name (optional)", "composed")
        tab.get_by_role("button", name="Train", exact=True).click()
        store = enter(site.home)
        run = wait_for(lambda: next(filter(store.owns, store.list(["FINISHED", "FAILED"])), None), "its end")
        assert (run.status, run.name, run.owner.name) == ("FINISHED", "composed", "Tom Trainer"), run.reason
        assert run.config.model.arch == "resnet34"
        assert any(name.endswith("bundle/model.safetensors") for name in files_of(storage, run))
    with urlopen(f"{site.url}/health") as answer:
        health = json.load(answer)
    assert (health["status"], health["store"]) == ("ok", "readable")
    with signed_in(browser, site, "Vera Viewer") as tab:
        open_page(tab, f"{site.url}/runs?run={run.id}", "Runs")
        expect(tab.get_by_role("tab", name="Confusion matrix")).to_be_visible(timeout=LIMIT)
        expect(tab.get_by_role("button", name="Delete")).to_have_count(0)
        open_page(tab, f"{site.url}/train?data={slices}", "Train")
        expect(tab.get_by_text("Viewers cannot train").first).to_be_visible(timeout=LIMIT)
        expect(tab.get_by_role("button", name="Train", exact=True)).to_have_count(0)
        open_page(tab, f"{site.url}/diagnose?run={run.id}", "Diagnose")
        tab.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(next((slices / "tumour").iterdir()))
        expect(tab.get_by_test_id("stImage").filter(has_text=re.compile("^Heatmap$"))).to_be_visible(timeout=LIMIT)
        answer = tab.get_by_role("heading", name=re.compile(r"tumour · .*%|Not certain"))
        expect(answer.first).to_be_visible(timeout=LIMIT)
    viewer = Actor("viewer", "page", Owner("s-vera", "Vera Viewer"), True)
    for forged in (
        lambda: queue.submit(store, run.config, "forged"),
        lambda: actions.delete(store, run.id),
        lambda: store.rename(run.id, "forged"),
    ):
        with acting_as(viewer), pytest.raises(AccessError, match="Viewers cannot"):
            forged()
    assert [(each.name, each.status) for each in store.list() if store.owns(each)] == [("composed", "FINISHED")]
    stranger = urlopen_status(f"{site.url}/media/0.png")
    assert stranger == 401


def urlopen_status(address: str) -> int:
    try:
        with urlopen(address) as answer:
            return answer.status
    except HTTPError as error:
        return error.code


def test_a_training_outlives_its_servers_and_is_resumed_from_the_checkpoint_there(
    trained: dict[str, Path], enter: Enter, tracking: Tracking, storage: Storage, tiny_set: Path, tmp_path: Path
) -> None:
    """The last test: it removes the bucket with all files in it."""
    store = enter(tmp_path / "home")
    run = queue.create_claimed(store, tiny_config(tiny_set, **{"training.epochs": 60}), "patient")
    workspace = Workspace(run.id)
    with supervised(run):
        wait_for(lambda: epochs_done(run, 2), "two epochs")
        tracking.stop()
        wait_for(lambda: "Waiting until it answers again." in workspace.log.read_text(), "a word in the log")
        with pytest.raises(UnreachableStoreError, match="does not answer: check that its server is running"):
            RunStore()
        tracking.start()
        wait_for(lambda: "The run store answers again." in workspace.log.read_text(), "the end of the wait")
        workspace.request_cancel()
    assert store.get(run.id).status == "KILLED"
    assert "Traceback" not in workspace.log.read_text()
    assert any(name.endswith("/unfinished/checkpoint/state.json") for name in files_of(storage, run))
    workspace.remove()
    done = len(store.history(run.id, "valid_loss"))
    assert 2 <= done < 61
    with supervised(queue.reclaim(store, run.id)):
        wait_for(lambda: epochs_done(run, done), "another epoch")
        storage.remove_bucket()
    assert "The checkpoint of the last epoch was fetched from the server" in workspace.log.read_text()
    assert "Traceback" not in workspace.log.read_text()
    ended = store.get(run.id)
    assert (ended.status, ended.reason) == ("FAILED", UNSTORED)
    storage.make_bucket()
    resumed = supervise(store, queue.reclaim(store, run.id))
    assert resumed.status == "FINISHED", resumed.reason
    assert list(store.history(run.id, "valid_loss")) == list(range(1, 62))
    assert [name for name in files_of(storage, run) if "/unfinished/" in name] == []
    storage.forget_key()
    with pytest.raises(StoreError, match="cannot read the files of its runs"):
        store.path(resumed.id, "evaluation.json")
