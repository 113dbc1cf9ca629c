from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from brainseg.models.architectures import Network
from brainseg.models.export.writing import write_onnx, write_openvino
from brainseg.models.inputs import on_device
from brainseg.models.unet import build_unet
from tests.models.conftest import live, make_classifier, store

UNET_FACTS = {"task": "segment", "head": "u-net", "dropout": 0.0, "positive": None}
KINDS = ("concat-pool", "local", "u-net")


def make_network(kind: str) -> Network:
    """The first half of a ResNet18 with a head, or as a U-Net with self-attention."""
    torch.manual_seed(3)
    if kind == "u-net":
        made = live(build_unet("resnet18", 2, (3,), self_attention=True, bottleneck=True))
        torch.nn.init.constant_(made.head.blocks[0].attention.gamma, 0.5)
    else:
        made = make_classifier(head=kind, stages=(1, 2))
    return on_device(made, torch.device("cpu")).eval().requires_grad_(False)


@pytest.fixture(scope="session")
def networks() -> dict[str, Network]:
    return {kind: make_network(kind) for kind in KINDS}


@pytest.fixture(scope="session")
def written(networks, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Kind of network -> a folder with its files in both formats."""
    folders = {}
    for kind, network in networks.items():
        folders[kind] = tmp_path_factory.mktemp(kind)
        write_openvino(write_onnx(network, folders[kind]), folders[kind])
    return folders


@pytest.fixture(scope="session")
def squares() -> list[np.ndarray]:
    """Five prepared images of 64 px."""
    random = np.random.default_rng(5)
    return [random.integers(0, 255, (64, 64, 3), dtype=np.uint8) for _ in range(5)]


@pytest.fixture(scope="session")
def make_bundle(tmp_path_factory: pytest.TempPathFactory, networks):
    """Store a network as a bundle in a folder of its own, as the store does; return the bundle's folder."""

    def make(kind: str = "concat-pool", **facts: object) -> Path:
        folder = tmp_path_factory.mktemp("run") / "bundle"
        if kind == "u-net":
            facts = {**UNET_FACTS, "self_attention": True, "bottleneck": True, **facts}
            return store(folder, networks[kind], ("background", "tumour"), **facts)
        return store(folder, networks[kind], head=kind, **facts)

    return make
