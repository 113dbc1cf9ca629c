"""The house is built in floors: a room imports from its own floor and those below it, never from above."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(file.relative_to(ROOT).as_posix() for file in (ROOT / "brainseg").rglob("*.py"))
FLOORS: tuple[set[str], ...] = (
    {"__init__", "errors", "extras", "files", "imports", "limits", "logs", "paths"},
    {"users"},
    {"config"},
    {"scans"},
    {"phantom"},
    {"datasets"},
    {"preparation"},
    {"models"},
    {"evaluation"},
    {"diagnosis"},
    {"monitoring"},
    {"training"},
    {"tasks"},
    {"robustness", "search"},
    {"runs"},
    {"jobs"},
    {"plots"},
    {"results"},
    {"reading"},
    {"operations"},
    {"app"},
    {"cli"},
    {"__main__"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

# Libraries that only the named places may know: everything below a place counts as the place.
ONLY = {"fastai": "brainseg/training/learner.py", "mlflow": "brainseg/runs/"}
LIGHT = ("brainseg/plots/",)
PAGES = {"home", "diagnose", "train", "runs", "compare", "data", "read", "monitoring", "about"}
"""The folders of `brainseg/app` that hold one page each: what two of them need is not in either."""
UNRELATED = {"cli": "app"}
"""Room -> a room below it that it must not import all the same."""
HEAVY = {"torch", "torchvision", "fastai", "mlflow"}


@cache  # each module is asked for several times
def imports(source: str, module: str) -> tuple[str, ...]:
    """Return every module that a source imports, wherever in it, as a dotted name in full.

    Args:
        source: The text of the module.
        module: Its path from the root, to resolve relative imports.
    """
    package = list(Path(module).parent.parts)
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *filter(None, [node.module])])
            # `from brainseg import paths` names a room by what it imports, other froms by where it is from.
            found += [f"{name}.{alias.name}" for alias in node.names]
    return tuple(found)


def room_of(dotted: str) -> str | None:
    """Return the room that a dotted name leads to; names in `brainseg/__init__.py` belong to the ground floor."""
    parts = dotted.split(".")
    if parts[0] != "brainseg":
        return None
    return parts[1] if len(parts) > 1 and parts[1] in FLOOR else "__init__"


def own_room(module: str) -> str:
    """Return the room that a module is in, or its own name on the ground floor."""
    return Path(module).parts[1].removesuffix(".py")


def climbs(source: str, module: str) -> list[str]:
    """Return the imports that lead to a higher floor."""
    own = FLOOR[own_room(module)]
    rooms = {name: room_of(name) for name in imports(source, module)}
    return sorted(name for name, room in rooms.items() if room is not None and FLOOR[room] > own)


def strangers(source: str, module: str) -> list[str]:
    """Return the imports of libraries that this module must not know."""
    tops = {name.split(".")[0] for name in imports(source, module)}
    kept_out = {library for library, place in ONLY.items() if not module.startswith(place)}
    if module.startswith(LIGHT):
        kept_out |= HEAVY
    return sorted(tops & kept_out)


def across_pages(source: str, module: str) -> list[str]:
    """Return the imports of one page's folder that lead into another page's folder."""
    found = re.match(r"brainseg/app/(\w+)/", module)
    if found is None or found[1] not in PAGES:
        return []
    others = {f"brainseg.app.{page}" for page in PAGES if page != found[1]}
    return sorted(name for name in imports(source, module) if ".".join(name.split(".")[:3]) in others)


def unrelated(source: str, module: str) -> list[str]:
    """Return the imports of a room below that this module's room must not import."""
    kept_out = UNRELATED.get(own_room(module), "")
    return sorted(name for name in imports(source, module) if room_of(name) == kept_out)


def module_imports(room: str) -> dict[str, set[str]]:
    """Return which modules of a room import which others of it when they are imported themselves."""
    dotted = {module: module.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for module in MODULES}
    names = {name for name in dotted.values() if name.split(".")[1:2] == [room]}
    graph: dict[str, set[str]] = {}
    for module, own in dotted.items():
        if own in names:
            wanted = (known(name, names) for name in imports(at_import(read(module)), module))
            # A package that a module is in has begun to be imported before it anyway.
            graph[own] = {name for name in wanted if name and not f"{own}.".startswith(f"{name}.")}
    return graph


def known(name: str, names: set[str]) -> str | None:
    """Return the module that an imported name is, or comes from."""
    return next((each for each in (name, name.rpartition(".")[0]) if each in names), None)


class _ImportTime(ast.NodeTransformer):
    """Leaves out functions, methods and imports for types alone."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Leave a function out."""

    def visit_If(self, node: ast.If) -> ast.If | None:
        return None if "TYPE_CHECKING" in ast.unparse(node.test) else node


