"""`predict --out` for a run that classifies: an answer for each slice of a volume, and one for the volume."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainseg import DISCLAIMER
from brainseg.cli.output import ANSWERS, NOTES, counter, print_json
from brainseg.diagnosis.table import reliability_values, text_cell
from brainseg.files import write_atomically
from brainseg.models.export.names import BackendChoice

if TYPE_CHECKING:
    from brainseg.diagnosis.volume_classes import VolumeClasses
    from brainseg.scans.volumes.volume import Volume

SLICES = "slices.csv"


def classify_study(
    bundle: Path, found: Sequence[Volume], file: Path, out: Path, problems: Sequence[str],
    *, plane: str, sequence: str | None, backend: BackendChoice, as_json: bool,
) -> None:  # fmt: skip
    """Classify the slices of a study's volume, and write and print the answer.

    Args:
        bundle: The model.
        found: The readable volumes of the study.
        file: The study.
        out: Folder to write to.
        problems: Sentences about what could not be read.
        plane: The plane of the slices.
        sequence: The sequence to use, if the study holds several volumes.
        backend: What may run the network.
        as_json: Whether to print JSON.

    Raises:
        ScanError: The study has not what the model needs.
    """
    from brainseg.diagnosis.joint import diagnose_with
    from brainseg.diagnosis.predictor import Predictor
    from brainseg.diagnosis.study import volumes_for
    from brainseg.diagnosis.volume_classes import classify_volume

    predictor = Predictor.open(bundle, backend=backend)
    volumes = volumes_for(predictor.description, found, sequence)
    bar, progress = counter("Classifying slices")
    with bar:
        ask = partial(diagnose_with, [predictor], heatmaps=False)
        answer = classify_volume(ask, predictor.description.classes, volumes, plane, progress)
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / SLICES, lambda temporary: temporary.write_text(slice_table(answer), "utf-8"))
    if as_json:
        print_json(_values(file, answer, out, problems))
        return
    for text in (*problems, *answer.warnings):
        NOTES.print(text, markup=False, soft_wrap=True)
    ANSWERS.print(f"{answer.origin} {answer.volume.name}: {answer.finding}", markup=False, soft_wrap=True)
    if answer.value is not None:
        ANSWERS.print(answer.rule, markup=False, soft_wrap=True)
    ANSWERS.print(f"{SLICES} is in {out}. Answered by {answer.model}.", markup=False, soft_wrap=True)
    ANSWERS.print(DISCLAIMER)


def slice_table(answer: VolumeClasses) -> str:
    """Return the answers for the slices as CSV."""
    stream = io.StringIO()
    columns = ["slice", *(f"probability {name}" for name in answer.classes), "outcome", "model", "disclaimer"]
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([text_cell(name) for name in columns])
    for index, outcome in enumerate(answer.outcomes):
        if outcome:
            values = answer.probabilities[index].tolist()
            writer.writerow([index + 1, *values, text_cell(outcome), text_cell(answer.model), DISCLAIMER])
    return stream.getvalue()


def _values(file: Path, answer: VolumeClasses, out: Path, problems: Sequence[str]) -> dict[str, Any]:
    from brainseg.scans.volumes.inspection import facts

    return {
        "file": str(file),
        "volume": facts(answer.volume).to_dict(),
        "plane": answer.plane,
        "outcome": answer.outcome,
        "sentence": answer.finding,
        "positive": answer.positive,
        "value": answer.value,
        "best_slices": [index + 1 for index in answer.best],
        "rule": answer.rule,
        "counts": answer.counts,
        "probabilities": [
            {"slice": index + 1, **dict(zip(answer.classes, answer.probabilities[index].tolist(), strict=True))}
            for index, label in enumerate(answer.labels)
            if label
        ],
        **reliability_values(answer),
        "not_read": problems,
        "model": answer.model,
        "backend": answer.backend or None,
        "precision": answer.precision or None,
        "seconds": answer.seconds,
        "slices": str(out / SLICES),
        "disclaimer": DISCLAIMER,
    }
