"""Choose the volumes of a study that a model needs."""

from __future__ import annotations

from collections.abc import Sequence

from brainseg.errors import ScanError
from brainseg.models.description import BundleDescription
from brainseg.scans.volumes.volume import Volume


def sequences_of(description: BundleDescription) -> tuple[str, ...]:
    """Return the sequences that a model needs side by side; empty if it takes any one image."""
    if description.modalities is not None:
        return tuple(description.modalities)
    return description.channels if len(set(description.channels)) > 1 else ()


def volumes_for(
    description: BundleDescription, found: Sequence[Volume], sequence: str | None = None
) -> tuple[Volume, ...]:
    """Return the volumes that a model needs, in its order and on the grid of the first.

    Args:
        description: The model's.
        found: The readable volumes of a study.
        sequence: For a model that takes one volume: the sequence to use if the study holds several.

    Raises:
        ScanError: A needed sequence is missing, or there are several volumes to choose from. The sentence says how.
    """
    from brainseg.scans.volumes.grid import on_grid  # imports SimpleITK, which pages do without until a scan is marked

    wanted = sequences_of(description) or ((sequence,) if sequence else ())
    if not wanted:
        return (_single(found, "", description.name),)
    chosen = [_single([each for each in found if each.sequence == name], name, description.name) for name in wanted]
    return tuple([chosen[0], *(on_grid(volume, chosen[0]) for volume in chosen[1:])])


def _single(found: Sequence[Volume], sequence: str, model: str) -> Volume:
    if len(found) == 1:
        return found[0]
    needs = f"{model} needs one {sequence} volume" if sequence else f"{model} takes one volume"
    if not found:
        raise ScanError(
            f"{needs}, and the study holds none: give files whose name or header says {sequence or 'what they are'}."
        )
    listed = ", ".join(f"{volume.name} ({volume.sequence or 'sequence unknown'})" for volume in found[:8])
    raise ScanError(
        f"{needs}, and the study holds {len(found)}: {listed}; name the file, the folder or the sequence to use."
    )
