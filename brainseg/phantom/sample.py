"""A synthetic person's study in memory, to try out what takes volumes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from brainseg.phantom.subject import make_subject
from brainseg.phantom.volumes import make_volumes
from brainseg.scans.volumes.volume import Volume, axes_of

SYNTHETIC = "It is synthetic: nobody was scanned, and results on it say nothing about results on patients."
_SIZE = 192
"""Pixels of a side, as in the demo's slices."""


def sample_study(seed: int = 0, size: int = _SIZE) -> tuple[Volume, ...]:
    """Draw a person with a large, bright tumour, as one volume for each sequence on one grid.

    Args:
        seed: The same seed gives the same person.
        size: Pixels of a side.

    Raises:
        DataError: The templates are not installed.
    """
    subject = make_subject(
        np.random.SeedSequence(seed),
        has_tumour=True,
        plane="axial",
        modalities=("T1",),
        slices=1,
        size=size,
        clear=True,
    )
    with ThreadPoolExecutor(2, thread_name_prefix="phantom") as pool:
        volumes, _, affine = make_volumes(subject, pool)
    return tuple(
        Volume(
            array=np.ascontiguousarray(values, np.float32),
            affine=affine,
            name=f"synthetic {sequence}",
            source_format="phantom",
            stored_shape=(values.shape[0], values.shape[1], values.shape[2]),
            stored_orientation=axes_of(affine),
            modality="MR",
            sequence=sequence,
            warnings=(SYNTHETIC,),
        )
        for sequence, values in volumes.items()
    )
