"""What an installation needs and what it may leave out; `.ci/check-wheel` installs a wheel and uses it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from brainseg import extras, paths
from brainseg.app.navigation import PAGES
from brainseg.cli.doctor import _libraries
from brainseg.jobs.workspace import child_environment
from tests.conftest import PROJECT_ROOT

PROJECT = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text("utf-8"))


def requirements(file: str) -> list[str]:
    """Return the packages that a requirements file lists, without comments and without files that it includes."""
    lines = (PROJECT_ROOT / file).read_text("utf-8").splitlines()
    listed = [line.split("#")[0].strip() for line in lines]
    return [line for line in listed if line and not line.startswith("-")]


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=!~ ]", requirement, maxsplit=1)[0]


def test_requirements_and_the_projects_dependencies_are_one_list() -> None:
    assert requirements("requirements.txt") == PROJECT["project"]["dependencies"]


def test_the_development_tools_are_not_installed_with_brainseg() -> None:
    development = {name_of(line) for line in requirements("requirements-dev.txt")}
    assert not development & {name_of(line) for line in PROJECT["project"]["dependencies"]}


def test_each_extra_asks_for_the_versions_of_a_plain_installation() -> None:
    optional = PROJECT["project"]["optional-dependencies"]
    everything = optional.pop("all")
    assert everything == [f"brainseg[{','.join(optional)}]"]
    dependencies = {name_of(line): line for line in PROJECT["project"]["dependencies"]}
    parts = {name_of(line): line for lines in optional.values() for line in lines}
    for server in ("psycopg", "boto3", "ray"):  # what only servers and clusters need is not in a plain installation
        del parts[server]
    assert parts.items() <= dependencies.items()
    assert set(extras.EXTRAS.values()) == set(optional)


def test_every_file_beside_the_code_is_packaged() -> None:
    described = PROJECT["tool"]["setuptools"]["package-data"]
    packaged = {
        file
        for package, patterns in described.items()
        for pattern in patterns
        for file in (PROJECT_ROOT / package.replace(".", "/")).glob(pattern)
    }
    beside = {file for file in (PROJECT_ROOT / "brainseg").rglob("*") if file.is_file() and file.suffix != ".py"}
    assert {file for file in beside if "__pycache__" not in file.parts} == packaged


def test_the_entry_points_of_a_checkout_cover_the_pages() -> None:
    assert {file.stem for file in (PROJECT_ROOT / "pages").glob("*.py")} == set(PAGES)


LEFT_OUT = """
import sys
from importlib.abc import MetaPathFinder

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {left_out!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in {left_out!r} else found(name, package)
"""
"""Python code after which libraries are as if they were not installed, in a process of its own."""


def without(left_out: set[str], *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command of brainseg where libraries are not installed."""
    code = LEFT_OUT.format(left_out=left_out) + "from brainseg.cli.app import main\nmain()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=child_environment())


ALL_EXTRAS = {
    "streamlit", "nilearn", "nibabel", "pydicom", "SimpleITK", "highdicom", "h5py", "pytorch_grad_cam", "reportlab",
    "optuna", "psycopg",
}  # fmt: skip


@pytest.mark.parametrize(
    ("left_out", "arguments", "extra"),
    [
        ("streamlit", ["dashboard", "--port", "8790"], "app"),
        ("nilearn", ["data", "phantom", "--out", "phantom", "--n", "4"], "phantom"),
        ("nibabel", ["data", "phantom", "--out", "phantom", "--n", "4"], "phantom"),
        ("pydicom", ["scan", "inspect", "."], "dicom"),
    ],
)
def test_a_command_without_its_library_names_the_extra(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left_out: str, arguments: list[str], extra: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = without({left_out}, *arguments)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(f"run `pip install 'brainseg[{extra}]'`.")
    assert "Traceback" not in done.stderr


def test_a_library_that_no_extra_installs_is_named(home: Path, tiny_set: Path) -> None:
    done = without({"pandas"}, "data", "inspect", tiny_set)
    assert done.returncode == 2
    assert done.stderr == (
        "pandas is not installed: run `pip install brainseg`, which installs everything that it needs.\n"
    )


def test_a_small_installation_inspects_and_lists(home: Path, tiny_set: Path) -> None:
    inspected = without(ALL_EXTRAS, "data", "inspect", tiny_set, "--json")
    assert inspected.returncode == 0, inspected.stderr
    listed = without(ALL_EXTRAS, "runs", "--json")
    assert listed.stdout.strip() == "[]", listed.stderr


def test_doctor_lists_the_parts_that_are_left_out(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = metadata.version

    def installed(name: str) -> str:
        if name in ("grad-cam", "streamlit"):
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", installed)
    fine, found = _libraries()
    assert fine, "a training needs neither"
    assert "without grad-cam (to get it, run `pip install 'brainseg[explain]'`)" in found
    assert "without streamlit" in found


def test_an_installed_brainseg_writes_to_the_users_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(paths, "SOURCE", tmp_path / "site-packages")
    assert paths.default_home().is_relative_to(tmp_path)
    assert not paths.default_home().is_relative_to(paths.SOURCE)


def test_processes_of_a_checkout_find_it_from_any_folder(home: Path, tmp_path: Path) -> None:
    assert not paths.installed()
    code = "import brainseg; print(brainseg.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=child_environment(), cwd=tmp_path
    )
    assert Path(done.stdout.strip()).parent == PROJECT_ROOT / "brainseg"
