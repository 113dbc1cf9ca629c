"""Loads pretrained weights into a body, and reports exactly what a file contained and what was missing."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from brainseg.errors import WeightsError
from brainseg.files import sha256_file
from brainseg.models.architectures import STEM, ResNetBody
from brainseg.models.sources import IMAGENET, RUN, StoredWeights
from brainseg.models.torchvision_import import torchvision

ALTERNATIVES = (
    "give a weights file with --weights FILE (.safetensors or .pth), or start from random weights with --weights none"
)
HALF_LIMIT = torch.finfo(torch.float16).max
TIMEOUT = 15
"""Seconds to wait for the server of the ImageNet weights."""


@dataclass(frozen=True)
class WeightsReport:
    """The weights that were loaded into a body.

    Attributes:
        source: The source of the weights, in words.
        sha256: SHA-256 of the file; "" for random weights.
        taken: Number of tensors loaded.
        total: Number of tensors in the body, without the counters of batch normalisation.
        stages: Number of tensors loaded and in the body, by stage ("stem", "layer1", …).
        random_stages: Stages that do not work as trained, since a block lacks tensors. A block whose last normalisation
            has a scale of zero passes its input through, so other missing tensors in it do not matter.
    """

    source: str
    sha256: str
    taken: int
    total: int
    stages: dict[str, tuple[int, int]]
    random_stages: tuple[str, ...]

    @property
    def pretrained(self) -> bool:
        """Whether every stage of the body works as trained."""
        return self.taken > 0 and not self.random_stages

    def sentence(self) -> str:
        """Return a sentence on which weights were loaded and which stay random."""
        if not self.taken:
            return "The body starts from random weights."
        text = f"Loaded {self.taken} of {self.total} tensors of the body from {self.source}"
        if self.random_stages:
            *others, last = self.random_stages
            who = f"{', '.join(others)} and {last} start" if others else f"{last} starts"
            return f"{text}; {who} with random weights, so this body is NOT fully pretrained."
        return f"{text}; every stage works as trained."

    def to_dict(self) -> StoredWeights:
        """Return plain values that JSON can hold."""
        return {
            "source": self.source,
            "sha256": self.sha256,
            "taken": self.taken,
            "total": self.total,
            "stages": self.stages,
            "random_stages": self.random_stages,
            "pretrained": self.pretrained,
        }


def load_weights(body: ResNetBody, arch: str, spec: str, warm_start: Path | None = None) -> WeightsReport:
    """Load pretrained weights into a body, in place.

    Args:
        body: The body to fill.
        arch: Its architecture by name.
        spec: `imagenet`, `imagenet-v1`, `none`, `run:<id>` or the path of a file.
        warm_start: The weights file for `run:<id>`.

    Returns:
        A report on which weights were loaded and which stay random.

    Raises:
        WeightsError: The weights are not available, the file is damaged or unsafe, or nothing in it fits.
    """
    if spec == "none":
        return _report(body, "random weights", "", {})
    if spec in IMAGENET:
        file = _imagenet_file(arch, spec)
        source = f"{spec} ({file.name})"
    else:
        file = warm_start if spec.startswith(RUN) and warm_start else Path(spec).expanduser()
        source = spec if spec.startswith(RUN) else file.name
    found = _read(file)
    surplus = _surplus(body, found)
    if surplus:
        raise WeightsError(
            f"{file.name} was not made for {arch}, which has no {surplus}: give a file made for {arch}, or choose the "
            "architecture of the file."
        )
    tensors = _fitting(body, found)
    report = _report(body, source, sha256_file(file), tensors)
    # Files of other architectures have the same stem and some shapes in common, so the first stage must work, too.
    if {"stem", "layer1"} & set(report.random_stages):
        raise WeightsError(
            f"{file.name} contains no weights that fit {arch}: give a file made for {arch}, or choose the architecture "
            "of the file."
        )
    body.load_state_dict(tensors, strict=False)
    return report


def _imagenet_file(arch: str, spec: str) -> Path:
    """Return torchvision's weights file from torch's cache; download it with a progress bar if it is not there."""
    url = torchvision.models.get_model_weights(arch)[IMAGENET[spec]].url
    file = Path(str(torch.hub.get_dir())) / "checkpoints" / str(url).rsplit("/", 1)[-1]
    if file.is_file():
        return file
    try:
        # A request with a time limit comes first, since the download has none and would hang on a silent network.
        head = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "torch.hub"})  # noqa: S310 - https
        with urllib.request.urlopen(head, timeout=TIMEOUT):  # noqa: S310
            pass
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(file), hash_prefix=file.stem.rsplit("-", 1)[-1])
    except (OSError, HTTPException, RuntimeError) as error:
        raise WeightsError(
            f"The ImageNet weights of {arch} are not on this machine and cannot be downloaded: {ALTERNATIVES}."
        ) from error
    return file


def _read(file: Path) -> dict[str, torch.Tensor]:
    if not file.is_file():
        raise WeightsError(f"The weights file {file} does not exist: {ALTERNATIVES}.")
    if file.suffix not in {".safetensors", ".pth", ".pt"}:
        raise WeightsError(f"{file.name} is not a weights file: give a .safetensors, .pth or .pt file.")
    try:
        if file.suffix == ".safetensors":
            content: Any = load_file(file)
        else:
            content = torch.load(file, map_location="cpu", weights_only=True)
    except SafetensorError as error:
        raise WeightsError(f"{file} is damaged or not a safetensors file: get a new copy.") from error
    except Exception as error:  # torch.load raises many kinds, such as its refusal to run code
        raise WeightsError(
            f"{file} is damaged or contains more than plain tensors, so it is not loaded: get a new copy, or one in "
            ".safetensors format."
        ) from error
    return _tensors(content)


def _tensors(content: Any) -> dict[str, torch.Tensor]:  # noqa: ANN401 - any content of a file
    """Return the state dict without the wrappers that training scripts add."""
    for wrapper in ("state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict):
        return {}
    return {
        str(name).removeprefix("module.").removeprefix("body."): value
        for name, value in content.items()
        if _is_plain(value)
    }


def _is_plain(value: Any) -> bool:  # noqa: ANN401 - any content of a file
    """Return whether a value is a plain tensor; sparse, quantised and meta tensors in a .pth file cannot be copied."""
    plain = isinstance(value, torch.Tensor) and value.layout is torch.strided and not value.is_quantized
    return plain and not value.is_meta and not value.is_complex()


def _surplus(body: ResNetBody, tensors: dict[str, torch.Tensor]) -> str | None:
    """Return the name of a tensor that the body's stages lack, as in the file of a deeper ResNet; None without one."""
    own = body.state_dict()
    stages = tuple(f"layer{stage}." for stage in range(1, body.stages[-1] + 1))
    return next((name for name in tensors if name.startswith(stages) and name not in own), None)


