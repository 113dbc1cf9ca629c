"""Training a U-Net with plain fastai, as in its tutorials."""

from __future__ import annotations

from pathlib import Path

import torchvision
from fastai.vision.all import Learner, Resize, SegmentationDataLoaders, aug_transforms, get_image_files, unet_learner

from benchmarks.speed.side import Turns
from benchmarks.speed.timing import clock


def learner(images: str, masks: str, arch: str, size: int, batch_size: int = 8) -> Learner:
    """Make the learner of slices and of masks that have the same file names."""
    files = get_image_files(images, folders=["no_tumour", "tumour"])
    dls = SegmentationDataLoaders.from_label_func(
        images,
        files,
        lambda file: Path(masks) / file.name,
        codes=["background", "tumour"],
        valid_pct=0.2,
        seed=42,
        bs=batch_size,
        item_tfms=Resize(size),
        batch_tfms=aug_transforms(),
    )
    return unet_learner(dls, getattr(torchvision.models, arch), pretrained=False)


def side(turns: Turns, images: str, masks: str, arch: str, size: int) -> None:
    """Train one unfrozen epoch a turn."""
    learn = learner(images, masks, arch, size)
    learn.unfreeze()
    count = len(learn.dls.train_ds) + len(learn.dls.valid_ds)
    for _ in turns:
        with clock() as timing:
            learn.fit_one_cycle(1)
        turns.report(timing, images=count)
