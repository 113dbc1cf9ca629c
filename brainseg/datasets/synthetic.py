"""Adds synthetic datasets, which are drawn inside the home folder."""

from __future__ import annotations

from brainseg.datasets.folders import read_folder
from brainseg.datasets.registry import KnownDataset, Progress, datasets_folder
from brainseg.files import refuse_if_disk_is_full
from brainseg.users.policy import Act, acting


def add_phantom(
    count: int,
    seed: int,
    progress: Progress | None = None,
    *,
    modalities: tuple[str, ...] | None = None,
    difficulty: str | None = None,
    slices_per_subject: int | None = None,
) -> KnownDataset:
    """Draw a synthetic dataset inside the home folder, unless it exists already, and add it to the list.

    Args:
        count: Number of slices, half of them with a tumour.
        seed: The same seed gives the same images.
        progress: Called with (slices done, slices in all), first for drawing and then for reading.
        modalities: As for `write_phantom`; None means its default, also for the next two.
        difficulty: As for `write_phantom`.
        slices_per_subject: As for `write_phantom`.

    Raises:
        DataError: A setting is not allowed, or the folder cannot be written.
        DiskError: Less space is free than must stay free.
        AccessError: The role of the one who asks does not allow it.
    """
    with acting(Act.ADD_DATASET) as asked:
        added = _add_phantom(count, seed, progress, modalities, difficulty, slices_per_subject)
        asked.target, asked.count = added.fingerprint[:12], added.images
        return added


def _add_phantom(
    count: int,
    seed: int,
    progress: Progress | None,
    modalities: tuple[str, ...] | None,
    difficulty: str | None,
    slices_per_subject: int | None,
) -> KnownDataset:
    from brainseg.phantom import DIFFICULTIES, MODALITIES, SLICES_PER_SUBJECT, phantom_name, write_phantom

    refuse_if_disk_is_full(datasets_folder(), "Drawing slices")
    modalities = MODALITIES if modalities is None else modalities
    difficulty = DIFFICULTIES[0] if difficulty is None else difficulty
    slices_per_subject = SLICES_PER_SUBJECT if slices_per_subject is None else slices_per_subject
    # A dataset with other settings needs another folder, so the name lists the differences from the defaults.
    differences = {
        "-".join(modalities): modalities != MODALITIES,
        difficulty: difficulty != DIFFICULTIES[0],
        f"{slices_per_subject}-each": slices_per_subject != SLICES_PER_SUBJECT,
    }
    changed = [text for text, differs in differences.items() if differs]
    place = datasets_folder() / phantom_name(str(count), "seed", str(seed), *changed)
    write_phantom(
        place,
        count,
        seed,
        modalities=modalities,
        difficulty=difficulty,
        slices_per_subject=slices_per_subject,
        progress=progress,
    )
    return read_folder(place, progress=progress)
