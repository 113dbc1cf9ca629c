"""What a weights setting names; kept apart from `weights`, so that asking needs no torch."""

from __future__ import annotations

IMAGENET = {"imagenet": "DEFAULT", "imagenet-v1": "IMAGENET1K_V1"}
"""`imagenet` is torchvision's current recipe, `imagenet-v1` the one of the original publications."""
RUN = "run:"
WEIGHTS = "model.safetensors"
"""The weights file of a bundle."""


def is_weights_file(spec: str) -> bool:
    """Say whether a weights setting is the path of a file."""
    return spec != "none" and spec not in IMAGENET and not spec.startswith(RUN)
