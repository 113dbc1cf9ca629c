"""Exports the model of a finished run, and compares it with torch on the images that the run held out."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainseg.errors import DataError, RunError, ScanError
from brainseg.files import write_atomically, write_json
from brainseg.models.description import read_description
from brainseg.models.export.names import FOLDER as EXPORTS
from brainseg.models.export.names import Format
from brainseg.results import stored_results
from brainseg.robustness.images import CheckedImages, sample_images
from brainseg.runs import Run, RunStore
from brainseg.runs.dataset_location import dataset_location

if TYPE_CHECKING:
    from brainseg.models.export.record import ExportRecord

SEED = 0
"""Seed of the order of the compared images; all of them are compared."""


@dataclass(frozen=True)
class ModelExport:
    """An export of a run.

    Attributes:
        record: The files, and the comparisons with torch.
        files: The exported files as they are stored with the run, of which a runtime opens the first.
        answers: The backend and the precision that answer for the run now.
    """

    record: ExportRecord
    files: tuple[Path, ...]
    answers: tuple[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        checks = [
            {
                **each.model_dump(mode="json", exclude={"comparison"}),
                **each.comparison.model_dump(mode="json"),
                "passed": each.comparison.passes(each.precision),
            }
            for each in self.record.checks
        ]
        return {
            "files": [str(file) for file in self.files],
            "weights_sha256": self.record.weights_sha256,
            "checks": checks,
            "answers_with": {"backend": self.answers[0], "precision": self.answers[1]},
        }


def export_run(
    store: RunStore, run: Run, wanted: Format, progress: Callable[[int, int], None] | None = None
) -> ModelExport:
    """Export a run's model, compare it with torch on its validation set, and store both with the run.

    Args:
        store: The run store.
        run: A finished run.
        wanted: The format.
        progress: Called with (images compared, images in all).

    Raises:
        RunError: The run has no model, or does not record its split.
        BundleError: The model cannot be used.
        DataError: The dataset, or an image of the validation set, is gone or was changed: without it, nobody could say
            whether the export is right.
        MissingLibraryError: A library that the format needs is not installed.
    """
    from brainseg.models.export.making import export_bundle
    from brainseg.models.export.record import FILE, LOGITS_FILE
    from brainseg.models.export.serving import answers_with
    from brainseg.models.export.writing import FILES
    from brainseg.preparation import prepare

    bundle = store.bundle(run)
    description = read_description(bundle)
    images = _held_out(store, run, description.preparation_version)
    squares = (prepare(images.read(row), description.preparation).pixels for row in range(len(images)))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if earlier := store.exports(run):
            for name in (FILE, LOGITS_FILE):  # what is known of the other format; its own files stay where they are
                if (earlier / name).is_file():
                    shutil.copyfile(earlier / name, folder / name)
        record = export_bundle(bundle, folder, squares, wanted, progress, len(images))
        for file in sorted(folder.iterdir(), key=lambda each: each.name == FILE):  # the record last
            store.log_file(run.id, file, EXPORTS)
    stored = store.path(run.id, EXPORTS)
    return ModelExport(record, tuple(stored / name for name in FILES[wanted]), answers_with(bundle))


def write_export(made: ModelExport, out: Path) -> None:
    """Copy the exported files, and what was found, to a place that a user named.

    Args:
        made: The export.
        out: Path of the file that a runtime opens; other files and the JSON get the same name with another ending.
    """
    for file in made.files:
        target = out.with_suffix(file.suffix)
        write_atomically(target, partial(shutil.copyfile, file), file.stat().st_size)
    write_json(out.with_suffix(".json"), made.to_dict())


def _held_out(store: RunStore, run: Run, version: int) -> CheckedImages:
    """Return the validation set of a run; the test set if it has no other."""
    split = stored_results.split(store, run)
    if split is None:
        raise RunError(f"Run {run.name!r} has no split.csv, so its validation set is unknown: train it again.")
    if (split["split"] == "valid").any():
        split = split[split["split"] != "test"]
    try:
        return sample_images(split, dataset_location(run), run.config.data, version, len(split), 0, SEED)
    except (DataError, ScanError) as error:
        raise DataError(
            f"An export is compared with torch on the validation set of run {run.name!r}, which cannot be read as it "
            "was: put the dataset back, and leave its files unchanged."
        ) from error