def at_import(source: str) -> str:
    """Return what runs of a source when it is imported."""
    return ast.unparse(_ImportTime().visit(ast.parse(source)))


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Return modules that import each other in a circle; empty where there is none."""
    done: set[str] = set()

    def walk(name: str, way: list[str]) -> list[str]:
        if name in way:
            return way[way.index(name) :]
        if name in done:
            return []
        found = next(filter(None, (walk(other, [*way, name]) for other in sorted(graph.get(name, ())))), [])
        done.add(name)
        return found

    return next(filter(None, (walk(name, []) for name in sorted(graph))), [])


def read(module: str) -> str:
    return (ROOT / module).read_text("utf-8")


# One test per rule, not per module: thousands of tests would cost more than what they check.


def offenders(found: Callable[[str, str], object]) -> dict[str, object]:
    """Return what a rule finds, by module, for the modules in which it finds anything."""
    answers = {module: found(read(module), module) for module in MODULES}
    return {module: answer for module, answer in answers.items() if answer}


def test_each_module_belongs_to_a_floor():
    assert not [module for module in MODULES if own_room(module) not in FLOOR]


def test_modules_import_downwards_only():
    assert offenders(climbs) == {}


def test_modules_know_only_the_libraries_that_they_may():
    assert offenders(strangers) == {}


def test_pages_do_not_import_each_other():
    assert offenders(across_pages) == {}


def test_rooms_that_serve_other_readers_do_not_import_each_other():
    assert offenders(unrelated) == {}


def test_no_modules_of_a_room_import_each_other_in_a_circle():
    rooms = sorted({Path(module).parts[1] for module in MODULES if module.count("/") > 1})
    assert {room: found for room in rooms if (found := circle(module_imports(room)))} == {}


def test_the_whole_package_is_looked_at():
    assert {"brainseg/models/weights.py", "brainseg/app/train/page.py", "brainseg/__main__.py"} <= set(MODULES)
    assert len(MODULES) > 400


def test_every_page_has_its_folder():
    from brainseg.app.navigation import PAGES as offered

    assert set(offered) == PAGES


@pytest.mark.parametrize("library", ONLY)
def test_the_one_place_of_a_library_is_where_it_is_said_to_be(library):
    places = [module for module in MODULES if module.startswith(ONLY[library])]
    assert library in {name.split(".")[0] for module in places for name in imports(read(module), module)}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("brainseg/scans/reading.py", "from brainseg.preparation import prepare"),
        ("brainseg/config/schema.py", "from brainseg import runs"),
        ("brainseg/models/bundle.py", "import brainseg.evaluation.report"),
        ("brainseg/evaluation/report.py", "def late():\n    from brainseg.diagnosis.predictor import Predictor"),
        ("brainseg/training/trainer.py", "if TYPE_CHECKING:\n    from brainseg.runs import RunStore"),
        ("brainseg/diagnosis/predictor.py", "from .. import runs"),
        ("brainseg/plots/theme.py", "from ..results.run_files import run_file"),
        ("brainseg/plots/theme.py", "from brainseg.cli.app import main"),
    ],
)
def test_planted_climbs_are_found(module, source):
    assert climbs(source, module)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("brainseg/models/bundle.py", "import brainseg\nfrom brainseg import DISCLAIMER, paths"),
        ("brainseg/training/trainer.py", "from .log import RunLog\nfrom brainseg.diagnosis.gradcam import grad_cam"),
        (
            "brainseg/jobs/queue.py",
            "import torch\nfrom brainseg.runs import RunStore\nfrom brainseg.training import trainer",
        ),
        ("brainseg/__main__.py", "from brainseg.cli.app import main"),
    ],
)
def test_ways_down_are_free(module, source):
    assert climbs(source, module) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("brainseg/training/trainer.py", "from fastai.learner import Learner"),
        ("brainseg/jobs/queue.py", "def late():\n    import mlflow.tracking"),
        ("brainseg/plots/confusion_matrix.py", "import torch"),
        ("brainseg/plots/theme.py", "from torch import nn"),
    ],
)
def test_planted_strangers_are_found(module, source):
    assert strangers(source, module)


def test_planted_imports_of_an_unrelated_room_are_found():
    assert unrelated("from brainseg.app import state", "brainseg/cli/app.py")
    assert not unrelated("from brainseg.results import run_files", "brainseg/cli/app.py")
    assert not unrelated("from brainseg.app import state", "brainseg/app/main.py")


def test_planted_imports_of_another_page_are_found():
    assert across_pages("from brainseg.app.runs.view import choose_run", "brainseg/app/train/page.py")
    assert across_pages("from ..data import page", "brainseg/app/train/page.py")
    assert not across_pages("from brainseg.app import state", "brainseg/app/train/page.py")
    assert not across_pages("from brainseg.app.train.form import reset", "brainseg/app/train/page.py")


def test_planted_circles_are_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_a_long_file_has_a_stated_reason() -> None:
    files = [file for folder in ("brainseg", "pages", "benchmarks") for file in (ROOT / folder).rglob("*.py")]
    long = {str(file.relative_to(ROOT)) for file in files if file.read_text("utf-8").count("\n") > 250}
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    assert long == set(re.findall(r"^\| `(\S+\.py)` \| .{10,} \|$", page, re.MULTILINE))
