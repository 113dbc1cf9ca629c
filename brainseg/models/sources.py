"""The sources of pretrained weights, and whether ImageNet weights are on this machine; does not import torch."""

from __future__ import annotations

import os
import threading
import urllib.request
from http.client import HTTPException
from pathlib import Path

from pydantic import ConfigDict
from typing_extensions import TypedDict

from brainseg.models.stored_values import Known

IMAGENET = {"imagenet": "DEFAULT", "imagenet-v1": "IMAGENET1K_V1"}
"""`imagenet` is torchvision's current training recipe, `imagenet-v1` that of the original publications."""
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
"""torchvision's names for its ImageNet files, listed here to avoid importing torch."""
SOURCE = "https://download.pytorch.org/models/"
TIMEOUT = 5.0
"""Seconds to wait for the server of the ImageNet weights, including the look-up of its name."""


class StoredWeights(TypedDict, total=False):
    """A `WeightsReport` as `weights.json` and the field `pretraining` of a bundle hold it.

    Bundles that another program wrote may lack some fields.
    """

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc] # as pydantic asks for it

    source: Known[str]
    sha256: Known[str]
    taken: Known[int]
    total: Known[int]
    stages: Known[dict[str, tuple[int, int]]]
    random_stages: Known[tuple[str, ...]]
    pretrained: Known[bool]


def is_weights_file(spec: str) -> bool:
    """Return whether a weights setting is the path of a file."""
    return spec != "none" and spec not in IMAGENET and not spec.startswith(RUN)


def torch_cache() -> Path:
    """Return the folder where torch keeps downloaded weights, without importing torch."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("TORCH_HOME") or f"{cache}/torch"
    return Path(home).expanduser() / "hub" / "checkpoints"


def imagenet_cached(arch: str, spec: str = "imagenet") -> bool:
    """Return whether the ImageNet weights of an architecture are on this machine."""
    return (torch_cache() / FILES[spec][arch]).is_file()


def imagenet_reachable(arch: str, spec: str = "imagenet", timeout: float = TIMEOUT) -> bool:
    """Ask the server whether the ImageNet weights of an architecture can be downloaded now.

    Args:
        arch: The architecture.
        spec: `imagenet` or `imagenet-v1`.
        timeout: Seconds after which a silent network counts as unreachable.
    """
    answered: list[int] = []

    def ask() -> None:
        url = SOURCE + FILES[spec][arch]
        head = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "torch.hub"})  # noqa: S310 - https
        try:
            with urllib.request.urlopen(head, timeout=timeout) as answer:  # noqa: S310 - https
                answered.append(answer.status)
        except (OSError, HTTPException, ValueError):
            return

    # In a separate thread, since the look-up of a host name has no time limit.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(timeout)
    return bool(answered)