def _fitting(body: nn.Module, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    own = body.state_dict()
    fitting = {
        name: _within_range(value).to(own[name].dtype)
        for name, value in tensors.items()
        if name in own and value.shape == own[name].shape
    }
    return {name: value for name, value in fitting.items() if torch.isfinite(value).all()}


def _within_range(value: torch.Tensor) -> torch.Tensor:
    """Clamp half-precision values: a variance that overflowed when it was saved would turn its channel off."""
    return value.clamp(-HALF_LIMIT, HALF_LIMIT) if value.dtype == torch.float16 else value


def _report(body: ResNetBody, source: str, digest: str, tensors: dict[str, torch.Tensor]) -> WeightsReport:
    names = [name for name in body.state_dict() if not name.endswith("num_batches_tracked")]
    stages = ["stem", *(f"layer{stage}" for stage in range(1, body.stages[-1] + 1))]
    members = {stage: [name for name in names if _stage(name) == stage] for stage in stages}
    counts = {stage: (sum(name in tensors for name in part), len(part)) for stage, part in members.items()}
    random = tuple(stage for stage, part in members.items() if not _works(part, tensors))
    taken = sum(name in tensors for name in names)
    return WeightsReport(source, digest, taken, len(names), counts, random)


def _stage(name: str) -> str:
    part = name.split(".", 1)[0]
    return "stem" if part in STEM else part


def _works(names: list[str], tensors: dict[str, torch.Tensor]) -> bool:
    missing = {name.rsplit(".", 2)[0] for name in names if name not in tensors}
    return all(_passes_through(block, names, tensors) for block in missing)


def _passes_through(block: str, names: list[str], tensors: dict[str, torch.Tensor]) -> bool:
    scales = sorted(name for name in names if name.startswith(f"{block}.bn") and name.endswith(".weight"))
    if not scales or any(name.startswith(f"{block}.downsample") for name in names):
        return False
    last, shift = scales[-1], scales[-1].replace("weight", "bias")
    return all(name in tensors and not tensors[name].any() for name in (last, shift))
