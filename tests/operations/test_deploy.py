"""The container file and the compose file, as far as they can be checked without containers."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer
import yaml

from brainseg.cli.app import app
from tests.conftest import PROJECT_ROOT

DEPLOY = PROJECT_ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")
COMPOSE_TEXT = (DEPLOY / "compose.yaml").read_text("utf-8")
COMPOSE = yaml.safe_load(COMPOSE_TEXT)


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the container file with their arguments, on one line each."""
    lines = [line for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(" ", 1)) for line in joined.splitlines()]


def last(name: str) -> str:
    return [argument for instruction, argument in instructions() if instruction == name][-1]


def test_the_container_runs_a_command_that_exists_as_a_plain_user_with_a_health_check() -> None:
    group = typer.main.get_command(app)
    name, *arguments = json.loads(last("CMD"))
    with group.load(name).make_context(name, arguments) as context:
        assert (context.params["host"], context.params["port"]) == ("0.0.0.0", 8501)
    assert json.loads(last("ENTRYPOINT")) == ["brainseg"]
    names = [instruction for instruction, _ in instructions()]
    assert last("USER") == "10001:10001"
    assert names.index("USER") < names.index("CMD")
    assert last("VOLUME") == "/data"
    assert "BRAINSEG_HOME=/data/home" in last("ENV")
    compile(json.loads(re.search(r"CMD (\[.*\])", last("HEALTHCHECK"))[1])[2], "health check", "exec")


def test_what_the_container_is_built_from_exists_and_is_let_in() -> None:
    ignore = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    for _, argument in (each for each in instructions() if each[0] == "COPY" and "--from" not in each[1]):
        for source in argument.split()[:-1]:
            assert (PROJECT_ROOT / source).exists(), source
            assert f"!{source}" in ignore, source
    for name in ("psycopg", "boto3"):
        needed = re.search(rf'"({name}[^"]*)"', DOCKERFILE)[1]
        assert f'"{needed}"' in (PROJECT_ROOT / "pyproject.toml").read_text("utf-8")


@pytest.mark.parametrize("service", ["mlflow", "app", "clean"])
def test_no_service_of_ours_may_do_more_than_it_must(service: str) -> None:
    found = COMPOSE["services"][service]
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert not found.get("privileged")


def test_only_the_dashboard_is_reached_from_outside_and_only_from_this_machine() -> None:
    ports = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert ports == {"app": ["127.0.0.1:8501:8501"]}


def test_services_refer_to_what_there_is() -> None:
    for service in COMPOSE["services"].values():
        assert set(service.get("depends_on", ())) <= set(COMPOSE["services"])
        assert {volume.split(":")[0] for volume in service.get("volumes", ())} <= set(COMPOSE["volumes"])
        assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"])
        assert service["image"] in ("brainseg", "postgres:17")
    waited = {name for service in COMPOSE["services"].values() for name in service.get("depends_on", ())}
    assert all("healthcheck" in COMPOSE["services"][name] or name == "app" for name in waited)


def test_every_setting_in_the_compose_file_is_one_of_brainsegs() -> None:
    listed = (PROJECT_ROOT / "docs" / "reference" / "environment.md").read_text("utf-8")
    names = [name for name in COMPOSE["x-settings"] if name.startswith("BRAINSEG_")]
    assert [name for name in names if f"`{name}`" not in listed] == []
    assert "://" not in re.sub(r"(http://(mlflow|localhost|127\.0\.0\.1)|postgresql\+psycopg)[:/]", "", COMPOSE_TEXT)


def test_what_the_mlflow_server_is_told_is_known_to_it() -> None:
    """Of the names for storage, those without a value are passed on only if they are set outside."""
    listed = (PROJECT_ROOT / "docs" / "reference" / "environment.md").read_text("utf-8")
    known = (Path(find_spec("mlflow").origin).parent / "environment_variables.py").read_text("utf-8")
    told = COMPOSE["services"]["mlflow"]["environment"]
    assert [name for name in told if name.startswith("MLFLOW_") and f'"{name}"' not in known] == []
    passed = [name for name, value in told.items() if value is None]
    assert passed == ["MLFLOW_S3_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"]
    assert [name for name in (*passed, "ARTIFACTS") if f"`{name}`" not in listed] == []
