"""Write a home with brainseg 0.1.0, for tests that open it with the current version; run in a checkout of 9b34651.

python make_home.py FOLDER    # writes FOLDER/home.tar.xz
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

from tests.conftest import write_masked_set, write_set

FAST = {
    "preparation.size": 40,
    "model.weights": "none",
    "model.arch": "resnet18",
    "model.stages": "[1]",
    "training.epochs": 2,
    "training.frozen_epochs": 0,
    "training.learning_rate": 0.01,
    "compute.nice": 0,
    "data.valid_fraction": 0.3,
    "compute.threads": 1,
}


def brainseg(*arguments: str, expect: int = 0) -> str:
    done = subprocess.run([sys.executable, "-m", "brainseg", *arguments], capture_output=True, text=True)
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout


def settings(**more: object) -> list[str]:
    return [part for name, value in {**FAST, **more}.items() for part in ("--set", f"{name}={value}")]


def main(folder: Path) -> None:
    work = Path("/tmp/brainseg-0.1.0")
    shutil.rmtree(work, ignore_errors=True)
    home = work / "home"
    os.environ["BRAINSEG_HOME"] = str(home)
    write_set(work / "spots", ("no", "yes"), 12)
    write_masked_set(work / "masked", 8, 3)
    for name in ("spots", "masked"):
        packed = work / f"{name}.zip"
        with zipfile.ZipFile(packed, "w") as archive:
            for file in sorted((work / name).rglob("*")):
                if file.is_file():
                    archive.write(file, file.relative_to(work))
        brainseg("data", "add", str(packed), "--name", name)
    known = {line: next(home.glob(f"datasets/*{line}*")) for line in ("spots", "masked")}
    spots, masked = (str(known[name]) for name in ("spots", "masked"))
    brainseg(
        "train", "--data", spots, "--preset", "quick", "--name", "baseline", *settings(**{"model.head": "logistic"})
    )
    brainseg("train", "--data", spots, "--preset", "quick", "--name", "tuned", *settings())
    brainseg("train", "--data", masked, "--preset", "segment", "--name", "marks", *settings())
    # One that fails, and one that is stopped after its first epochs and can be resumed.
    brainseg(
        "train",
        "--data",
        spots,
        "--preset",
        "quick",
        "--name",
        "failed",
        *settings(**{"evaluation.heatmap_layer": "layer4"}),
        expect=2,
    )
    trainer = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "brainseg",
            "train",
            "--data",
            spots,
            "--preset",
            "quick",
            "--name",
            "stopped",
            *settings(**{"training.epochs": 60}),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    for line in trainer.stdout:
        if "epoch" in line and " 3" in line:
            trainer.send_signal(2)
            break
    trainer.wait()
    brainseg("promote", "tuned")
    brainseg("tag", "tuned", "first", "kept")
    brainseg("note", "tuned", "The run that everybody knows.")
    print(brainseg("runs"))
    time.sleep(1)
    for rubbish in ("cache", "logs"):
        shutil.rmtree(home / rubbish, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / "home.tar.xz", "w:xz", preset=9) as archive:
        archive.add(home, "home")


main(Path(sys.argv[1]))
