"""`predict --out`: mark tumours on a volume, and write the mask, its measurements and a report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainseg import DISCLAIMER, extras, paths
from brainseg.cli.output import ANSWERS, NOTES, counter, print_json
from brainseg.cli.reports import STUDY_REPORTS, write_study_reports
from brainseg.cli.study_classes import SLICES, classify_study
from brainseg.diagnosis.study_table import measurements
from brainseg.diagnosis.table import reliability_values
from brainseg.errors import ConfigError, ScanError
from brainseg.files import write_atomically
from brainseg.models.export.names import BackendChoice
from brainseg.tasks import facts_of

if TYPE_CHECKING:
    from brainseg.diagnosis.volume_mask import VolumeMask

MASK, OBJECT, MEASUREMENTS, SR = "mask.nii.gz", "mask.dcm", "measurements.csv", "measurements.dcm"


def predict_study(
    bundles: Sequence[Path],
    task: str,
    files: Sequence[Path],
    out: Path,
    *,
    plane: str,
    sequence: str | None,
    backend: BackendChoice,
    as_json: bool,
) -> None:
    """Answer for the volume of a study, and write and print the answer.

    Args:
        bundles: The model of `--run`; several are refused.
        task: Its task.
        files: The study; several paths are refused.
        out: Folder to write to.
        plane: The plane of the slices.
        sequence: The sequence to use, if the study holds several volumes.
        backend: What may run the network.
        as_json: Whether to print JSON.

    Raises:
        ConfigError: An option does not fit, or an output exists.
        BackendError: The backend may not answer for this model.
        MissingLibraryError: reportlab is not installed.
        ScanError: The study has not what the model needs.
    """
    from brainseg.diagnosis.mask_object import mask_object
    from brainseg.diagnosis.measurement_object import measurement_object
    from brainseg.diagnosis.segmenter import Segmenter
    from brainseg.diagnosis.study import volumes_for
    from brainseg.diagnosis.volume_mask import mark_volume
    from brainseg.monitoring import log_answers, record_of
    from brainseg.scans.volumes.reading import Refused, read_volumes
    from brainseg.scans.volumes.volume import Volume
    from brainseg.scans.volumes.writing import save_mask

    _check(bundles, task, files, out)
    found = list(read_volumes(files[0], paths.secret()))
    readable = [each for each in found if isinstance(each, Volume)]
    problems = [each.error for each in found if isinstance(each, Refused)]
    if not readable:
        raise ScanError(problems[0])
    if not facts_of(task).has_masks:
        given = bundles[0], readable, files[0], out, problems
        classify_study(*given, plane=plane, sequence=sequence, backend=backend, as_json=as_json)
        return
    segmenter = Segmenter.open(bundles[0], backend=backend)
    volumes = volumes_for(segmenter.description, readable, sequence)
    bar, progress = counter("Marking slices")
    with bar:
        answer = mark_volume(segmenter, volumes, plane, progress)
    log_answers([record_of(answer, "command")])
    out.mkdir(parents=True, exist_ok=True)
    save_mask(answer.mask, answer.volume, out / MASK)
    write_atomically(out / MEASUREMENTS, lambda temporary: temporary.write_text(measurements(answer), "utf-8"))
    made, note = mask_object(answer)
    if made:
        report = measurement_object(answer, made)
        write_atomically(out / OBJECT, lambda temporary: temporary.write_bytes(made))
        write_atomically(out / SR, lambda temporary: temporary.write_bytes(report))
    write_study_reports(answer, segmenter, out)
    if as_json:
        print_json(_values(files[0], answer, out, problems, note))
        return
    for text in (*problems, *answer.warnings, *([note] if note else [])):
        NOTES.print(text, markup=False, soft_wrap=True)
    ANSWERS.print(f"{answer.origin} {answer.volume.name}: {answer.finding}", markup=False, soft_wrap=True)
    objects = [OBJECT, SR] if made else []
    *others, last = MASK, MEASUREMENTS, *objects, *STUDY_REPORTS
    written = f"{', '.join(others)} and {last}"
    ANSWERS.print(f"{written} are in {out}. Answered by {answer.model}.", markup=False, soft_wrap=True)
    ANSWERS.print(DISCLAIMER)


def _check(bundles: Sequence[Path], task: str, files: Sequence[Path], out: Path) -> None:
    if len(bundles) > 1:
        raise ConfigError("--out is for one run, and --run names several models: name one.")
    if len(files) > 1:
        raise ConfigError("With --out, name one file, folder or zip file that holds the study.")
    if facts_of(task).has_masks:
        extras.require("reportlab", "The report of a study")
    for name in (MASK, OBJECT, MEASUREMENTS, SR, *STUDY_REPORTS) if facts_of(task).has_masks else (SLICES,):
        if (out / name).exists():
            raise ConfigError(f"--out: {out / name} exists already: name another folder.")


def _values(file: Path, answer: VolumeMask, out: Path, problems: Sequence[str], note: str) -> dict[str, Any]:
    """Return the answer as values that JSON can hold; `note` says why there is nothing in DICOM."""
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
        "backend": answer.backend,
        "precision": answer.precision,
        "seconds": answer.seconds,
        "mask": str(out / MASK),
        "mask_dcm": None if note else str(out / OBJECT),
        "mask_dcm_note": note or None,
        "measurements": str(out / MEASUREMENTS),
        "measurements_dcm": None if note else str(out / SR),
        "reports": [str(out / name) for name in STUDY_REPORTS],
        "disclaimer": DISCLAIMER,
    }
