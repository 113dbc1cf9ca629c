"""`predict --out`: mark tumours on a volume, and write the mask, its measurements and a report."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainseg import DISCLAIMER, extras, paths
from brainseg.cli.output import ANSWERS, NOTES, counter, print_json
from brainseg.cli.reports import STUDY_REPORTS, write_study_reports
from brainseg.diagnosis.table import reliability_cells, reliability_values, text_cell
from brainseg.errors import ConfigError, ScanError
from brainseg.files import write_atomically
from brainseg.tasks import facts_of

if TYPE_CHECKING:
    from brainseg.diagnosis.volume_mask import VolumeMask

MASK, MEASUREMENTS = "mask.nii.gz", "measurements.csv"
COLUMNS = (
    "what", "class", "voxels", "ml", "diameter_mm", "centre_right_mm", "centre_anterior_mm", "centre_superior_mm",
    "in_domain", "warnings", "trained_on", "model", "bundle_digest", "image_sha256", "disclaimer",
)  # fmt: skip


def predict_study(
    bundles: Sequence[Path],
    task: str,
    files: Sequence[Path],
    out: Path,
    *,
    plane: str,
    sequence: str | None,
    as_json: bool,
) -> None:
    """Mark tumours on the volume of a study, and write and print the answer.

    Args:
        bundles: The model of `--run`; several are refused.
        task: Its task; one that marks nothing is refused.
        files: The study; several paths are refused.
        out: Folder to write to.
        plane: The plane of the slices.
        sequence: The sequence to use, if the study holds several volumes.
        as_json: Whether to print JSON.

    Raises:
        ConfigError: An option does not fit, or an output exists.
        MissingLibraryError: reportlab is not installed.
        ScanError: The study has not what the model needs.
    """
    from brainseg.diagnosis.segmenter import Segmenter
    from brainseg.diagnosis.study import volumes_for
    from brainseg.diagnosis.volume_mask import mark_volume
    from brainseg.monitoring import log_answers, record_of
    from brainseg.scans.volumes.reading import Refused, read_volumes
    from brainseg.scans.volumes.volume import Volume
    from brainseg.scans.volumes.writing import save_mask

    _check(bundles, task, files, out)
    segmenter = Segmenter.open(bundles[0])
    found = list(read_volumes(files[0], paths.secret()))
    readable = [each for each in found if isinstance(each, Volume)]
    problems = [each.error for each in found if isinstance(each, Refused)]
    if not readable:
        raise ScanError(problems[0])
    volumes = volumes_for(segmenter.description, readable, sequence)
    bar, progress = counter("Marking slices")
    with bar:
        answer = mark_volume(segmenter, volumes, plane, progress)
    log_answers([record_of(answer, "command")])
    out.mkdir(parents=True, exist_ok=True)
    save_mask(answer.mask, answer.volume, out / MASK)
    write_atomically(out / MEASUREMENTS, lambda temporary: temporary.write_text(measurements(answer), "utf-8"))
    write_study_reports(answer, segmenter, out)
    if as_json:
        print_json(_values(files[0], answer, out, problems))
        return
    for text in (*problems, *answer.warnings):
        NOTES.print(text, markup=False, soft_wrap=True)
    ANSWERS.print(f"{answer.origin} {answer.volume.name}: {answer.finding}", markup=False, soft_wrap=True)
    *others, last = MASK, MEASUREMENTS, *STUDY_REPORTS
    written = f"{', '.join(others)} and {last}"
    ANSWERS.print(f"{written} are in {out}. Answered by {answer.model}.", markup=False, soft_wrap=True)
    ANSWERS.print(DISCLAIMER)


def _check(bundles: Sequence[Path], task: str, files: Sequence[Path], out: Path) -> None:
    if not facts_of(task).has_masks:
        raise ConfigError(
            f"--out is for a run that marks tumours, but the run of --run {facts_of(task).does}: leave it out."
        )
    if len(bundles) > 1:
        raise ConfigError("--run names several runs that mark tumours, which cannot form an ensemble: name one.")
    if len(files) > 1:
        raise ConfigError("With --out, name one file, folder or zip file that holds the study.")
    extras.require("reportlab", "The report of a study")
    for name in (MASK, MEASUREMENTS, *STUDY_REPORTS):
        if (out / name).exists():
            raise ConfigError(f"--out: {out / name} exists already: name another folder.")


def measurements(answer: VolumeMask) -> str:
    """Return the measurements as CSV: one row for each class, then one for each lesion, largest first."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    same = {**reliability_cells([answer]), "model": text_cell(answer.model), "disclaimer": DISCLAIMER}
    for number, (name, amount) in enumerate(answer.ml.items(), start=1):
        voxels = int((answer.mask == number).sum())
        writer.writerow({"what": "all", "class": text_cell(name), "voxels": voxels, "ml": amount, **same})
    for number, lesion in enumerate(answer.lesions, start=1):
        right, anterior, superior = lesion.centre
        place = {"centre_right_mm": right, "centre_anterior_mm": anterior, "centre_superior_mm": superior}
        size = {"voxels": lesion.voxels, "ml": lesion.ml, "diameter_mm": lesion.diameter}
        writer.writerow({"what": f"lesion {number}", **size, **place, **same})
    return stream.getvalue()


def _values(file: Path, answer: VolumeMask, out: Path, problems: Sequence[str]) -> dict[str, Any]:
    """Return the answer as values that JSON can hold."""
    from brainseg.scans.volumes.inspection import facts

    return {
        "file": str(file),
        "volume": facts(answer.volume).to_dict(),
        "plane": answer.plane,
        "sentence": answer.finding,
        "ml": answer.ml,
        "lesions": [
            {"voxels": each.voxels, "ml": each.ml, "diameter_mm": each.diameter, "centre_mm": each.centre}
            for each in answer.lesions
        ],
        "marked_slices": answer.marked,
        "unlike_slices": answer.unlike,
        **reliability_values(answer),
        "not_read": problems,
        "model": answer.model,
        "seconds": answer.seconds,
        "mask": str(out / MASK),
        "measurements": str(out / MEASUREMENTS),
        "reports": [str(out / name) for name in STUDY_REPORTS],
        "disclaimer": DISCLAIMER,
    }
