"""`data`: make the phantom set, inspect a dataset, and keep the list of known ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brainseg.cli import decide
from brainseg.cli.data_volumes import cut
from brainseg.cli.options import JsonOption
from brainseg.cli.output import ANSWERS, counter, print_json
from brainseg.datasets.copy_messages import near_leaks, near_sentence
from brainseg.datasets.patient_messages import patients_sentence

if TYPE_CHECKING:
    from brainseg.datasets.library import KnownDataset
    from brainseg.datasets.report_fields import DatasetReport

FILES_NAMED = 5
PAIRS_NAMED = 40
GroupsOption = Annotated[
    str | None,
    typer.Option(
        help="Which images are of one patient: auto, none, column:NAME, folder:N or name:REGEX. By default the setting "
        "stored with a known dataset, otherwise auto."
    ),
]

ThresholdOption = Annotated[
    float | None,
    typer.Option(
        help="Pixels of soft or JPEG masks with at least this value are tumour, as with data.mask_threshold. By "
        "default the value stored with a known dataset."
    ),
]

app = typer.Typer(help="Make the phantom set, cut volumes, inspect a dataset, or keep the list.", no_args_is_help=True)
app.command()(cut)


@app.command()
def phantom(
    out: Annotated[Path, typer.Option(help="Folder to write to; it must be new or empty.")],
    n: Annotated[int, typer.Option(help="Number of slices.")] = 400,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    size: Annotated[int, typer.Option(help="Side of a slice, in pixels.")] = 256,
    plane: Annotated[str, typer.Option(help="axial, coronal, sagittal or mixed.")] = "axial",
    modality: Annotated[
        list[str] | None,
        typer.Option(help="T1, T1ce, T2 or FLAIR; repeat the option for several. Default: all."),
    ] = None,
    difficulty: Annotated[
        str, typer.Option(help="realistic, or clear: large, bright tumours and nothing that resembles them.")
    ] = "realistic",
    slices_per_subject: Annotated[int, typer.Option(help="Slices of one synthetic person, 1 to 16.")] = 2,
    volumes: Annotated[bool, typer.Option(help="Also write NIfTI volumes and a mask of one synthetic person.")] = False,
    dicom: Annotated[
        str,
        typer.Option(help="Also write that person as DICOM series, cut in this plane: axial, coronal or sagittal."),
    ] = "",
    studies: Annotated[
        int, typer.Option(help="Also write so many people with a tumour as NIfTI studies, as in BraTS.")
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Make synthetic brain MRI slices with and without tumours from the MNI152 templates."""
    from brainseg.phantom import MODALITIES, write_phantom

    bar, progress = counter("Drawing slices")
    with bar:
        made = write_phantom(
            out,
            n,
            seed,
            size=size,
            plane=plane,
            modalities=tuple(modality or MODALITIES),
            slices_per_subject=slices_per_subject,
            volumes=volumes,
            difficulty=difficulty,
            dicom=dicom,
            studies=studies,
            progress=progress,
        )
    if as_json:
        print_json({**vars(made), "folder": str(made.folder)})
        return
    ANSWERS.print(
        f"{made.slices} synthetic slices of {made.subjects} subjects, {made.tumour_slices} with tumour: {made.folder}",
        soft_wrap=True,
    )


