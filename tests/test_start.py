"""What makes each process start fast: the large packages that it does not import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from brainseg.cli.app import app
from brainseg.cli.commands import COMMANDS

NETWORKS = {"torch", "torchvision", "fastai", "pytorch_grad_cam"}
FORMATS = {"SimpleITK", "nibabel", "pydicom", "highdicom", "h5py", "reportlab", "nilearn"}
STATISTICS = {"scipy.stats", "scipy.spatial", "scipy.optimize", "sklearn", "cleanlab", "matplotlib"}
RUNS = {"mlflow", "sqlalchemy"}
PAGES = {"streamlit", "plotly"}
TABLES = {"pandas", "pyarrow"}
COMMAND = "import sys; sys.argv = ['brainseg', *{}]; from brainseg.cli.app import main; main()"


def imported(code: str, unwanted: set[str], home: Path) -> set[str]:
    """Return which of the unwanted modules a fresh process has imported when it ends."""
    watch = f"import atexit, sys; atexit.register(lambda: print(*({unwanted!r} & set(sys.modules)), file=sys.stderr))\n"
    environment = {**os.environ, "BRAINSEG_HOME": str(home)}
    done = subprocess.run([sys.executable, "-c", watch + code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("arguments", "further"),
    [
        (["--help"], {"numpy", "PIL", "cv2", "pydantic", "brainseg.config"}),
        (["runs"], {"PIL", "scipy"}),
        (["predict", "--help"], set()),
    ],
)
def test_a_command_imports_only_what_it_needs(home: Path, arguments: list[str], further: set[str]) -> None:
    unwanted = NETWORKS | FORMATS | STATISTICS | RUNS | PAGES | TABLES | further
    assert not imported(COMMAND.format(arguments), unwanted, home)


def test_pages_import_no_network_and_read_no_format_before_they_need_to(home: Path) -> None:
    pages = "home", "diagnose", "train", "runs", "compare", "read", "about"
    code = "from brainseg.app import main\n" + "".join(f"import brainseg.app.{page}.page\n" for page in pages)
    assert not imported(code, NETWORKS | FORMATS | STATISTICS | RUNS, home)


def test_a_worker_imports_nothing_of_what_its_trainers_need(home: Path) -> None:
    unwanted = NETWORKS | FORMATS | STATISTICS | RUNS | PAGES | TABLES
    assert not imported("import brainseg.jobs.worker", unwanted, home)


def test_a_diagnosis_imports_the_compiler_of_torch_only_where_it_is_used(home: Path) -> None:
    """Importing torchvision and building a network on the meta device would import it, which takes as long as all the
    rest.
    """
    code = """
import sys, brainseg.diagnosis.predictor, brainseg.diagnosis.segmenter
from brainseg.models.architectures import build_classifier
from brainseg.models.unet import build_unet
from brainseg.models.unfilled import unfilled
with unfilled():
    for head in ('concat-pool', 'local', 'logistic', 'svm'):
        build_classifier('resnet34', 2, head)
    build_unet('resnet50', 2, None, False, True)
assert 'torch._dynamo' not in sys.modules
from torchvision.ops import roi_align
supported = sys.modules[roi_align.__module__].is_compile_supported
from torch._dynamo.utils import is_compile_supported
assert supported('cpu') is is_compile_supported('cpu') and supported is not is_compile_supported
"""
    unwanted = {"fastai", "sklearn", "mlflow", "scipy.stats", *PAGES, *FORMATS}
    assert not imported(code, unwanted, home)


def test_the_list_of_commands_says_what_each_says_itself() -> None:
    import typer

    group = typer.main.get_group(app)
    assert list(group.commands) == list(COMMANDS)
    for name, listed in COMMANDS.items():
        command = group.load(name)
        assert command.name == name
        assert " ".join((command.help or "").split("\n\n")[0].split()) == listed.help, name
