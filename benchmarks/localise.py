"""Do heatmaps of a classifier point at the tumour? Accuracy, pointing game and energy on unseen patients.

    python -m benchmarks.localise DATA --weights FILE --home FOLDER [--presets localise default] [--seeds 0 1]
    python -m benchmarks.localise --report

DATA is a folder with a `manifest.csv` that has the columns path, mask and group, such as lgg_pairs. A slice whose mask
marks anything is of the class `tumour`, any other of the class `none`; the training sees only these classes, no mask.
Every row is a whole run of a preset, with `data.seed` and `training.seed` set to the seed and the last epoch kept; it
is evaluated on the patients that were held out. The heatmap is the one that the pages show first, for the predicted
class. Rows are appended to `benchmarks/results/localise.jsonl`; a row that is there already is not measured again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.rows import Rows, of_the_model
from brainseg import __version__
from brainseg.diagnosis.methods import drawn_by

KEY = ("data", "arch", "weights", "preset", "settings", "seed")
ROWS = Rows("localise", KEY)


def labelled(data: Path, folder: Path) -> Path:
    """Write a manifest with the class of each slice beside links to its images and masks, and return it."""
    table = pd.read_csv(data / "manifest.csv")
    table["label"] = ["tumour" if pixels else "none" for pixels in table["tumour_pixels"]]
    place = folder / "labelled"
    place.mkdir(exist_ok=True)
    for name in {Path(path).parts[0] for path in (*table["path"], *table["mask"])}:
        if not (place / name).exists():
            (place / name).symlink_to(data / name)
    file = place / f"{data.name}.csv"
    table[["path", "mask", "group", "label"]].to_csv(file, index=False)
    return file


def measure(manifest: Path, preset: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Train one run, and return its row."""
    settings = [f"data.seed={seed}", f"training.seed={seed}", "training.keep=last", *options.set]
    command = ["train", "--data", str(manifest), "--arch", options.arch, "--preset", preset, "--json"]
    command += ["--weights", str(options.weights)]
    command += [part for setting in settings for part in ("--set", setting)]
    return row_of(_brainseg(*command)["run_id"], of_the_model(options.set))


def row_of(run_id: str, settings: list[str]) -> dict[str, Any]:
    """Return the row of a finished run; `settings` are those that a user added to the preset's."""
    run = _brainseg("show", run_id, "--json")
    report, heatmaps, config = run["evaluation"], run["heatmaps"], run["config"]
    began, ended = (datetime.fromisoformat(run[each]) for each in ("created", "ended"))
    return {
        "data": Path(config["data"]["path"]).stem,
        "arch": run["arch"], "weights": Path(config["model"]["weights"]).stem,
        "preset": run["preset"], "settings": settings, "seed": config["training"]["seed"],
        "images": int(run["metrics"]["final_count"]), "accuracy": run["metrics"]["final_accuracy"],
        "accuracy_interval": report["intervals"]["accuracy"],
        "sensitivity": report["sensitivity"], "specificity": report["specificity"],
        "heatmap": drawn_by(heatmaps["method"], heatmaps["stage"]), "patients": heatmaps["groups"],
        "slices": heatmaps["slices"], "hits": heatmaps["hits"], "chance": heatmaps["chance"],
        "energy_ratio": heatmaps["energy_ratio"], "intervals": heatmaps["intervals"],
        "seconds": (ended - began).total_seconds(),
        "brainseg": __version__, "machine": f"{platform.machine()}, {platform.system()}, {os.cpu_count()} cores",
    }  # fmt: skip


def _brainseg(*command: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-m", "brainseg", *command], stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout))


def report(rows: list[dict[str, Any]]) -> str:
    """Lay the rows out as a Markdown table."""
    lines = [
        "| data | network, preset | seed | accuracy (95 % interval) | sensitivity | specificity | heatmap "
        "| hottest point inside the tumour (95 % interval) | energy ratio (95 % interval) |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in sorted(rows, key=lambda row: (row["data"], row["preset"], row["settings"], row["seed"])):
        game, energy = row["intervals"]["pointing_game"], row["intervals"]["energy_ratio"]
        preset = " ".join([row["preset"], *row["settings"]])
        lines.append(
            f"| {row['data']} | {row['arch']} ({row['weights']}), {preset} | {row['seed']} "
            f"| {row['accuracy']:.3f} {_bounds(row['accuracy_interval'], 3)} of {row['images']} "
            f"| {row['sensitivity']:.3f} | {row['specificity']:.3f} | {row['heatmap']} "
            f"| {row['hits']} of {row['slices']} = {row['hits'] / row['slices']:.2f} {_bounds(game, 2)}, "
            f"{row['patients']} patients | {row['energy_ratio']:.1f} {_bounds(energy, 1)} |"
        )
    return "\n".join(lines)


def _bounds(interval: tuple[float, float] | None, digits: int) -> str:
    return f"({interval[0]:.{digits}f} to {interval[1]:.{digits}f})" if interval else "(no interval)"


def main() -> None:
    """Measure what is missing, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--arch", default="resnet34")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--presets", nargs="+", default=["localise"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--set", nargs="*", default=[], help="further settings")
    parser.add_argument("--home", type=Path, help="home folder of these runs")
    parser.add_argument("--report", action="store_true", help="print the table of the stored rows")
    options = parser.parse_args()
    if not options.report:
        if not options.data or not options.weights or not options.home:
            parser.error("DATA, --weights and --home are needed")
        options.weights, home = options.weights.resolve(), options.home.resolve()
        home.mkdir(parents=True, exist_ok=True)
        os.environ["BRAINSEG_HOME"] = str(home)
        manifest = labelled(options.data.resolve(), home)
        for preset in options.presets:
            for seed in options.seeds:
                wanted = [manifest.stem, options.arch, options.weights.stem, preset, of_the_model(options.set), seed]
                if not ROWS.has(*wanted):
                    row = measure(manifest, preset, seed, options)
                    ROWS.add(row)
    print(report(ROWS.stored()))


if __name__ == "__main__":
    main()
