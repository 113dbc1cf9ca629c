"""All stored results of a run as plain values, and as the output of `show --json`."""

from __future__ import annotations

from typing import Any, cast

from typing_extensions import TypedDict

from brainseg.diagnosis.heatmap_checks.stored import HeatmapChecks
from brainseg.diagnosis.pointing import StoredPointing
from brainseg.evaluation.calibration import CalibrationReport, calibration_values
from brainseg.evaluation.stored import Evaluation
from brainseg.jobs.workspace import StoredProgress, Workspace
from brainseg.models.sources import StoredWeights
from brainseg.results import stored_results
from brainseg.results.robustness import stored_robustness
from brainseg.results.run_files import readable
from brainseg.robustness.result import RobustnessReport
from brainseg.runs import Run, RunStore
from brainseg.runs.run_summary import RunSummary
from brainseg.training.stored import EpochRow, RateSearch


class HardestImage(TypedDict):
    """One row of `hardest.csv`; see `stored_results.hardest`."""

    path: str
    label: str
    prediction: str
    loss: float


class RunDetails(RunSummary):
    """All results of a run; those that do not exist (yet) are empty or None.

    Attributes:
        config: All settings, by section.
        progress: The progress of a running training.
        epochs: The metrics of each finished epoch.
        hardest: The images with the highest loss.
        evaluation: Its evaluation.
        calibration: How far its probabilities are calibrated.
        heatmaps: How often its heatmaps find the tumour.
        heatmap_checks: The checks of its heatmaps that need no masks.
        robustness: How its answers change when its images get worse.
        learning_rate: The result of its learning-rate finder.
        weights: The weights that it started from.
        damaged: A sentence for each of these files that cannot be read.
        log: The last lines of the log of a running training.
    """

    config: dict[str, Any]
    progress: StoredProgress
    epochs: list[EpochRow]
    hardest: list[HardestImage]
    evaluation: Evaluation | None
    calibration: CalibrationReport | None
    heatmaps: StoredPointing | None
    heatmap_checks: HeatmapChecks | None
    robustness: RobustnessReport | None
    learning_rate: RateSearch | None
    weights: StoredWeights | None
    damaged: list[str]
    log: str


def run_details(store: RunStore, run: Run) -> RunDetails:
    """Return all results of a run as plain values that JSON can hold."""
    running, workspace = run.status == "RUNNING", Workspace(run.id)
    damaged: list[str] = []
    epochs = readable(damaged, stored_results.epochs, store, run)
    hardest = readable(damaged, stored_results.hardest, store, run)
    heatmaps = readable(damaged, stored_results.heatmaps, store, run)
    return {
        **run.to_dict(),
        "config": run.config.model_dump(mode="json"),
        "progress": workspace.read_progress() if running else {},
        "epochs": [] if epochs is None else cast("list[EpochRow]", epochs.to_dict(orient="records")),
        "hardest": [] if hardest is None else cast("list[HardestImage]", hardest.to_dict(orient="records")),
        "evaluation": readable(damaged, stored_results.evaluation, store, run),
        "calibration": readable(damaged, stored_results.calibration, store, run),
        "heatmaps": heatmaps["pointing"] if heatmaps else None,
        "heatmap_checks": heatmaps["checks"] if heatmaps else None,
        "robustness": readable(damaged, stored_robustness, store, run),
        "learning_rate": readable(damaged, stored_results.rate_search, store, run),
        "weights": readable(damaged, stored_results.weights, store, run),
        "damaged": damaged,
        "log": workspace.log_tail() if running else "",
    }


def details_json(details: RunDetails) -> dict[str, Any]:
    """Return the output of `show --json`, where a file that does not exist (yet) is an empty object."""
    return {
        **details,
        "evaluation": details["evaluation"] or {},
        "calibration": calibration_values(calibration) if (calibration := details["calibration"]) else {},
        "heatmaps": details["heatmaps"] or {},
        "heatmap_checks": details["heatmap_checks"] or {},
        "robustness": details["robustness"] or {},
        "learning_rate": details["learning_rate"] or {},
        "weights": details["weights"] or {},
    }
