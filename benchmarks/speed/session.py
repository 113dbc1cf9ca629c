"""What all rows of one run share: data, homes with finished runs, and the reference build; made when first needed."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import platformdirs

from benchmarks.speed import data
from benchmarks.speed.commands import timed_command
from benchmarks.speed.reference import reference_code
from benchmarks.speed.side import Side, environment_of
from brainseg.config import RunConfig
from brainseg.jobs import supervisor
from brainseg.jobs.workspace import child_environment

RUN = "timed"
"""Name of the finished run in `Session.home_with_run`."""


def default_cache() -> Path:
    """Return the folder that keeps the synthetic images between runs."""
    return Path(platformdirs.user_cache_dir("brainseg-benchmarks", appauthor=False))


def trainer_variables(config: RunConfig) -> dict[str, str]:
    """Return the environment variables that a trainer process has besides those of any process of brainseg."""
    of_trainer = getattr(supervisor, "trainer_environment", None)  # earlier builds set nothing
    found = of_trainer(config).items() if of_trainer else ()
    usual = child_environment()
    return {name: value for name, value in found if usual.get(name) != value}


@dataclass
class Session:
    """One run of the benchmarks.

    Attributes:
        cache: Keeps the synthetic images between runs.
        long: Whether to measure everything, and whole epochs instead of a few batches.
        data: A folder of class folders instead of synthetic images, for the rows that read or train; None for those.
        weights: Architecture -> a file of pretrained weights; others start from random ones.
        image_side: Pixels of a side for training and diagnosis.
    """

    cache: Path = field(default_factory=default_cache)
    long: bool = False
    data: Path | None = None
    weights: Mapping[str, Path] = field(default_factory=dict)
    image_side: int = 224

    @cached_property
    def folder(self) -> Path:
        """A temporary folder, removed by `close`."""
        return Path(tempfile.mkdtemp(prefix="brainseg-speed-"))

    def close(self) -> None:
        """Remove the temporary folder."""
        if "folder" in vars(self):
            shutil.rmtree(self.folder, ignore_errors=True)

    @cached_property
    def home(self) -> Path:
        """An empty home folder, for the caches of prepared images."""
        return self.subfolder("home")

    def subfolder(self, name: str) -> Path:
        """Return a folder inside the temporary one."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def phantom(self, count: int) -> Path:
        """Return a phantom of `count` slices."""
        return data.phantom(self.cache, count)

    @cached_property
    def slices(self) -> list[Path]:
        """The files of 80 synthetic slices."""
        return sorted(self.phantom(80).glob("*tumour/*.png"))

    def weights_of(self, arch: str) -> str:
        """Return the file of an architecture's weights, or "none"."""
        return str(self.weights[arch]) if arch in self.weights else "none"

    @cached_property
    def reference(self) -> Path:
        """The folder with the reference build.

        Raises:
            NotHereError: The checkout has no history.
        """
        return reference_code(self.folder)

    @cached_property
    def run_data(self) -> Path:
        """The images of the run in `home_with_run`, half of which it validates on; without masks."""
        return data.class_folders(self.cache, 100)

    def home_with_run(self, code: Path | None = None) -> Path:
        """Return a home with one finished run of a whole ResNet34 at 224 px, named `RUN`.

        Its network has learnt next to nothing: what an answer costs does not depend on it.

        Args:
            code: The folder of the reference build, which then trains the run; None for this checkout.
        """
        home = self.folder / f"home-with-run-{'reference' if code else 'now'}"
        if not home.is_dir():
            home.mkdir()
            settings = {
                "data.valid_fraction": "0.5",
                "preparation.size": str(self.image_side),
                "model.stages": "[4]",
                "training.epochs": "1",
                "training.frozen_epochs": "0",
            }
            command = [sys.executable, "-m", "brainseg", "train", "--data", str(self.run_data), "--name", RUN]
            command += ["--preset", "quick", "--arch", "resnet34", "--weights", self.weights_of("resnet34")]
            command += [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
            timed_command(command, environment_of(home, code), code)
        return home

    def training_side(self, preset: str, settings: Mapping[str, object], code: Path | None = None) -> Side:
        """Start a side that trains as a trainer process does, with what its build sets for one before it starts."""
        own = self.subfolder("home-of-reference") if code else self.home
        environment = {} if code else trainer_variables(RunConfig.from_preset(preset, dict(settings)))
        given = {"preset": preset, "settings": settings}
        return Side("benchmarks.speed.ours.training", given, own, code, environment)

    def side(self, module: str, code: Path | None = None, home: Path | None = None, **settings: object) -> Side:
        """Start a side of `benchmarks.speed`, such as "ours.training"."""
        own = self.subfolder("home-of-reference") if code else self.home
        return Side(f"benchmarks.speed.{module}", settings, home or own, code)
