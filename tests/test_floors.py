"""The house is built in floors: a room imports from its own floor and those below it, never from above."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(file.relative_to(ROOT).as_posix() for file in (ROOT / "brainseg").rglob("*.py"))
FLOORS: tuple[set[str], ...] = (
    {"__init__", "errors", "extras", "files", "logs", "paths"},
    {"config"},
    {"scans"},
    {"phantom"},
    {"datasets"},
    {"preparation"},
    {"models"},
    {"evaluation"},
    {"diagnosis"},
    {"training"},
    {"tasks"},
    {"runs"},
    {"jobs"},
    {"results"},
    {"plots"},
    {"app"},
    {"cli"},
    {"__main__"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

# Libraries that only the named places may know: everything below a place counts as the place.
ONLY = {"fastai": "brainseg/training/learner.py", "mlflow": "brainseg/runs/"}
LIGHT = ("brainseg/plots/",)
HEAVY = {"torch", "torchvision", "fastai", "mlflow"}


def imports(source: str, module: str) -> Iterator[str]:
    """Yield every module that a source imports, wherever in it, as a dotted name in full.

    Args:
        source: The text of the module.
        module: Its path from the root, to resolve relative imports.
    """
    package = list(Path(module).parent.parts)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *filter(None, [node.module])])
            # `from brainseg import paths` names a room by what it imports, other froms by where it is from.
            yield from (f"{name}.{alias.name}" for alias in node.names)


def room_of(dotted: str) -> str | None:
    """Return the room that a dotted name leads to; names in `brainseg/__init__.py` belong to the ground floor."""
    parts = dotted.split(".")
    if parts[0] != "brainseg":
        return None
    return parts[1] if len(parts) > 1 and parts[1] in FLOOR else "__init__"


def climbs(source: str, module: str) -> list[str]:
    """Return the imports that lead to a higher floor."""
    own = FLOOR[Path(module).parts[1].removesuffix(".py")]
    rooms = {name: room_of(name) for name in imports(source, module)}
    return sorted(name for name, room in rooms.items() if room is not None and FLOOR[room] > own)


def strangers(source: str, module: str) -> list[str]:
    """Return the imports of libraries that this module must not know."""
    tops = {name.split(".")[0] for name in imports(source, module)}
    kept_out = {library for library, place in ONLY.items() if not module.startswith(place)}
    if module.startswith(LIGHT):
        kept_out |= HEAVY
    return sorted(tops & kept_out)


def read(module: str) -> str:
    return (ROOT / module).read_text("utf-8")


@pytest.mark.parametrize("module", MODULES)
def test_module_belongs_to_a_floor(module):
    assert Path(module).parts[1].removesuffix(".py") in FLOOR


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_downwards_only(module):
    assert climbs(read(module), module) == []


@pytest.mark.parametrize("module", MODULES)
def test_module_knows_only_the_libraries_that_it_may(module):
    assert strangers(read(module), module) == []


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
        ("brainseg/jobs/queue.py", "from ..plots.theme import colours"),
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