@app.command()
def inspect(
    path: Annotated[
        str,
        typer.Argument(help="Folder of class folders or images and masks, CSV manifest, or a known set's name."),
    ],
    groups: GroupsOption = None,
    mask_threshold: ThresholdOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count classes, masks, sizes, modes, unreadable files and copies of a dataset."""
    from brainseg.datasets.inspection import inspect_dataset
    from brainseg.datasets.library import resolve, stored_settings
    from brainseg.datasets.report import dataset_report, mask_sentence

    bar, progress = counter("Reading images")
    with bar:
        place = resolve(path)
        stored = stored_settings(place)
        groups = groups or str(stored["data.groups"])
        threshold = stored.get("data.mask_threshold") if mask_threshold is None else mask_threshold
        report = dataset_report(
            inspect_dataset(Path(place), progress, groups, None if threshold is None else float(threshold))
        )
    if as_json:
        print_json(report)
        return
    _print_report(report)
    if "masks" in report:
        for line in (mask_sentence(report), *report["notes"]):
            ANSWERS.print(line, markup=False, soft_wrap=True)


@app.command()
def add(
    path: Annotated[Path, typer.Argument(help="Folder of class folders, CSV manifest, or .zip file of either.")],
    name: Annotated[str | None, typer.Option(help="Name for the dataset; by default that of its path.")] = None,
    groups: GroupsOption = None,
    mask_threshold: ThresholdOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a dataset to the list. A zip file is unpacked below the home folder; a folder stays where it is."""
    from brainseg.datasets.library import add_folder, add_zip

    bar, progress = counter("Reading images")
    with bar:
        if path.suffix.lower() == ".zip":
            known = add_zip(path, name or path.stem, progress, groups or "auto", mask_threshold)
        else:
            known = add_folder(path, name, progress, groups, mask_threshold)
    print_json(vars(known)) if as_json else _print_known(known)


@app.command(name="list")
def list_known(as_json: JsonOption = False) -> None:
    """List the known datasets."""
    from brainseg.datasets.library import known_datasets

    known = known_datasets()
    if as_json:
        print_json([vars(dataset) for dataset in known])
    elif not known:
        ANSWERS.print("The list of datasets is empty: `data add PATH` adds one.", markup=False)
    else:
        for dataset in known:
            _print_known(dataset)


@app.command()
def forget(
    name: Annotated[str, typer.Argument(help="Name of a known dataset.")],
    yes: Annotated[bool, typer.Option("--yes", help="Delete an upload or a synthetic set without asking.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove a dataset from the list. This deletes an upload or a synthetic set, but never a folder elsewhere."""
    from brainseg.datasets import library

    known = library.find(name)
    if known.source != "folder":
        from brainseg.jobs.removal import refuse_if_needed
        from brainseg.runs import RunStore

        refuse_if_needed(known, RunStore().list())
        if not yes:
            typer.confirm(f"Delete {known.name} and its files in {known.path}?", abort=True, err=True)
    library.forget(known.name)
    if as_json:
        print_json(vars(known))
        return
    done = "was removed from the list; its folder stays" if known.source == "folder" else "was deleted"
    ANSWERS.print(f"{known.name} {done}: {known.path}", markup=False, soft_wrap=True)


def _print_known(known: KnownDataset) -> None:
    images = "not scanned yet" if known.images is None else f"{known.images} images"
    counts = f" ({', '.join(f'{name} {count}' for name, count in known.counts.items())})" if known.counts else ""
    gone = "" if known.exists else " (missing)"
    ANSWERS.print(f"{known.name}: {known.source}, {images}{counts}, {known.path}{gone}", markup=False, soft_wrap=True)


def _print_report(report: DatasetReport) -> None:
    from brainseg.datasets.report import named, warning_sentence

    def listed(counts: dict[str, int]) -> str:
        return ", ".join(f"{name} {count}" for name, count in counts.items())

    def extent(pixels: list[int]) -> str:
        return " to ".join(map(str, pixels)) or "nothing"

    copies, sizes = report["duplicates"], report["sizes"]
    lines = [
        f"{report['path']}: {report['images']} images",
        f"Classes: {listed(report['classes'])}",
        f"Patients: {patients_sentence(report['patients'])}",
        f"Modes: {listed(report['modes'])}; formats: {listed(report['formats'])}",
        f"Sizes: {sizes['distinct']} different, {extent(sizes['width'])} wide, {extent(sizes['height'])} high (pixels)",
        f"Copies: {copies['groups']} groups of byte-identical files with {copies['surplus']} duplicates, "
        f"{copies['across_labels']} of them with different labels",
    ]
    if near_copies := near_sentence(near := report["near_copies"]):
        lines.append(f"Near copies: {near_copies}")
        lines += [f"  {first} = {second}" for first, second in near["listed"][:PAIRS_NAMED]]
        if (hidden := near["pairs"] - PAIRS_NAMED) > 0:
            lines.append(f"  and {hidden} more pairs: the Data page shows them")
    if report["splits"]:
        lines.append(f"Given split: {listed(report['splits'])}")
    lines += [
        f"LEAK: {pair['files']} of {pair['total']} {pair['of']} files are byte-identical to a {pair['among']} file "
        f"({listed(pair['labels'])})"
        for pair in copies["across_splits"]
        if pair["files"] and pair["of"] != "train"
    ]
    lines += [f"LEAK: {sentence}" for sentence in near_leaks(near)]
    lines += [f"Wrong extension: {path}" for path in report["wrong_extension"]]
    lines += [f"Warning: {warning_sentence(entry)}" for entry in report["warnings"]]
    reasons: dict[str, list[str]] = {}
    warned = {entry["message"] for entry in report["warnings"]}
    for entry in report["unreadable"]:
        if entry["reason"] not in warned:
            reasons.setdefault(entry["reason"], []).append(entry["path"])
    lines += [f"Unreadable: {reason}{named(files) if len(files) > 1 else ''}" for reason, files in reasons.items()]
    if report["ignored"]:
        more = f" and {len(report['ignored']) - 10} more" if len(report["ignored"]) > 10 else ""
        lines.append(f"Ignored, since they are not images in a class folder: {', '.join(report['ignored'][:10])}{more}")
    for line in lines:
        ANSWERS.print(line, markup=False, soft_wrap=True)


def register(program: typer.Typer) -> None:
    """Add the group of commands."""
    program.add_typer(app, name="data")


decide.register(app)
