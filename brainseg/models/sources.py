"""What a weights setting names, and whether ImageNet weights are here: kept apart, so that asking needs no torch."""

from __future__ import annotations

import os
import threading
import urllib.request
from http.client import HTTPException
from pathlib import Path

IMAGENET = {"imagenet": "DEFAULT", "imagenet-v1": "IMAGENET1K_V1"}
"""`imagenet` is torchvision's current recipe, `imagenet-v1` the one of the original publications."""
RUN = "run:"
WEIGHTS = "model.safetensors"
"""The weights file of a bundle."""
FILES = {
    "imagenet-v1": {
        "resnet18": "resnet18-f37072fd.pth",
        "resnet34": "resnet34-b627a593.pth",
        "resnet50": "resnet50-0676ba61.pth",
        "resnet101": "resnet101-63fe2227.pth",
        "resnet152": "resnet152-394f9c45.pth",
    },
    "imagenet": {
        "resnet18": "resnet18-f37072fd.pth",
        "resnet34": "resnet34-b627a593.pth",
        "resnet50": "resnet50-11ad3fa6.pth",
        "resnet101": "resnet101-cd907fc2.pth",
        "resnet152": "resnet152-f82ba261.pth",
    },
}
"""torchvision's own names for its ImageNet files, here so that torch need not be imported for them."""
SOURCE = "https://download.pytorch.org/models/"
PATIENCE = 5.0
"""Seconds to wait for the server of the ImageNet weights, its name's look-up included."""


def is_weights_file(spec: str) -> bool:
    """Say whether a weights setting is the path of a file."""
    return spec != "none" and spec not in IMAGENET and not spec.startswith(RUN)


def torch_cache() -> Path:
    """Return where torch keeps downloaded weights, by its own rules, without importing it."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("TORCH_HOME") or f"{cache}/torch"
    return Path(home).expanduser() / "hub" / "checkpoints"


def imagenet_cached(arch: str, spec: str = "imagenet") -> bool:
    """Say whether the ImageNet weights of an architecture are on this machine."""
    return (torch_cache() / FILES[spec][arch]).is_file()


def imagenet_reachable(arch: str, spec: str = "imagenet", patience: float = PATIENCE) -> bool:
    """Say whether the ImageNet weights of an architecture can be downloaded now; asks their server.

    Args:
        arch: The architecture.
        spec: `imagenet` or `imagenet-v1`.
        patience: Seconds after which a silent network counts as none.
    """
    answered: list[int] = []

    def ask() -> None:
        url = SOURCE + FILES[spec][arch]
        head = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "torch.hub"})  # noqa: S310 - https
        try:
            with urllib.request.urlopen(head, timeout=patience) as answer:  # noqa: S310 - https
                answered.append(answer.status)
        except (OSError, HTTPException, ValueError):
            return

    # In a separate thread: the look-up of a host name has no time limit.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(patience)
    return bool(answered)
