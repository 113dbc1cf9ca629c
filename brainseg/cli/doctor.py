"""`doctor`: check that this machine has everything that a training needs."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from brainseg import __version__, extras, paths
from brainseg.cli.options import JsonOption
from brainseg.cli.output import ANSWERS, print_json
from brainseg.cli.store_upgrade import upgrade_store as upgrade
from brainseg.errors import BrainsegError

LEAST_SPACE = 2e9
"""Bytes of free disk below which checkpoints of a large network may not fit."""

_LIBRARIES = {
    "fastai": "fastai",
    "mlflow": "mlflow",
    "streamlit": "streamlit",
    "plotly": "plotly",
    "opencv-python-headless": "cv2",
    "grad-cam": "pytorch_grad_cam",
    "nilearn": "nilearn",
}
"""Name of a package -> the name under which it is imported."""


@dataclass(frozen=True)
class Check:
    """The result of one check: whether all is fine, and what was found or what to do."""

    name: str
    fine: bool
    found: str


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    upgrade_store: Annotated[
        bool,
        typer.Option(
            "--upgrade-store",
            help="Instead of checking, upgrade a run store that an older MLflow made, after making a copy of it.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check versions, processor, weights, disk and run store; exit code 1 if something needs fixing."""
    if upgrade_store:
        upgrade(as_json)
        return
    checks = [_guarded(name, check) for name, check in _CHECKS.items()]
    if as_json:
        print_json([vars(check) for check in checks])
    else:
        for check in checks:
            ANSWERS.print(
                f"{'ok  ' if check.fine else 'FIX '}  {check.name}: {check.found}", markup=False, soft_wrap=True
            )
    if not all(check.fine for check in checks):
        raise typer.Exit(1)


def _guarded(name: str, check: Callable[[], tuple[bool, str]]) -> Check:
    try:
        return Check(name, *check())
    except BrainsegError as error:
        return Check(name, False, str(error))
    except Exception as error:  # one broken check must not stop the others
        return Check(name, False, f"{type(error).__name__}: {error}")


def _python() -> tuple[bool, str]:
    return True, f"brainseg {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"


def _torch() -> tuple[bool, str]:
    versions = f"torch {metadata.version('torch')}, torchvision {metadata.version('torchvision')}"
    try:
        importlib.import_module("torchvision")
    except (ImportError, RuntimeError):
        return False, (
            f"{versions} do not fit together: install both from the same index, "
            "with `pip install --force-reinstall torch torchvision`."
        )
    return True, versions


def _libraries() -> tuple[bool, str]:
    found, missing, needed = [], [], True
    for name, library in _LIBRARIES.items():
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            needed = needed and library in extras.EXTRAS
            missing.append(f"without {name} (to get it, {extras.remedy(library).rstrip('.')})")
    return needed, ", ".join([*found, *missing])


def _processor() -> tuple[bool, str]:
    import torch

    from brainseg.training.compute import choose_device, has_bf16

    device = choose_device("auto")
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU with {os.cpu_count()} cores"
    speed = "bf16, fast training" if has_bf16(device) else "no bf16, so training takes about three times as long"
    return True, f"{name}, {speed}"


def _weights() -> tuple[bool, str]:
    import torch

    folder = Path(torch.hub.get_dir()) / "checkpoints"
    found = sorted(file.name for file in folder.glob("resnet*.pth")) if folder.is_dir() else []
    if found:
        return True, f"ImageNet weights in the local cache: {', '.join(found)}"
    return True, (
        "no ImageNet weights in the local cache; brainseg downloads them when a run needs them, or give a file with "
        "--weights"
    )


def _home() -> tuple[bool, str]:
    free = shutil.disk_usage(paths.home()).free
    found = f"{paths.home()}, {free / 1e9:.0f} GB free"
    return free > LEAST_SPACE, found if free > LEAST_SPACE else f"{found}: make room, or move it with BRAINSEG_HOME."


def _store() -> tuple[bool, str]:
    from brainseg.runs import RunStore

    store = RunStore()
    where = store.uri if store.uri.startswith("sqlite") else "the server that MLFLOW_TRACKING_URI names"
    unreadable = store.unreadable()
    lost = f", {len(unreadable)} more that cannot be read (`runs` shows why)" if unreadable else ""
    return True, f"{len(store.list())} runs in {where}{lost}"


_CHECKS: dict[str, Callable[[], tuple[bool, str]]] = {
    "python": _python,
    "torch": _torch,
    "libraries": _libraries,
    "processor": _processor,
    "weights": _weights,
    "home": _home,
    "run store": _store,
}
